"""A finding that begins, as the terminal of the dashboard hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import gpumon.tui.app as app_module
from gpumon.settings import Settings
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import appearance
from tests.tui.fake_feed import FakeClock, FakeFeed
from tests.tui.pilot import piloted
from tests.tui.screen import TERMINAL, dashboard
from tests.tui.terminal import Terminal


class _Heard(GpumonApp):
    """The dashboard, with ears."""

    CSS_PATH = str(Path(app_module.__file__).with_name("app.tcss"))
    rung = 0

    def bell(self) -> None:
        """Count instead of ringing."""
        self.rung += 1


@pytest.mark.parametrize(("bell", "expected"), [(True, 1), (False, 0)])
async def test_the_bell_rings_once_for_each_cause(bell: bool, expected: int) -> None:
    """Not before anything is found, once when it is, and not again while it goes on."""
    settings = Settings(bell=bell)
    feed = FakeFeed("healthy", seconds=60)
    app = _Heard(feed, settings, FakeClock(), appearance(settings, TERMINAL), environ=TERMINAL)
    async with piloted(app) as pilot:
        await pilot.pause()
        before = app.rung
        feed.set("starved", 61)
        await pilot.pause()
        feed.advance()
        await pilot.pause()

    assert (0, expected) == (before, app.rung)


async def test_where_the_verdict_is_not_shown_a_word_says_it() -> None:
    """On another screen the finding stands in a message; on the overview it is there already."""
    async with dashboard("healthy") as shown:
        await shown.press("3")
        shown.feed.set("starved", 61)
        await shown.settle()
        told = shown.text()
    async with dashboard("healthy") as shown:
        shown.feed.set("starved", 61)
        await shown.settle()

        assert "starved-too-few-workers: the GPU" in told.replace("\n", " ")
        assert "starved-too-few-workers: the GPU" not in shown.text()


async def test_what_cannot_be_done_about_an_alert_is_said() -> None:
    """A command that fails is told of on the screen."""
    async with dashboard() as shown:
        shown.app._watch.tell_trouble("--on-finding: it failed")
        await shown.advance()

        assert "--on-finding: it failed" in shown.text()


def test_the_terminal_is_rung_and_asked_to_notify() -> None:
    """A real terminal gets BEL and OSC 9, and is left as it was."""
    loud = Terminal("starved", "--period", "0")
    try:
        loud.read_until("\x1b]9;gpumon on trainbox: starved-too-few-workers: the GPU waits 41 %")
        loud.read_until("STARVED")
        loud.send("q")

        assert loud.wait() == 0
        assert b"\a" in loud.output
        assert loud.is_restored()
    finally:
        loud.close()
