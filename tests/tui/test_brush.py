"""The short way to the terminal: what changed, where nothing covers it, and as Textual would draw it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from gpumon.model.text import clean
from gpumon.paint.row import Row, Span, row_text
from gpumon.tui.widgets.brush import Brush, Placed, between, placed_at_rest
from gpumon.tui.widgets.cores import CorePane
from gpumon.tui.widgets.frame import Frame, View
from gpumon.tui.widgets.gpu import GpuPane
from gpumon.tui.widgets.pane import Pane, cut
from gpumon.tui.widgets.verdict import VerdictPane
from gpumon.tui.widgets.vram import VramPane
from tests.tui.fakes import fake_frame
from tests.tui.pane_app import PaneApp, TerminalCells
from tests.tui.pilot import piloted

ROWS = st.lists(st.sampled_from([Span("a"), Span("bb", "dim"), Span("ccc", "value")]), max_size=9)


class BrushScreen(Screen[None]):
    """A screen whose brush sends to a list."""

    def __init__(self, placed: Callable[[Screen[None]], Placed | None]) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.brush = Brush(self, self.sent.append, placed)


class BrushApp(PaneApp):
    """Panes below each other, painted by a brush."""

    CSS = "Screen { overflow: hidden; layers: below above; } #cover { layer: above; width: 9; height: 4; }"

    def __init__(
        self, *panes: Pane, placed: Callable[[Screen[None]], Placed | None] = placed_at_rest
    ) -> None:
        super().__init__(*panes)
        self._placed_by = placed

    def get_default_screen(self) -> Screen[None]:
        """Return a screen with a brush, whose other updates are kept."""
        screen = BrushScreen(self._placed_by)
        screen._compositor = self.recorder
        return screen

    @property
    def painted(self) -> list[str]:
        """What the brush has sent, an entry for each frame."""
        assert isinstance(self.screen, BrushScreen)
        return self.screen.sent

    def show(self, frame: Frame) -> None:
        """Show a frame in all panes, as a place of the dashboard does."""
        assert isinstance(self.screen, BrushScreen)
        with self.batch_update(), self.screen.brush:
            super().show(frame)


class Words(Pane):
    """A pane of given rows."""

    FRAMED = False

    def __init__(self, *rows: Row) -> None:
        super().__init__()
        self.rows = list(rows)

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return self.rows


@asynccontextmanager
async def brush_app(
    *panes: Pane,
    size: tuple[int, int] = (80, 24),
    variant: str = "starved",
    placed: Callable[[Screen[None]], Placed | None] = placed_at_rest,
) -> AsyncIterator[tuple[BrushApp, Pilot[None]]]:
    """Run an app of panes that shows a variant, of which nothing waits to be drawn."""
    app = BrushApp(*panes, placed=placed)
    async with piloted(app, size) as pilot:
        app.show(fake_frame(variant))
        await pilot.pause()
        app.recorder.sent.clear()
        app.painted.clear()
        yield app, pilot


@pytest.mark.parametrize("variant", ["starved", "hostile", "eight_gpus"])
async def test_what_is_painted_makes_the_right_picture(variant: str) -> None:
    """A terminal that gets only what the brush sends shows what a full repaint would show."""
    panes = (VerdictPane(), GpuPane(), VramPane(), CorePane())
    async with brush_app(*panes, size=(100, 40), variant=variant) as (app, pilot):
        terminal = TerminalCells(app.lines())
        fulls = app.recorder.full_updates
        for second in range(301, 320):
            app.show(fake_frame(variant, seconds=second, view=View(span_seconds=60.0)))
            await pilot.pause()
        for sent in app.painted:
            terminal.feed(sent)
        assert 19 == len(app.painted)
        assert ([], fulls) == (app.recorder.sent, app.recorder.full_updates)
        assert app.lines() == terminal.lines()


async def test_the_same_cells_are_sent_as_by_textual() -> None:
    """One new number is sent with the very characters that Textual's own way sends for it."""
    by_brush, by_textual = (
        Words((Span("epoch "), Span("3", "value"))),
        Words((Span("epoch "), Span("3", "value"))),
    )
    async with brush_app(by_brush) as (app, pilot):
        by_brush.rows = [(Span("epoch "), Span("4", "value"))]
        app.show(fake_frame())
        await pilot.pause()
        painted = list(app.painted)
    async with brush_app(by_textual) as (app, pilot):
        by_textual.rows = [(Span("epoch "), Span("4", "value"))]
        by_textual.redraw()
        await pilot.pause()
        assert [] == app.painted
        assert painted == app.recorder.sent


async def test_the_same_frame_paints_nothing() -> None:
    """A second look at the same frame sends nothing at all."""
    async with brush_app(GpuPane()) as (app, pilot):
        app.show(fake_frame())
        await pilot.pause()
        assert ([], []) == (app.painted, app.recorder.sent)


async def test_what_is_covered_is_left_to_textual() -> None:
    """A pane with something on top of it is drawn by Textual, around that; the others are painted."""
    covered, free = Words((Span("one"),)), Words((Span("one"),))
    async with brush_app(covered, free) as (app, pilot):
        await app.screen.mount(Static("COVER", id="cover"))
        await pilot.pause()
        app.recorder.sent.clear()
        covered.rows = free.rows = [(Span("two"),)]
        app.show(fake_frame())
        await pilot.pause()
        assert app.lines()[0].startswith("COVER")
        assert ["two"] == [line.rstrip() for line in app.lines()[12:13]]
        assert ["\x1b[13;1H"] == [sent[:7] for sent in app.painted]
        assert not any("two" in sent for sent in app.recorder.sent)


async def test_what_is_laid_out_anew_is_left_to_textual() -> None:
    """While a pane waits for another height nothing is painted where the panes were before."""
    words = Words((Span("one"),))
    async with brush_app(GpuPane(), words) as (app, pilot):
        app.panes[0].styles.height = 5
        words.rows = [(Span("two"),)]
        app.show(fake_frame())
        assert [] == app.painted
        await pilot.pause()
        assert "two" == app.lines()[5].rstrip()


async def test_nothing_is_painted_between_two_frames() -> None:
    """What a key changes is drawn by Textual, with whatever else the key does."""
    words = Words((Span("one"),))
    async with brush_app(words) as (app, pilot):
        words.rows = [(Span("two"),)]
        words.redraw()
        await pilot.pause()
        assert [] == app.painted
        assert "two" == app.lines()[0].rstrip()


@pytest.mark.parametrize(
    "name",
    ["日曜", "e\u0301" * 30, "\U0001f469\u200d\U0001f52c", "\U0001f1e9\U0001f1ea", "x\u200b\u200by", "ｗide"],
)
async def test_rows_with_wide_characters_are_painted_whole(name: str) -> None:
    """Where a character takes no cell or two, before or after, the row is sent to its last character."""
    words = Words((Span("日本 "), Span("e\u0301" * 60, "value")))
    async with brush_app(words) as (app, pilot):
        terminal = TerminalCells(app.lines())
        words.rows = [(Span(f"{name} "), Span(name, "value"), Span(" tail"))]
        app.show(fake_frame())
        await pilot.pause()
        terminal.feed(app.painted[0])
        # As the dashboard's last guard does, the brush lets no invisible character through.
        assert [clean(line) for line in app.lines()] == terminal.lines()
        assert "tail" in terminal.lines()[0]


async def test_a_row_whose_widths_even_out_is_painted_whole() -> None:
    """A character of two cells and one of none make as many characters as cells, and none in its place."""
    words = Words((Span("日 one e\u0301 and more"),))
    async with brush_app(words) as (app, pilot):
        terminal = TerminalCells(app.lines())
        words.rows = [(Span("日 two e\u0301 and more"),)]
        app.show(fake_frame())
        await pilot.pause()
        terminal.feed(app.painted[0])
        assert app.lines() == terminal.lines()
        assert terminal.lines()[0].startswith("日 two e\u0301 and more")


async def test_control_characters_are_not_painted() -> None:
    """A text that was not cleaned by its source does nothing to the terminal."""
    words = Words((Span("one"),))
    async with brush_app(words) as (app, pilot):
        words.rows = [(Span("t\x1b[2Jwo"),)]
        app.show(fake_frame())
        await pilot.pause()
        assert "two" in app.painted[0]
        assert "\x1b[2J" not in app.painted[0]


async def test_a_new_theme_is_painted_in_its_colours() -> None:
    """After another theme was chosen nothing is sent in the colours of the one before."""
    words = Words((Span("1", "value"),))
    looks: list[tuple[str, str]] = []
    async with brush_app(words) as (app, pilot):
        for theme, text in (("textual-dark", "2"), ("textual-light", "3")):
            app.theme = theme
            await pilot.pause()
            words.rows = [(Span(text, "value"),)]
            app.show(fake_frame())
            await pilot.pause()
            before, _, _ = app.painted[-1].partition(f"m{text}")
            looks.append((text, before))
    assert ["2", "3"] == [text for text, _ in looks]
    assert looks[0][1] != looks[1][1]


@pytest.mark.parametrize("error", [AttributeError, TypeError, ValueError, KeyError])
async def test_another_textual_draws_by_itself(error: type[Exception]) -> None:
    """Where Textual lacks what the brush asks it for, it is asked once, and all is drawn in Textual's way."""
    words = Words((Span("one"),))
    asked: list[Screen[None]] = []

    def lacking(screen: Screen[None]) -> Placed | None:
        asked.append(screen)
        raise error

    async with brush_app(words, placed=lacking) as (app, pilot):
        for text in ("two", "three"):
            words.rows = [(Span(text),)]
            app.show(fake_frame())
            await pilot.pause()
            assert text == app.lines()[0].rstrip()
        assert ([], 2) == (app.painted, len(app.recorder.sent))
        assert 1 == len(asked)


@given(ROWS, st.integers(0, 30), st.integers(0, 30))
def test_between_is_what_lies_between(row: list[Span], one: int, other: int) -> None:
    """The pieces between two columns are the cells there, each in its role."""
    start, end = sorted((one, other))
    pieces = list(between(tuple(row), start, end))
    cells = [(character, span.role) for span in cut(tuple(row), ()) for character in span.text]
    assert cells[start:end] == [(character, role) for text, role in pieces for character in text]
    assert row_text(row)[start:end] == "".join(text for text, _ in pieces)
    assert all(text for text, _ in pieces)
