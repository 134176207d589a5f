"""Which lines of a log are left out, and that its state is the same without them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.log_lines_overtaken import without_overtaken
from gpumon.frameworks.log_lines_state import LogState, advance
from tests.frameworks.test_log_lines_state import OOM, SETUP, bar, val


def tqdm(batch: int, second: int, loss: str = "0.0512", epoch: int = 0) -> str:
    """Return a training bar as tqdm draws it by itself."""
    return (
        f"      {epoch}/2      1.62G    {loss}    0.06721    0.01253         41        640:"
        f"  {batch * 5 % 100}%|###8      | {batch}/40 [1:02:{second:02d}<00:11,  2.61it/s]"
    )


def one_by_one(lines: list[str]) -> LogState:
    """Return the state after lines that came one at a time: none of them can be left out."""
    state = LogState()
    for line in lines:
        state = advance(state, [line], 7.0)
    return state


def test_of_one_second_first_and_last_bars_stay() -> None:
    """Of the bars of one second the first and the last are left."""
    second = [bar(batch, elapsed=4) for batch in range(10, 20)]
    assert list(without_overtaken(second)) == [second[0], second[-1]]


def test_each_second_has_its_first_bar() -> None:
    """The first bar of each second is left: the pace is measured by it."""
    lines = [tqdm(batch, second=batch // 4) for batch in range(8, 20)]
    assert list(without_overtaken(lines)) == [lines[0], lines[3], lines[4], lines[7], lines[8], lines[11]]


def test_what_is_no_plain_bar_stays() -> None:
    """A line between two bars of one second is left, and the bars around it."""
    lines = [
        bar(10),
        bar(11),
        bar(12),
        "WARNING non-finite loss",
        bar(13),
        bar(14),
        bar(15),
        bar(14, loss="nan"),
    ]
    assert list(without_overtaken(lines)) == [*lines[:1], *lines[2:5], *lines[6:]]


BARS = st.builds(
    bar,
    st.integers(0, 40),
    st.integers(0, 1),
    elapsed=st.integers(3, 5),
    loss=st.sampled_from(["0.04", "1e-05", "nan", "x"]),
)
TQDM = st.builds(tqdm, st.integers(0, 40), st.integers(3, 5), st.sampled_from(["0.04", "3.2e-05", "inf"]))
ANY = st.one_of(BARS, BARS, TQDM, TQDM, st.sampled_from([*SETUP, *OOM, val(1), "", "words"]))


@given(st.lists(ANY, min_size=1, max_size=30), st.booleans())
def test_state_is_same_without_them(lines: list[str], are_sorted: bool) -> None:
    """What is left out changes nothing, whatever the lines are and in whatever order they come."""
    if are_sorted:
        lines.sort()
    # Marks on our own clock are one for each reading. As texts: nan equals no nan.
    at_once, apart = (
        replace(state, seen=()) for state in (advance(LogState(), lines, 7.0), one_by_one(lines))
    )
    assert repr(at_once) == repr(apart)
