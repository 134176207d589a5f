"""The verdict that stands changes only for what lasts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpumon.diagnosis.course import HOLD_SECONDS, Second, Standing, advance, standing_after
from gpumon.history.stats import Interval

FEW, LOCK = "starved-too-few-workers", "starved-lock"
HEALTHY, UNCLEAR, HOST = "compute-bound", "unclear", "host-overhead"
CLEAR, NEAR = Interval(0.4, 0.35, 0.45), Interval(0.09, 0.07, 0.11)
ABOVE = Interval(0.06, 0.04, 0.08)
BAND, NONE = Interval(0.04, 0.02, 0.06), Interval(0.01, 0.0, 0.02)


def seconds(*parts: tuple[str, int, Interval | None]) -> list[Second]:
    """Return seconds that say the same for a while, part by part."""
    said = [(verdict, wait) for verdict, count, wait in parts for _ in range(count)]
    return [Second(1000.0 + index, verdict, wait) for index, (verdict, wait) in enumerate(said)]


def stands(*parts: tuple[str, int, Interval | None]) -> str:
    """Return the verdict that stands after them."""
    return standing_after(seconds(*parts)).verdict


def test_the_first_verdict_stands_at_once() -> None:
    """Nobody waits for what is clear in the first second that can be judged."""
    assert "" == stands(("", 3, None))
    assert FEW == stands(("", 3, None), (FEW, 1, CLEAR))


def test_a_wait_is_entered_after_three_windows() -> None:
    """Two seconds far above the threshold are chance, three are a wait."""
    assert HEALTHY == stands((HEALTHY, 30, NONE), (FEW, 2, CLEAR))
    assert FEW == stands((HEALTHY, 30, NONE), (FEW, 3, CLEAR))


def test_a_wait_near_the_threshold_has_to_last_longer() -> None:
    """Chance wanders across 5 % now and then."""
    assert HEALTHY == stands((HEALTHY, 70, NONE), (FEW, 11, NEAR))
    assert FEW == stands((HEALTHY, 70, NONE), (FEW, 12, NEAR))


def test_causes_that_take_turns_are_one_wait() -> None:
    """That the loop waits is certain although its cause is not: the newest cause is told."""
    turns = ((FEW, 1, CLEAR), (LOCK, 1, CLEAR), (FEW, 1, CLEAR))
    assert FEW == stands((HEALTHY, 30, NONE), *turns)


def test_a_wait_is_left_below_three_percent_only() -> None:
    """Between 3 and 5 % what stood goes on standing."""
    before = ((HEALTHY, 5, NONE), (FEW, 70, CLEAR))
    assert FEW == stands(*before, (UNCLEAR, 90, BAND))
    assert FEW == stands(*before, (HEALTHY, 4, NONE))
    assert HEALTHY == stands(*before, (HEALTHY, 5, NONE))


def test_a_wait_is_held_for_a_minute() -> None:
    """An alert that goes at once would come again at once."""
    assert FEW == stands((HEALTHY, 30, NONE), (FEW, 3, CLEAR), (HEALTHY, int(HOLD_SECONDS) - 1, NONE))
    assert HEALTHY == stands((HEALTHY, 30, NONE), (FEW, 3, CLEAR), (HEALTHY, int(HOLD_SECONDS), NONE))


def test_another_cause_needs_no_minute() -> None:
    """What was taken for the cause at first is put right after five windows."""
    assert FEW == stands((FEW, 3, CLEAR), (LOCK, 4, CLEAR))
    assert LOCK == stands((FEW, 3, CLEAR), (LOCK, 5, CLEAR))


def test_a_cause_that_becomes_uncertain_stays_for_a_while() -> None:
    """Twenty-five windows that name no cause end it, and the same holds without a wait."""
    before = ((HEALTHY, 5, NONE), (FEW, 70, CLEAR))
    assert FEW == stands(*before, (UNCLEAR, 24, CLEAR))
    assert UNCLEAR == stands(*before, (UNCLEAR, 25, CLEAR))
    assert HEALTHY == stands((HEALTHY, 9, NONE), (UNCLEAR, 24, BAND))
    assert UNCLEAR == stands((HEALTHY, 9, NONE), (UNCLEAR, 25, BAND))


def test_states_without_a_wait_change_after_five_windows() -> None:
    """An alarm among them is held for a minute too."""
    assert UNCLEAR == stands((UNCLEAR, 3, BAND), (HEALTHY, 4, NONE))
    assert HEALTHY == stands((UNCLEAR, 3, BAND), (HEALTHY, 5, NONE))
    before = ((HEALTHY, 5, NONE), (HOST, 5, NONE))
    assert HOST == stands(*before, (HEALTHY, 59, NONE))
    assert HEALTHY == stands(*before, (HEALTHY, 60, NONE))


def test_the_first_verdict_may_be_put_right_soon() -> None:
    """It was given on four seconds: what longer windows say needs no minute."""
    assert FEW == stands((FEW, 3, CLEAR), (HEALTHY, 4, NONE))
    assert HEALTHY == stands((FEW, 3, CLEAR), (HEALTHY, 5, NONE))
    assert FEW == stands((FEW, 3, CLEAR), (UNCLEAR, 24, ABOVE))
    assert UNCLEAR == stands((FEW, 3, CLEAR), (UNCLEAR, 25, ABOVE))


def test_a_first_verdict_on_the_wrong_side_of_the_threshold_does_not_stand() -> None:
    """Healthy by four seconds, and 6 % by ten: that is unclear, although it is too near to call."""
    assert UNCLEAR == stands((HEALTHY, 3, NONE), (UNCLEAR, 5, ABOVE))
    assert HEALTHY == stands((HEALTHY, 3, NONE), (UNCLEAR, 24, BAND))
    assert UNCLEAR == stands((FEW, 3, CLEAR), (UNCLEAR, 5, BAND))
    assert FEW == stands((HEALTHY, 3, NONE), (FEW, 5, NEAR))


def test_an_old_verdict_outlasts_one_stall() -> None:
    """After a minute the first verdict is as any other."""
    assert HEALTHY == stands((HEALTHY, 70, NONE), (UNCLEAR, 24, ABOVE))


def test_seconds_that_say_nothing_change_nothing() -> None:
    """A validation neither ends a wait nor counts towards one."""
    assert FEW == stands((FEW, 10, CLEAR), ("", 90, None))
    assert HEALTHY == stands((HEALTHY, 20, NONE), (FEW, 2, CLEAR), ("", 30, None))


def test_a_part_of_a_course_does_not_begin_at_once() -> None:
    """The oldest second that is left is not the first one: a blip in it is no verdict."""
    course = seconds((FEW, 2, CLEAR), (HEALTHY, 20, NONE))
    assert HEALTHY == standing_after(course, from_start=False).verdict
    assert "unclear" == standing_after(course[:2], from_start=False).verdict
    assert FEW == standing_after(course[:2]).verdict


verdicts = st.sampled_from(["", FEW, LOCK, HEALTHY, UNCLEAR, HOST])
waits = st.none() | st.builds(
    lambda low, more: Interval(min(1.0, low + more / 2), low, min(1.0, low + more)),
    st.floats(0.0, 0.9),
    st.floats(0.0, 0.1),
)


@given(st.lists(st.tuples(verdicts, waits), max_size=120))
def test_what_stands_was_said(said: list[tuple[str, Interval | None]]) -> None:
    """Whatever is said, no verdict stands that no second gave, and none while none gave any."""
    course = [Second(float(index), verdict, wait) for index, (verdict, wait) in enumerate(said)]
    found = standing_after(course).verdict
    assert found in {verdict for verdict, _ in said} | {""}
    assert bool(found) == any(verdict for verdict, _ in said)


@given(st.lists(st.tuples(verdicts, waits), min_size=1, max_size=120))
def test_an_alarm_stands_for_a_minute_at_least(said: list[tuple[str, Interval | None]]) -> None:
    """From an alarm to no alarm it takes a minute from its beginning, but for the very first verdict."""
    standing, began = Standing("unclear"), 0.0
    for index, (verdict, wait) in enumerate(said):
        before = standing
        standing = advance(standing, Second(float(index), verdict, wait))
        is_alarm, was_alarm = (one.verdict in {FEW, LOCK, HOST} for one in (standing, before))
        if is_alarm and standing.verdict != before.verdict:
            began = float(index)
        if was_alarm and not is_alarm:
            assert index - began >= HOLD_SECONDS
