"""Moving through the past of a chart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpumon.tui.chart_time import NOW, ChartPlace, ChartTime

TIME = ChartTime(oldest_seconds=0.0, newest_seconds=1000.0, span_seconds=60.0, columns=60)

moves = st.lists(
    st.one_of(
        st.tuples(st.just("scroll"), st.floats(-500, 500)),
        st.tuples(st.just("step"), st.integers(-80, 80)),
        st.tuples(st.just("at"), st.integers(-5, 90)),
    ),
    max_size=30,
)


def moved(place: ChartPlace, time: ChartTime, kind: str, amount: float) -> ChartPlace:
    """Return the place after one move."""
    if kind == "scroll":
        return time.scrolled(place, amount)
    return time.stepped(place, int(amount)) if kind == "step" else time.at(place, int(amount))


@given(moves=moves, columns=st.integers(1, 200), age=st.floats(1.0, 5000.0))
def test_no_move_leaves_what_there_is(moves: list[tuple[str, float]], columns: int, age: float) -> None:
    """The span never begins before the oldest number, nor ends after the newest; a cursor is in sight."""
    time = ChartTime(1000.0, 1000.0 + age, 60.0, columns)
    place = NOW
    for kind, amount in moves:
        place = moved(place, time, kind, amount)
        if place.until_seconds is not None:
            assert 1060.0 <= place.until_seconds < time.newest_seconds
        assert place.cursor_seconds is None or time.column(place) is not None


def test_a_span_back_and_on_is_now_again() -> None:
    """What is scrolled back comes to now again, and goes on with time."""
    back = TIME.scrolled(NOW, -60.0)

    assert 940.0 == back.until_seconds
    assert NOW == TIME.scrolled(back, 60.0)


def test_there_is_no_past_before_the_oldest_number() -> None:
    """A young history cannot be scrolled, an old one stops at its beginning."""
    young = ChartTime(oldest_seconds=980.0, newest_seconds=1000.0, span_seconds=60.0, columns=60)

    assert NOW == young.scrolled(NOW, -60.0)
    assert 60.0 == TIME.scrolled(NOW, -1e6).until_seconds


def test_the_cursor_appears_at_the_right_edge_and_moves_by_columns() -> None:
    """The first key shows it, each further one moves it by a column."""
    place = TIME.stepped(NOW, -1)
    columns = [TIME.column(place)]
    for step in (-1, -1, 1):
        place = TIME.stepped(place, step)
        columns.append(TIME.column(place))

    assert [59, 58, 57, 58] == columns
    assert 998.5 == place.cursor_seconds


def test_the_cursor_stays_with_its_moment() -> None:
    """While time goes on the cursor moves left with its column, and is gone when that is out of sight."""
    place = TIME.stepped(NOW, -1)
    later = ChartTime(0.0, 1030.0, 60.0, 60)
    much_later = ChartTime(0.0, 1090.0, 60.0, 60)

    assert 29 == later.column(later.scrolled(place, 0.0))
    assert NOW == much_later.scrolled(place, 0.0)


def test_beyond_the_edge_the_chart_moves_along() -> None:
    """A step to the left of the first column scrolls back by a quarter; the cursor goes on by one column."""
    first = TIME.at(NOW, 0)
    place = TIME.stepped(first, -1)

    assert 985.0 == place.until_seconds
    assert first.cursor_seconds is not None
    assert place.cursor_seconds == first.cursor_seconds - 1.0
    assert TIME.stepped(TIME.at(NOW, 59), 1) == TIME.at(NOW, 59)
