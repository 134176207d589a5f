"""What is told of sources that fail or are late, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gpumon.model.sample import Sample, SourceError
from gpumon.tui.widgets.trouble import KEPT_SECONDS, LATE_SECONDS, Trouble, after
from tests.tui.fakes import fake_frame

DENIED = SourceError("nvml", "permission denied")
_SAMPLE = fake_frame().report.sample


def _sample(seconds: float, late: Sequence[str] = (), errors: Sequence[SourceError] = ()) -> Sample:
    instant = replace(_SAMPLE.instant, monotonic_seconds=1000.0 + seconds)
    return replace(_SAMPLE, instant=instant, late_sources=tuple(late), errors=tuple(errors))


def _told(samples: Sequence[Sample]) -> Trouble:
    trouble = Trouble()
    for sample in samples:
        trouble = after(trouble, sample)
    return trouble


def test_one_late_sample_is_not_told() -> None:
    """A source that is late now and then, as on a busy machine, moves no pane."""
    samples = [_sample(second, ["shm"] if second % 2 else []) for second in range(60)]

    assert not any(_told(samples[: count + 1]).is_told for count in range(60))


def test_a_source_that_stays_late_is_told() -> None:
    """A driver that hangs is named after LATE_SECONDS, and not one that has just become late."""
    samples = [_sample(second, ["nvml"] if second < LATE_SECONDS else ["nvml", "shm"]) for second in range(4)]

    assert not _told(samples[:-1]).is_told
    assert _told(samples).late_sources == ("nvml",)


def test_an_error_is_told_at_once() -> None:
    """What could not be read is there with the first sample that says so."""
    assert _told([_sample(0, errors=[DENIED])]).errors == (DENIED,)


@pytest.mark.parametrize(
    ("seconds", "is_told"), [(1.0, True), (KEPT_SECONDS - 0.1, True), (KEPT_SECONDS, False)]
)
def test_the_line_stays_for_a_while(seconds: float, is_told: bool) -> None:
    """An error that comes and goes leaves its line where it is, until it has not come for KEPT_SECONDS."""
    assert _told([_sample(0, errors=[DENIED]), _sample(seconds)]).is_told is is_told


def test_a_recording_wound_back_begins_anew() -> None:
    """What is told of later is not told of earlier."""
    assert not _told([_sample(0), _sample(50, errors=[DENIED]), _sample(40)]).is_told
