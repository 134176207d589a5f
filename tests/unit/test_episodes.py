"""The history of findings, live and of a recording."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.clock import Instant
from gpumon.model.finding import Severity
from gpumon.model.report import Report
from gpumon.monitor.episodes import Episode, Episodes, episodes_of
from gpumon.recording.mark import Mark, MarkKind
from gpumon.recording.marking import Marking
from tests.tui.fakes import START_MONOTONIC_SECONDS, START_UNIX_SECONDS
from tests.unit.told import WARNING, finding, told


def _seconds(instant: Instant | None) -> float | None:
    return None if instant is None else instant.monotonic_seconds - START_MONOTONIC_SECONDS


def _stays(episodes: tuple[Episode, ...]) -> list[tuple[str, float | None, float | None]]:
    return [(item.id, _seconds(item.began), _seconds(item.over)) for item in episodes]


def _live(*reports: Report) -> tuple[Episode, ...]:
    """Return what is made of reports, the first of which is one without findings."""
    made = Episodes()
    made.read(told(0))
    for report in reports:
        made.read(report)
    return made.all()


def _instant(second: float) -> Instant:
    return Instant(START_UNIX_SECONDS + second, START_MONOTONIC_SECONDS + second)


def _mark(second: float, kind: MarkKind, name: str = WARNING) -> Mark:
    moment = _instant(second)
    return Mark(moment.unix_seconds, moment.monotonic_seconds, kind, f"text {second:.0f}", name)


def test_a_finding_comes_and_goes() -> None:
    """It is kept with the moment it was first seen and the first one without it."""
    found = _live(told(1), told(2, WARNING), told(3, WARNING), told(10))

    assert [(WARNING, 2.0, 10.0)] == _stays(found)
    assert found[0].lasted_seconds(_instant(500)) == 8.0


def test_one_that_is_there_lasts_until_now() -> None:
    """Its text and severity are the newest."""
    (found,) = _live(told(2, WARNING), told(9, finding(WARNING, Severity.CRITICAL, "it waits more")))

    assert (None, "it waits more", Severity.CRITICAL) == (found.over, found.text, found.severity)
    assert found.lasted_seconds(_instant(12)) == 10.0


def test_what_the_first_report_has_began_before() -> None:
    """A dashboard that opens late on a finding marks it where the finding says that it began."""
    old = replace(finding(WARNING), since_unix_seconds=START_UNIX_SECONDS + 3)
    new = replace(finding("hung"), since_unix_seconds=START_UNIX_SECONDS + 3)
    made = Episodes()
    made.read(told(60, old))
    made.read(told(61, old, new))

    assert [("hung", 61.0, None), (WARNING, 3.0, None)] == _stays(made.all())


def test_a_short_absence_ends_no_episode() -> None:
    """What is back within a minute goes on; after a minute it is another one, and the newest is first."""
    found = _live(told(1, WARNING), told(2), told(30, WARNING), told(40), told(100, WARNING))

    assert [(WARNING, 100.0, None), (WARNING, 1.0, 40.0)] == _stays(found)


def test_the_end_of_a_training_ends_its_findings() -> None:
    """What is told of it afterwards is how it was."""
    assert [(WARNING, 1.0, 5.0)] == _stays(_live(told(1, WARNING), told(5, WARNING, ended=True)))


def test_the_marks_of_a_recording_tell_the_same() -> None:
    """Findings that a recording has marks of are the episodes that were seen live."""
    reports = [
        told(1, WARNING), told(2), told(30, WARNING), told(40, "vram-at-limit"), told(100, WARNING), told(170)
    ]  # fmt: skip
    marking = Marking()
    marks = [mark for report in reports for mark in marking.read(report)]

    assert _stays(_live(*reports)) == _stays(episodes_of(marks, _instant(170)))


def test_a_recording_tells_only_what_was_by_then() -> None:
    """Marks after the moment that is shown are not told, and what ends later is still there."""
    marks = [_mark(1, MarkKind.FINDING), _mark(5, MarkKind.FINDING_OVER), _mark(90, MarkKind.FINDING)]

    assert [(WARNING, 1.0, None)] == _stays(episodes_of(marks, _instant(4)))
    assert [(WARNING, 1.0, 5.0)] == _stays(episodes_of(marks, _instant(89)))
    assert episodes_of(marks, _instant(89))[0].severity is Severity.WARNING


@given(st.lists(st.tuples(st.integers(1, 100), st.sets(st.sampled_from(["a", "b", "c"]))), max_size=30))
def test_episodes_of_one_finding_never_overlap(steps: list[tuple[int, set[str]]]) -> None:
    """However findings come and go, two stays of one id are apart by a minute."""
    second, reports = 0, []
    for step, names in steps:
        second += step
        reports.append(told(second, *sorted(names)))
    found = _live(*reports)

    for name in "abc":
        stays = [(began, over) for item, began, over in _stays(found) if item == name]
        for (later, _), (earlier, over) in pairwise(stays):
            assert later is not None
            assert earlier is not None
            assert over is not None
            assert earlier <= over <= later - 60
