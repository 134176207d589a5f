"""The moments that get a mark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.model.report import Report
from gpumon.model.training import Ended, Ending, Phase
from gpumon.recording.mark import MarkKind
from gpumon.recording.marking import Marking
from tests.recording.scene import report_at
from tests.unit.full_report import MAIN


def _kinds(reports: list[Report]) -> list[list[tuple[str, str]]]:
    marking = Marking()
    return [[(mark.kind.value, mark.id) for mark in marking.read(report)] for report in reports]


def _training(report: Report, **changes: object) -> Report:
    reading = replace(report.sample.trainings[0], **changes)  # type: ignore[arg-type]
    return replace(report, sample=replace(report.sample, trainings=(reading,)))


def test_the_first_report_says_what_is_there() -> None:
    """Attached, phase, epoch, and what was found; the next one alike says nothing."""
    pid = str(MAIN.pid)

    assert _kinds([report_at(0), report_at(1)]) == [
        [("attached", pid), ("phase", pid), ("epoch", pid), ("finding", "starved-too-few-workers")],
        [],
    ]


def test_a_finding_that_is_over_is_marked() -> None:
    """When it goes, and when it comes back."""
    quiet = replace(report_at(1), trainings=())

    assert _kinds([report_at(0), quiet, report_at(2)])[1:] == [
        [("finding-over", "starved-too-few-workers")],
        [("finding", "starved-too-few-workers")],
    ]


def test_phases_epochs_and_the_end_are_marked() -> None:
    """Each change once; an unknown phase is none."""
    ended = Ended(Ending.CRASHED, "it crashed", 0.0)
    progress = replace(report_at(1).sample.trainings[0].progress, epoch=4)
    found = _kinds(
        [
            report_at(0),
            _training(report_at(1), phase=Phase.VALIDATE, progress=progress),
            _training(report_at(2), phase=Phase.UNKNOWN, progress=progress),
            _training(report_at(3), phase=Phase.VALIDATE, progress=progress, ended=ended),
            _training(report_at(4), phase=Phase.VALIDATE, progress=progress, ended=ended),
        ]
    )

    pid = str(MAIN.pid)
    assert found[1:] == [[("phase", pid), ("epoch", pid)], [], [("ended", pid)], []]


@pytest.mark.parametrize(
    ("second", "shift", "text"),
    [
        (2.5, 0.0, None),
        (9.0, 0.0, "no samples for 9.0 s"),
        (1.0, 0.8, None),
        (1.0, 3600.0, "the clock is 3600.0 s ahead: the machine slept, or its clock was set"),
        (1.0, -30.0, "the clock was set back by 30.0 s"),
    ],
)
def test_gaps_and_steps_of_the_clock_are_told(second: float, shift: float, text: str | None) -> None:
    """A gap, a suspend and a clock that is set get a mark with the seconds; jitter gets none."""
    marking = Marking()
    marking.read(report_at(0))
    marks = marking.read(report_at(second, unix_shift=shift))

    assert [mark.text for mark in marks] == ([] if text is None else [text])
    assert {mark.kind for mark in marks} <= {MarkKind.GAP}
