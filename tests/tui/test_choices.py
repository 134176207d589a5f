"""What the user chooses in the dashboard, and what is kept of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpumon.cli.app import gpumon
from gpumon.tui.themes import OWN_THEMES
from tests.tui.screen import Dashboard, dashboard
from tests.tui.terminal import Terminal

_NAMES = [theme.name for theme in OWN_THEMES]


class Kept:
    """Keeps choices in a list, or says why it does not."""

    def __init__(self, reason: str = "") -> None:
        self.found: list[tuple[str, str | bool]] = []
        self._reason = reason

    def keep(self, name: str, value: str | bool) -> str:
        """Keep one."""
        self.found.append((name, value))
        return self._reason


def _said(shown: Dashboard) -> str:
    """Return what messages say; on the screen they are wrapped."""
    return " ".join(message.message for message in shown.app._notifications)


async def test_p_goes_through_the_themes_and_each_is_kept() -> None:
    """P goes on, shift-P back, round and round; nothing is kept before a key was pressed."""
    kept = Kept()
    async with dashboard(choices=kept) as shown:
        await shown.settle()
        before = list(kept.found)
        await shown.press("p", "p")
        said = _said(shown)
        await shown.press("P", "P", "P")

        assert before == []
        assert "theme gpumon-contrast, also at the next start" in said
        assert kept.found == [("theme", _NAMES[index]) for index in (1, 2, 1, 0, -1)]
        assert shown.app.theme == _NAMES[-1]


async def test_a_theme_of_the_palette_is_kept_and_one_of_own_colours_leaves_sixteen() -> None:
    """From a terminal's own 16 colours to a theme: it is drawn in its very colours."""
    kept = Kept()
    async with dashboard(choices=kept, theme="ansi-dark") as shown:
        was = shown.app.native_ansi_color
        shown.app.action_change_theme()
        await shown.settle()
        await shown.press(*"gpumon-contrast", "enter")
        await shown.settle()

        assert was
        assert kept.found == [("theme", "gpumon-contrast")]
        assert not shown.app.native_ansi_color
        assert "STARVED" in shown.text()


async def test_what_cannot_be_kept_holds_until_the_end_and_says_why() -> None:
    """The choice itself is never lost."""
    async with dashboard(choices=Kept("config.toml is read-only"), size=(120, 36)) as shown:
        await shown.press("p")

        assert shown.app.theme == _NAMES[1]
        assert "theme gpumon-light, until gpumon ends: config.toml is read-only" in _said(shown)


async def test_without_a_config_file_choices_hold_until_the_end() -> None:
    """As for whoever builds a dashboard of their own."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("p")

        assert "until gpumon ends: there is no config file" in _said(shown)


async def test_without_colour_there_is_no_theme_to_choose() -> None:
    """The key and the palette say so, and nothing is kept."""
    kept = Kept()
    async with dashboard(choices=kept, color=False, size=(120, 36)) as shown:
        await shown.press("p")
        said = _said(shown)
        shown.app.action_change_theme()
        await shown.settle()

        assert "there is no colour" in said
        assert "Search for themes" not in shown.text()
        assert kept.found == []


async def test_characters_can_be_changed_while_it_runs() -> None:
    """The command of the palette draws everything in ASCII at once, and back."""
    kept = Kept()
    async with dashboard(choices=kept) as shown:
        await shown.press("ctrl+p", *"ascii", "enter")
        await shown.settle()
        plain = shown.text()
        shown.app.action_ascii()
        await shown.settle()

        assert plain.isascii()
        assert not shown.text().isascii()
        assert kept.found == [("ascii", True), ("ascii", False)]


async def test_the_span_of_the_settings_is_the_first_one() -> None:
    """Charts begin with it; + and - go on from there."""
    async with dashboard(span="10m", choices=(kept := Kept())) as shown:
        await shown.press("5")
        first = shown.text()
        await shown.press("plus")

        assert "10m  gpu_busy_ratio" in first
        assert "30m  gpu_busy_ratio" in shown.text()
        assert kept.found == []


@pytest.mark.parametrize(("word", "is_captured"), [("false", False), ("true", True)])
def test_without_the_mouse_nothing_of_it_is_captured(word: str, is_captured: bool) -> None:
    """With mouse = false the terminal keeps its own selection: no mode of the mouse is switched on."""
    opened = Terminal("starved", "--period", "0", environ={"GPUMON_MOUSE": word})
    try:
        opened.read_until("STARVED")
        opened.send("q")
        opened.wait()
    finally:
        opened.close()

    modes = (b"\x1b[?1000h", b"\x1b[?1002h", b"\x1b[?1003h", b"\x1b[?1006h", b"\x1b[?1015h")
    assert is_captured == any(mode in opened.output for mode in modes)


def test_keys_that_cannot_be_are_told_before_the_screen() -> None:
    """One sentence, exit code 2, and the terminal was never touched."""
    opened = Terminal("starved", "--period", "0", "--key", "quit=hyperspace")
    try:
        code = opened.wait()
    finally:
        opened.close()

    assert code == 2
    assert b"gpumon: keys in the config file: there is no key 'hyperspace' for 'quit'" in opened.output
    assert b"\x1b[?1049h" not in opened.output


async def test_what_the_screen_tells_itself_is_said_once() -> None:
    """An order that is changed again and again is kept each time, without a message each time."""
    kept = Kept()
    async with dashboard(choices=kept) as shown:
        for order in ("cpu", "memory"):
            shown.app.keep("process_order", order, f"processes by {order}")
        await shown.settle()

        assert kept.found == [("process_order", "cpu"), ("process_order", "memory")]
        assert _said(shown) == "processes by cpu, also at the next start"


def test_a_theme_that_was_chosen_is_there_at_the_next_start(tmp_path: Path) -> None:
    """`gpumon` itself writes it into the config file, and `gpumon config` finds it there."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "GPUMON_INTERPRETER": "0"}
    opened = Terminal(module="gpumon", environ=environ)
    try:
        opened.read_until("quit")
        opened.send("p")
        opened.read_until("also at")
        opened.send("q")
        code = opened.wait()
    finally:
        opened.close()
    result = CliRunner(env=environ).invoke(gpumon, ["config", "--json"])

    assert code == 0
    assert (tmp_path / "gpumon/config.toml").read_text(encoding="utf-8") == 'theme = "gpumon-light"\n'
    assert json.loads(result.stdout)["settings"]["theme"]["origin"] == "file"
