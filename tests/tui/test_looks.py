"""Colours, ASCII, themes, and text of other people's processes."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.color import ColorType
from rich.style import Style

from gpumon.settings import Settings
from gpumon.tui.appearance import UnknownThemeError, appearance, theme_names
from gpumon.tui.run import writes_unicode
from tests.tui.fakes import HOSTILE
from tests.tui.screen import SIZES, Dashboard, dashboard
from tests.tui.terminal import Terminal

_PLACES = "12345"


def _styles(shown: Dashboard) -> Iterator[Style]:
    for line in shown.segments():
        for segment in line:
            if segment.style is not None:
                yield segment.style


@pytest.mark.parametrize("size", SIZES)
async def test_ascii_mode_is_ascii(size: tuple[int, int]) -> None:
    """With --ascii no screen holds a character outside ASCII: help, lists, messages and pages included."""
    async with dashboard(size=size, ascii=True) as shown:
        for keys in (
            *_PLACES,
            ["1", "m"],
            ["escape", "question_mark"],
            ["escape", "c"],
            ["escape", "y"],
            ["escape", "i"],
            ["space"],
        ):
            await shown.press(*keys)

            assert [line for line in shown.lines() if not line.isascii()] == []


async def test_ascii_palette_is_ascii() -> None:
    """The command palette has no character outside ASCII either."""
    async with dashboard(ascii=True) as shown:
        await shown.press("ctrl+p")

        assert "Search for commands" in shown.text()
        assert [line for line in shown.lines() if not line.isascii()] == []

        await shown.press("escape")
        shown.app.action_change_theme()
        await shown.settle()

        assert "Search for themes" in shown.text()
        assert [line for line in shown.lines() if not line.isascii()] == []


async def test_ascii_mode_with_hostile_names_is_ascii() -> None:
    """Other people's text does not break out of ASCII."""
    async with dashboard("hostile", ascii=True) as shown:
        for key in _PLACES:
            await shown.press(key)

            assert [line for line in shown.lines() if not line.isascii()] == []


async def test_without_colour_no_segment_has_a_colour() -> None:
    """Without colour every piece of text has the terminal's own colours."""
    async with dashboard(color=False, size=(120, 36)) as shown:
        for key in (*_PLACES, "question_mark", "i"):
            await shown.press(key)

            for style in _styles(shown):
                for color in (style.color, style.bgcolor):
                    assert color is None or color.type is ColorType.DEFAULT


async def test_an_ansi_theme_uses_sixteen_colours_only() -> None:
    """The ansi themes keep to what the terminal's own palette has."""
    async with dashboard(theme="ansi-dark", size=(120, 36)) as shown:
        for key in _PLACES:
            await shown.press(key)

            kinds = {
                color.type for style in _styles(shown) for color in (style.color, style.bgcolor) if color
            }
            assert kinds <= {ColorType.DEFAULT, ColorType.STANDARD}


@pytest.mark.parametrize("theme", theme_names())
async def test_every_theme_draws_the_overview(theme: str) -> None:
    """No theme lacks a colour that the panes need."""
    async with dashboard(theme=theme) as shown:
        assert "STARVED" in shown.text()


async def test_hostile_text_is_inert() -> None:
    """Markup in names and paths is shown letter by letter, styles nothing, and links nowhere."""
    async with dashboard("hostile", size=(200, 50)) as shown:
        for key in (*_PLACES, "c"):
            await shown.press(key)
            text = shown.text()

            assert "\x1b" not in text
            assert not any(style.link or style.blink for style in _styles(shown))
            assert not any("@click" in style.meta for style in _styles(shown))
        await shown.press("escape", "3")

        assert "[bold red]" in shown.text() or "[bold red]" not in HOSTILE


async def test_control_characters_never_reach_the_terminal() -> None:
    """Even a name that a source forgot to clean cannot send a control character."""
    async with dashboard() as shown:
        shown.app.tell("evil\x1b[31mred\x07\x9b2J end")
        await shown.settle()

        assert "evilred end" in shown.text()
        assert all(line.isprintable() for line in shown.lines())


def test_no_color_sends_no_colour() -> None:
    """With NO_COLOR set, no colour is sent to the terminal."""
    opened = Terminal("starved", "--period", "0", environ={"NO_COLOR": "1"})
    try:
        opened.read_until("STARVED")
        opened.send("5")
        opened.read_until("gpu_busy_ratio")
        opened.send("q")
        opened.wait()
    finally:
        opened.close()

    numbers = _sgr_numbers(opened.output)
    assert not numbers & {*range(30, 39), *range(40, 49), *range(90, 98), *range(100, 108)}
    assert 1 in numbers


def test_sixteen_colours_where_the_terminal_has_no_more() -> None:
    """A terminal that says nothing of 256 colours gets its own sixteen."""
    opened = Terminal("starved", "--period", "0", environ={"TERM": "xterm"})
    try:
        opened.read_until("STARVED")
        opened.send("q")
        opened.wait()
    finally:
        opened.close()

    assert not _sgr_numbers(opened.output) & {38, 48}


def _sgr_numbers(output: bytes) -> set[int]:
    """Return all numbers of "select graphic rendition" sequences."""
    found: set[int] = set()
    for piece in output.split(b"\x1b[")[1:]:
        end = next((index for index, byte in enumerate(piece) if 0x40 <= byte <= 0x7E), None)
        if end is not None and piece[end : end + 1] == b"m":
            found.update(int(number) for number in piece[:end].split(b";") if number.isdigit())
    return found


@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [
        (Settings(), {"TERM": "xterm-256color"}, ("gpumon-dark", False, True)),
        (Settings(), {"TERM": "xterm-256color", "COLORFGBG": "0;15"}, ("gpumon-light", False, True)),
        (Settings(), {"TERM": "xterm-256color", "COLORFGBG": "15;0"}, ("gpumon-dark", False, True)),
        (Settings(), {"TERM": "xterm"}, ("ansi-dark", True, True)),
        (Settings(), {"TERM": "xterm", "COLORTERM": "truecolor"}, ("gpumon-dark", False, True)),
        (Settings(low_bandwidth=True), {"TERM": "xterm-256color"}, ("ansi-dark", True, True)),
        (Settings(theme="nord"), {"TERM": "xterm"}, ("nord", False, True)),
        (Settings(theme="nord", color=False), {"TERM": "xterm-256color"}, ("ansi-dark", True, False)),
        (Settings(color=False), {"TERM": "xterm-256color"}, ("ansi-dark", True, False)),
        (Settings(color=True), {"TERM": "xterm-256color", "NO_COLOR": "1"}, ("gpumon-dark", False, True)),
    ],
)
def test_appearance(settings: Settings, environ: dict[str, str], expected: tuple[str, bool, bool]) -> None:
    """The look follows what is asked for, then what the terminal says of itself."""
    look = appearance(settings, environ)

    assert expected == (look.theme, look.ansi, look.color)


def test_an_unknown_theme_is_an_error_that_names_the_themes() -> None:
    """The sentence says which themes there are."""
    with pytest.raises(UnknownThemeError, match="there is no theme 'x'; there are gpumon-dark, gpumon-light"):
        appearance(Settings(theme="x"), {})


@pytest.mark.parametrize(
    ("encoding", "can"), [("utf-8", True), ("UTF8", True), ("latin-1", False), ("ascii", False)]
)
def test_only_a_utf8_locale_writes_boxes_and_blocks(encoding: str, can: bool) -> None:
    """In any other locale the dashboard draws ASCII, as with --ascii."""
    assert can == writes_unicode(io.TextIOWrapper(io.BytesIO(), encoding=encoding))
