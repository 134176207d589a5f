"""What a pane sends: changed cells only, and always what it shows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.app import App

from gpumon.paint.row import Row, Span, fit
from gpumon.tui.widgets.cores import CorePane
from gpumon.tui.widgets.frame import Frame, View
from gpumon.tui.widgets.gpu import GpuPane
from gpumon.tui.widgets.pane import Pane, changed_stretches
from gpumon.tui.widgets.style import palette, palette_of
from gpumon.tui.widgets.verdict import VerdictPane
from gpumon.tui.widgets.vram import VramPane
from tests.tui.fakes import HOSTILE, fake_frame
from tests.tui.pane_app import TerminalCells, pane_app

CELLS = st.lists(st.sampled_from([Span("a"), Span("b"), Span("a", "dim"), Span("bb", "dim")]), max_size=12)


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


@given(CELLS, CELLS)
def test_stretches_cover_every_change(old: list[Span], new: list[Span]) -> None:
    """Every cell that differs lies in one stretch; stretches are in order and apart."""
    width = 24
    before, after = fit(old, width), fit(new, width)
    stretches = list(changed_stretches(before, after, width))
    covered = {x for start, end in stretches for x in range(start, end)}
    cells = [[(character, span.role) for span in row for character in span.text] for row in (before, after)]
    assert {x for x in range(width) if cells[0][x] != cells[1][x]} <= covered
    assert all(left[1] < right[0] for left, right in pairwise(stretches))


async def test_one_new_number_sends_one_number() -> None:
    """A row of which one word changed sends that word, from its own column on."""
    pane = Words((Span("epoch "), Span("3", "value"), Span(" of many, and a long tail of words")))
    async with pane_app(pane) as (app, pilot):
        app.recorder.sent.clear()
        pane.rows = [(Span("epoch "), Span("4", "value"), Span(" of many, and a long tail of words"))]
        pane.redraw()
        await pilot.pause()
        assert 1 == len(app.recorder.sent)
        assert app.recorder.sent[0].startswith("\x1b[1;7H")
        assert "4" in app.recorder.sent[0]
        assert "tail" not in app.recorder.sent[0]


async def test_the_same_frame_sends_nothing() -> None:
    """A second look at the same frame repaints no cell."""
    pane = GpuPane()
    async with pane_app(pane) as (app, pilot):
        app.recorder.sent.clear()
        app.show(fake_frame())
        await pilot.pause()
        assert [] == app.recorder.sent


@pytest.mark.parametrize("variant", ["starved", "hostile", "eight_gpus"])
async def test_partial_updates_leave_the_right_picture(variant: str) -> None:
    """A terminal that gets only the changed cells shows what a full repaint would show."""
    panes = (VerdictPane(), GpuPane(), VramPane(), CorePane())
    async with pane_app(*panes, size=(100, 40), variant=variant) as (app, pilot):
        terminal = TerminalCells(app.lines())
        app.recorder.sent.clear()
        fulls = app.recorder.full_updates
        for second in range(301, 320):
            app.show(fake_frame(variant, seconds=second, view=View(span_seconds=60.0)))
            await pilot.pause()
        for sent in app.recorder.sent:
            terminal.feed(sent)
        assert fulls == app.recorder.full_updates
        assert app.lines() == terminal.lines()


async def test_resizes_leave_no_trace() -> None:
    """After a storm of sizes, down to nothing, the picture is that of a fresh start at the last size."""
    storm, fresh = GpuPane(), GpuPane()
    async with pane_app(fresh, size=(90, 20)):
        expected = fresh.text
    async with pane_app(storm, size=(200, 50)) as (app, pilot):
        for size in ((80, 24), (1, 1), (3, 2), (120, 36), (40, 3), (200, 50), (90, 20)):
            await pilot.resize_terminal(*size)
            app.show(fake_frame())
            await pilot.pause()
        assert expected == storm.text
        assert expected.splitlines() == [line.rstrip() for line in app.lines()]


async def test_a_pane_shown_before_it_has_a_size_draws_later() -> None:
    """A frame that comes while the pane has no room is drawn once it has some."""
    pane = GpuPane()
    pane.display = False
    async with pane_app(pane) as (_, pilot):
        assert "" == pane.text
        pane.display = True
        await pilot.pause()
        assert "GPU 0 RTX 3060" in pane.text


async def test_hostile_text_is_text() -> None:
    """Markup in a name is shown as it is, and nothing of it is styled or clickable."""
    pane = VerdictPane()
    async with pane_app(pane, variant="hostile") as (app, _):
        line = next(line for line in app.lines() if "evil" in line)
        assert HOSTILE[:20] in line
        segments = [segment for y in range(pane.size.height) for segment in pane.render_line(y)]
        assert all(segment.style is None or not segment.style.meta for segment in segments)


def _styles(pane: Pane) -> list[Style]:
    strips = (pane.render_line(y) for y in range(pane.size.height))
    return [segment.style for strip in strips for segment in strip if segment.style is not None]


async def test_a_new_theme_changes_the_colours() -> None:
    """Styles follow the theme without a new frame."""
    pane = GpuPane()
    async with pane_app(pane) as (app, pilot):
        before = {str(style.color) for style in _styles(pane)}
        app.theme = "textual-light"
        await pilot.pause()
        assert before.isdisjoint({str(style.color) for style in _styles(pane)})


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_ansi_themes_use_the_terminals_colours(theme: str) -> None:
    """With an ANSI theme every colour is one of the terminal's sixteen, or its default."""
    pane = GpuPane()
    async with pane_app(pane) as (app, pilot):
        app.theme = theme
        await pilot.pause()
        colors = [color for style in _styles(pane) for color in (style.color, style.bgcolor) if color]
        assert colors
        assert all(color.triplet is None and (color.number or 0) < 16 for color in colors)


async def test_without_colour_only_attributes_are_left() -> None:
    """A view without colour takes none of its own: bold, dim and reverse tell the roles apart."""
    app = App[None]()
    async with app.run_test() as pilot:
        looks = palette_of(pilot.app.screen, color=False)
        assert all(style.color is None and style.bgcolor is None for style in looks.styles.values())
        assert looks.style("cursor").reverse
        assert looks.style("danger").bold
        assert looks.style("dim").dim


def test_red_is_for_danger_alone() -> None:
    """No other role has the theme's error colour, in light ANSI themes neither."""
    variables = {"text-error": "ansi_red", "text-warning": "ansi_bright_red", "foreground": "ansi_default"}
    looks = palette(variables, color=True, ansi=True, dark=False)
    numbers = {role: style.color.number for role, style in looks.styles.items() if style.color}
    assert {"danger"} == {role for role, number in numbers.items() if number in {1, 9}}
