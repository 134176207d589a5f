"""The help: every key that works, the most used ones first."""

from __future__ import annotations

import re

import pytest
from textual.binding import Binding

from gpumon.tui.app import GpumonApp
from tests.tui.screen import dashboard


def _bindings(app: GpumonApp) -> list[Binding]:
    return [binding for binding in app.BINDINGS if isinstance(binding, Binding) and app.has(binding)]


@pytest.mark.parametrize("key", ["question_mark", "h", "f1"])
async def test_help_lists_every_binding(key: str) -> None:
    """Help opens by three keys, names every key that works, and esc closes it."""
    async with dashboard(size=(120, 80)) as shown:
        before = shown.text()
        await shown.press(key)
        text = shown.text()
        await shown.press("escape")

        for binding in _bindings(shown.app):
            assert binding.tooltip.split(";")[0][:40] in text
        assert before == shown.text()


async def test_the_first_page_of_the_help_has_the_keys_that_are_used_most() -> None:
    """At 80x24, without scrolling: the overview's own keys, the places, copy, pause, span, how to leave."""
    async with dashboard() as shown:
        await shown.press("question_mark")
        text = shown.text()

        used = [binding for binding in _bindings(shown.app) if binding.id and binding.id.startswith("place.")]
        ids = {"copy", "pause", "span.longer", "span.shorter", "sources", "back", "quit"}
        used += [binding for binding in _bindings(shown.app) if binding.id in ids]
        assert len(used) == 13
        assert all(binding.tooltip in text for binding in used)
        assert all(
            words in text for words in ("open what has the focus", "next pane", "over the whole screen")
        )
        assert re.search(r" \+ =; - _ +charts show more time; charts show less time", text)


async def test_help_has_two_columns_where_there_is_room() -> None:
    """On a wide terminal all of it is in sight, and the second column begins with something new."""
    async with dashboard(size=(200, 50)) as shown:
        await shown.press("question_mark")
        text = shown.text()

        assert " of " not in shown.lines()[1]
        assert "keys of this screen" in shown.lines()[2]
        assert all(words in text for words in ("keys everywhere", "reading the screen", "idle", "PSS"))
        assert shown.lines()[2][102:].strip(" │")


async def test_h_is_help_on_a_chart_too() -> None:
    """No pane takes the help key for itself."""
    async with dashboard() as shown:
        await shown.press("5", "h")

        assert "┌─ help" in shown.text()


async def test_help_explains_the_keys_of_the_screen_it_was_opened_on() -> None:
    """On the processes screen, help has the filter's key."""
    async with dashboard(size=(120, 80)) as shown:
        await shown.press("3", "question_mark")

        assert re.search(r"  /  .*show only rows that hold what is typed", shown.text())
