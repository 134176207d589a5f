"""Marks on the time axis, and a cursor over a picture."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpumon.paint.axis import Mark, clock_ticks, marked, time_axis
from gpumon.paint.overlay import with_cursor, with_marks
from gpumon.paint.row import Span, row_text

AXIS = "-2m      -1m      now"
EPOCH, FINDING = Mark("│", "mark", "12"), Mark("▲", "warn", is_urgent=True)

marks = st.lists(
    st.one_of(
        st.none(),
        st.builds(Mark, st.just("│"), st.just("mark"), st.text("0123456789", max_size=4), st.booleans()),
    ),
    max_size=60,
)


def placed(*at: tuple[int, Mark]) -> list[Mark | None]:
    """Return marks in the cells of the axis."""
    found: list[Mark | None] = [None] * len(AXIS)
    for cell, mark in at:
        found[cell] = mark
    return found


def test_a_mark_stands_in_its_cell_with_its_word() -> None:
    """The number of an epoch follows its mark where a free cell is left behind it."""
    row = marked(AXIS, placed((4, EPOCH)))

    assert "-2m │12  -1m      now" == row_text(row)
    assert Span("│12", "mark") in row


def test_a_word_without_room_is_left_out() -> None:
    """A number never touches a label, nor another mark."""
    assert "-2m   │  -1m│  │  now" == row_text(marked(AXIS, placed((6, EPOCH), (12, EPOCH), (15, EPOCH)))), (
        "x"
    )


def test_a_label_hides_a_mark_but_not_an_urgent_one() -> None:
    """A finding takes the place of a whole label; an epoch waits until it has moved past it."""
    assert AXIS == row_text(marked(AXIS, placed((10, EPOCH))))
    assert "-2m       ▲       now" == row_text(marked(AXIS, placed((10, FINDING))))


@given(marks=marks, width=st.integers(0, 80))
def test_an_axis_keeps_its_width_and_every_urgent_mark(marks: list[Mark | None], width: int) -> None:
    """Whatever is marked, no cell is added and nothing urgent is lost."""
    text = row_text(marked(time_axis(300.0, width).text, marks))

    assert width == len(text)
    for at, mark in enumerate(marks[:width]):
        if mark is not None and mark.is_urgent:
            assert mark.glyph == text[at]


def test_ticks_of_the_clock_are_round_and_within_the_span() -> None:
    """Times of day are marked where they are round, whatever second it is."""
    ticks = clock_ticks(1_795_000_007.0, 120.0, 4, lambda seconds: f"{seconds:.0f}")

    assert [
        (-107.0, "1794999900"),
        (-77.0, "1794999930"),
        (-47.0, "1794999960"),
        (-17.0, "1794999990"),
    ] == ticks


def test_a_cursor_goes_through_what_is_drawn() -> None:
    """Free cells get the line, the others are only shown in reverse; other rows stay the very same."""
    rows = [(Span("ab"),), (Span("a ", "line_a"),), (Span("  "),)]
    found = with_cursor(rows, 1, bottom=2, line="│")

    assert ["ab", "a│", "  "] == [row_text(row) for row in found]
    assert Span("b", "cursor") in found[0]
    assert rows[2] is found[2]
    assert rows == with_cursor(rows, 7, bottom=2, line="│")


def test_marks_stand_on_the_line_of_an_axis() -> None:
    """Ticks and line give way to them, corners and labels do not."""
    row = with_marks(
        (Span("   └┬─────┬──┘", "axis"),), 4, [None, EPOCH, None, None, None, None, FINDING, None, None]
    )

    assert "   └┬│12──▲──┘" == row_text(row)
