"""A wait is called severe above 20 %, and no longer so below 15 %: in between nothing changes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gpumon.diagnosis.course import HOLD_SECONDS, Second
from gpumon.diagnosis.wait_level import Level, level_after, with_level
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity

FEW = "starved-too-few-workers"
CLEAR, LIGHT = Interval(0.4, 0.35, 0.45), Interval(0.1, 0.08, 0.12)


def course(*parts: tuple[int, Interval | None], apart: float = 1.0) -> list[Second]:
    """Return windows, `apart` seconds, with the same wait for a while, part by part."""
    waits = [wait for count, wait in parts for _ in range(count)]
    return [Second(1000.0 + index * apart, FEW if wait else "", wait) for index, wait in enumerate(waits)]


def is_severe(*parts: tuple[int, Interval | None], from_start: bool = True) -> bool | None:
    """Return whether the wait is severe after these seconds."""
    level = level_after(course(*parts), from_start=from_start)
    return None if level is None else level.is_severe


def test_the_first_window_says_it_at_once() -> None:
    """Nobody waits for what is clear in the first second that can be judged."""
    assert is_severe((5, None)) is None
    assert is_severe((5, None), (1, CLEAR)) is True
    assert is_severe((1, LIGHT)) is False


def test_it_is_raised_after_three_windows_and_taken_back_after_five() -> None:
    """Whose whole interval lies above 20 %, and whose value lies below 15 %."""
    assert is_severe((40, LIGHT), (2, CLEAR)) is False
    assert is_severe((40, LIGHT), (3, CLEAR)) is True
    assert is_severe((70, CLEAR), (4, LIGHT)) is True
    assert is_severe((70, CLEAR), (5, LIGHT)) is False


def test_it_is_held_for_a_minute_unless_it_was_the_first_word() -> None:
    """What was said on four seconds may be put right soon."""
    assert is_severe((40, LIGHT), (3, CLEAR), (int(HOLD_SECONDS) - 1, LIGHT)) is True
    assert is_severe((40, LIGHT), (3, CLEAR), (int(HOLD_SECONDS), LIGHT)) is False
    assert is_severe((3, CLEAR), (5, LIGHT)) is False


def test_of_a_longer_course_the_oldest_window_has_to_last_too() -> None:
    """Its first second is not the training's first one."""
    assert is_severe((2, CLEAR), from_start=False) is False
    assert is_severe((3, CLEAR), from_start=False) is True


def test_seconds_without_a_wait_change_nothing() -> None:
    """A validation neither raises it nor takes it back, nor breaks a row of windows."""
    assert is_severe((40, LIGHT), (2, CLEAR), (30, None), (1, CLEAR)) is True
    assert is_severe((70, CLEAR), (90, None)) is True


in_band = st.builds(
    lambda value, low: Interval(value, min(low, value), min(1.0, value + 0.05)),
    st.floats(0.15, 0.45),
    st.floats(0.0, 0.20),
)


@given(st.lists(in_band, max_size=100), st.sampled_from([CLEAR, LIGHT]))
def test_noise_within_the_band_changes_nothing(noise: list[Interval], before: Interval) -> None:
    """Neither a value of 15 % or more nor an interval that reaches down to 20 % turns the level."""
    found = is_severe((70, before), *((1, wait) for wait in noise))
    assert found is (before is CLEAR)


waits = st.none() | st.builds(
    lambda value, half: Interval(value, max(0.0, value - half), min(1.0, value + half)),
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.1),
)


@given(st.lists(waits, min_size=1, max_size=60))
def test_whatever_is_measured_it_changes_seldom(measured: list[Interval | None]) -> None:
    """Raised twice within a minute it is never, so it does not flicker; five seconds lie between windows."""
    seconds = course(*((1, wait) for wait in measured), apart=5.0)
    raised, before = [], True
    for count in range(1, len(seconds) + 1):
        level = level_after(seconds[:count])
        if level is not None and level.is_severe and not before:
            raised.append(seconds[count - 1].monotonic_seconds)
        before = level is None or level.is_severe
    assert all(later - earlier >= HOLD_SECONDS for earlier, later in pairwise(raised))


def finding(wait: Interval, id_: str = FEW) -> Finding:
    evidence = (
        Evidence("data_wait_ratio", wait.value, 0.05, wait.low, wait.high, "it waits"),
        Evidence("worker_idle_ratio", 0.02, text="they are busy"),
    )
    return Finding(id_, Severity.WARNING, "", 0.0, evidence)


def texts(found: Finding) -> list[str]:
    return [item.text for item in found.evidence]


def test_the_evidence_says_it_and_why_it_says_it_still() -> None:
    """Above 20 % plainly; in the band with the reason; never of other numbers, nor of what is no wait."""
    severe, light = Level(is_severe=True, since_seconds=0.0), Level(is_severe=False, since_seconds=0.0)
    plainly = ["it waits, clearly above the 20 % that count as severe", "they are busy"]
    still = "it waits, severe still: it was clearly above 20 %, and counts as severe until it is below 15 %"

    assert texts(with_level(finding(CLEAR), severe)) == plainly
    assert texts(with_level(finding(Interval(0.18, 0.16, 0.2)), severe))[0] == still
    for level in (light, None):
        assert with_level(finding(CLEAR), level) == finding(CLEAR)
    assert with_level(finding(CLEAR, "compute-bound"), severe) == finding(CLEAR, "compute-bound")
