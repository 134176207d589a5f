"""Filled areas, as text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpumon.paint.area import area
from gpumon.paint.row import Row, Span, row_text, row_width

VALUES = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=60)


def text(rows: list[Row]) -> list[str]:
    """Return the rows without their roles."""
    return [row_text(row) for row in rows]


def test_fills_cells_in_eighths() -> None:
    """A column is filled from below, its last cell in eighths."""
    rows = area([0.0625, 0.25, 0.5, 0.75, 1.0], height=2, top=1.0)
    assert ["   ▄█", "▁▄███"] == text(rows)


def test_a_gap_is_not_zero() -> None:
    """A missing value leaves its column empty; zero is a base line."""
    assert ["█ ▁"] == text(area([1.0, None, 0.0], height=1, top=1.0))


def test_a_trace_is_seen() -> None:
    """What is above zero fills at least one eighth."""
    assert ["  ", "▁▁"] == text(area([0.001, 1e-12], height=2, top=1.0))


def test_stacks_the_shaded_series_on_the_first() -> None:
    """The second series stands on the first, shaded."""
    rows = area([0.5, 0.5, 0.25], height=4, top=1.0, stacked=[0.5, 0.25, None])
    assert ["▒  ", "▒▒ ", "██ ", "███"] == text(rows)
    assert (Span("▒", "wait"), Span("  ", "")) == rows[0]


def test_stacked_values_stop_at_the_top() -> None:
    """Two shares that add up to more than the top fill the column and no more."""
    assert ["▒", "█"] == text(area([0.5], height=2, top=1.0, stacked=[3.0]))


def test_lines_run_through_free_cells_only() -> None:
    """Limit and peak are drawn where nothing is filled; the limit hides the peak."""
    rows = area([1.0, 0.2, None], height=3, top=1.0, limit=1.0, peak=0.5)
    assert ["█──", "█┄┄", "█▅ "] == text(rows)
    assert ["──"] == text(area([None, None], height=1, top=1.0, limit=1.0, peak=1.0))


def test_ascii_heights_differ() -> None:
    """In ASCII low, middle and high parts of a cell are told apart."""
    assert ["_-=#"] == text(area([0.1, 0.5, 0.8, 1.0], height=1, top=1.0, ascii_only=True))


@given(VALUES, VALUES, st.integers(0, 12), st.floats(allow_nan=False), st.booleans())
def test_always_a_full_rectangle(
    values: list[float | None], stacked: list[float | None], height: int, top: float, ascii_only: bool
) -> None:
    """Any values give exactly `height` rows of exactly one cell per value, without control characters."""
    rows = area(
        values, height=height, top=top, stacked=stacked, limit=top, peak=top / 2, ascii_only=ascii_only
    )
    assert height == len(rows)
    assert all(row_width(row) == len(values) for row in rows)
    assert all(row_text(row).isprintable() for row in rows)
    assert not ascii_only or all(row_text(row).isascii() for row in rows)


def test_in_ascii_no_cell_has_the_background_of_the_shade() -> None:
    """The cell in which the shade begins is drawn as the area alone: colons are too little ink for more."""
    roles = {
        span.role for row in area([0.4], height=2, top=1.0, stacked=[0.6], ascii_only=True) for span in row
    }

    assert roles == {"gpu", "wait"}
