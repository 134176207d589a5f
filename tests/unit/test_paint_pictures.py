"""Gauges, heat, lines, axes and the places of columns, as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.paint.axis import percent_label, round_ticks, time_axis, time_ticks, value_axis
from gpumon.paint.bars import Part, gauge, stacked_gauge
from gpumon.paint.braille import lines
from gpumon.paint.columns import Layout, arrange, newest_column
from gpumon.paint.core_groups import core_groups, group_size
from gpumon.paint.heat import fold, heat_row
from gpumon.paint.row import Span, row_text, row_width

RATIOS = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=False), max_size=50)


def test_a_gauge_counts_eighths() -> None:
    """A bar ends in an eighth of a cell; what is not known is dashes, not an empty bar."""
    assert "██▌  " == row_text(gauge(0.5, 5))
    assert "     " == row_text(gauge(0.0, 5))
    assert "–––––" == row_text(gauge(None, 5))


def test_a_stacked_gauge_shows_every_part() -> None:
    """Each part has its own character; a small one still gets a cell; the rest is free."""
    parts = (Part(50, "vram"), Part(1, "others", "▒"), Part(10, "reserved", "░"))
    row = stacked_gauge(parts, 100, 20)
    assert "██████████▒░        " == row_text(row)
    assert ["vram", "others", "reserved", "free"] == [span.role for span in row]


def test_heat_reads_without_colour() -> None:
    """Five levels differ in ink; a missing value is a gap."""
    assert "·░▒▓█ " == row_text(heat_row([0.1, 0.3, 0.5, 0.7, 0.9, None]))
    assert ".:+*# " == row_text(heat_row([0.1, 0.3, 0.5, 0.7, 0.9, None], ascii_only=True))


@pytest.mark.parametrize(
    ("cores", "groups", "size"),
    [(8, 8, 1), (8, 3, 4), (24, 10, 4), (96, 10, 16), (128, 50, 4), (256, 25, 16)],
)
def test_a_group_of_cores_is_a_power_of_two(cores: int, groups: int, size: int) -> None:
    """So that few groups have cores of two caches or sockets: most of those have 4, 8, 16 ... cores."""
    assert size == group_size(cores, groups)


def test_folded_cores_keep_their_hottest() -> None:
    """A band has the mean and the highest of its cores, and knows which cores they are."""
    bands = fold([[1.0, None], [0.0, None], [0.5, 0.5]], ((0, 1), (2,)))
    assert [(0, 1), (2,)] == [band.members for band in bands]
    assert (0.5, None) == bands[0].means
    assert (1.0, None) == bands[0].highest
    assert (Span("▒", "heat4"), Span(" ", "")) == heat_row(bands[0].means, bands[0].highest)


def test_lines_join_their_dots() -> None:
    """A line is joined over the height it jumps; a missing value breaks it."""
    rows = lines([[0.0, 1.0, None, 1.0]], width=2, height=2)
    assert ["⢸⠈", "⡸ "] == [row_text(row) for row in rows]


def test_ascii_lines_have_a_mark_each() -> None:
    """In ASCII the two series have different marks."""
    rows = lines([[0.0] * 4, [1.0] * 4], width=2, height=2, ascii_only=True)
    assert ["oo", "**"] == [row_text(row) for row in rows]


def test_the_time_axis_ends_now() -> None:
    """Marks are round and end with now."""
    assert "-2m              -1m             now" == time_axis(120.0, 36).text


def test_the_value_axis_has_quarters_where_there_is_room() -> None:
    """Three marks in five rows, two in three."""
    marks = [label.text for label in value_axis(5, 1.0, percent_label, 5)]
    assert ["100 %", "     ", " 50 %", "     ", "  0 %"] == marks
    assert ["100 %", "     ", "  0 %"] == [label.text for label in value_axis(3, 1.0, percent_label, 5)]


def test_ticks_are_round() -> None:
    """Steps are 1, 2 or 5 of a power of ten, and reach the top."""
    assert [0, 50, 100, 150] == round_ticks(148, 4)
    assert [(-120.0, "-2m"), (-60.0, "-1m"), (0.0, "now")] == time_ticks(120.0, 3)


def test_a_chart_stands_still_for_five_seconds() -> None:
    """With columns of a second, five seconds pass before a column moves."""
    pictures = []
    for second in range(100, 111):
        newest = newest_column(second, 1.0)
        pictures.append(arrange(list(range(newest - 9, newest + 1)), newest, 1.0))
    places = [picture.index(99) if 99 in picture else None for picture in pictures]
    assert [9, 4, 4, 4, 4, 4, None, None, None, None, None] == places


def test_the_pen_changes_one_column() -> None:
    """The pen writes the newest column in its place and clears one ahead; all others stay."""
    before = arrange(list(range(90, 100)), 99, 1.0, Layout.PEN)
    after = arrange(list(range(91, 101)), 100, 1.0, Layout.PEN)
    changed = [x for x in range(10) if before[x] != after[x]]
    assert [0, 2] == changed
    assert 100 == after[0]
    assert (None, None) == after[1:3]


@given(
    st.lists(st.integers(), max_size=40),
    st.integers(0, 10**6),
    st.floats(0.01, 1000),
    st.sampled_from(Layout),
)
def test_columns_keep_their_number(
    values: list[int], newest: int, column_seconds: float, layout: Layout
) -> None:
    """There are always as many places as columns, and nothing is made up."""
    placed = arrange(values, newest, column_seconds, layout)
    assert len(values) == len(placed)
    assert {value for value in placed if value is not None} <= set(values)
    assert not values or values[-1] in placed


@given(RATIOS, st.integers(0, 30), st.integers(0, 8), st.booleans())
def test_pictures_are_full_rectangles(
    values: list[float | None], width: int, height: int, ascii_only: bool
) -> None:
    """Any values give exactly the cells that are asked for, in ASCII where that is asked for."""
    parts = [Part(abs(value or 0), "x") for value in values[:5]]
    pictures = [
        *lines([values, values[::-1]], width=width, height=height, ascii_only=ascii_only),
        *(gauge(value, width, ascii_only=ascii_only) for value in values[:5]),
        stacked_gauge(parts, 3.0, width, ascii_only=ascii_only),
        (time_axis(300.0, width),),
    ]
    assert all(row_width(row) == width for row in pictures)
    assert len(values) == row_width(heat_row(values, values[::-1], ascii_only=ascii_only))
    assert not ascii_only or all(row_text(row).isascii() for row in pictures)
    assert all(row_text(row).isprintable() for row in pictures)


@given(
    st.lists(st.lists(st.none() | st.floats(0, 1), min_size=3, max_size=3), max_size=200), st.integers(1, 20)
)
def test_folding_leaves_no_core_out(cores: list[list[float | None]], rows: int) -> None:
    """The bands follow each other without a gap and are no more than there are rows."""
    bands = fold(cores, core_groups(tuple(range(len(cores))), rows).members)
    assert len(bands) <= rows
    assert list(range(len(cores))) == [core for band in bands for core in band.members]
