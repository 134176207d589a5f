"""Positions in a recording: the same window as live, on every way to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpumon.advice.advise import report_on
from gpumon.history.extremes import Extremes
from gpumon.history.history import History
from gpumon.history.window import Window
from gpumon.model.clock import Instant
from gpumon.model.report import TrainingReport
from gpumon.model.sample import Sample
from gpumon.monitor.replay_past import Past
from gpumon.recording.schema import RecordingError
from tests.unit.recorded import Recorded
from tests.unit.synthetic_training import HEALTHY, PID, STARVED

# A starved training that is healthy for its last part: its findings change on the way.
_SAMPLES = (
    *replace(STARVED, seconds=90).samples(),
    *(replace(HEALTHY, seconds=30).sample(index, 1090.0) for index in range(30)),
)


def _slowly(count: int, start: float, interval: float = 10.0) -> tuple[Sample, ...]:
    """Return samples of a starved training on one core, far apart."""
    scene = replace(STARVED, seconds=count, cores=1)
    return tuple(
        replace(
            sample,
            interval_seconds=interval,
            instant=Instant(1.7e9 + interval * index, start + interval * index),
        )
        for index, sample in enumerate(scene.samples())
    )


def _live(samples: tuple[Sample, ...]) -> list[TrainingReport]:
    """Return what a live monitor tells after each sample."""
    history = History()
    told = []
    for sample in samples:
        history.append(sample)
        told.append(report_on(history.window(), PID))
    return told


def _columns(window: Window) -> tuple[object, ...]:
    return window.series("gpu_busy_ratio", "GPU-0", columns=120, span_seconds=3600)


def test_it_begins_at_the_first_sample() -> None:
    """Opened without a moment, the first sample is shown and nothing before it."""
    past = Past(Recorded(_SAMPLES))

    assert _SAMPLES[:1] == past.window.samples


def test_every_step_has_the_findings_of_the_live_monitor() -> None:
    """Forward through all samples, each report equals the live one bit for bit."""
    past = Past(Recorded(_SAMPLES))
    told = [report_on(past.window, PID)]
    while past.forward():
        told.append(report_on(past.window, PID))

    assert _live(_SAMPLES) == told
    assert len({report.findings for report in told}) > 2


@pytest.mark.parametrize("way", ["seek", "open", "steps back", "back and forth"])
def test_every_way_leads_to_the_same_window(way: str) -> None:
    """A moment has the same findings and samples whether it was sought, opened, or stepped to."""
    recorded = Recorded(_SAMPLES)
    moment = _SAMPLES[70].instant.monotonic_seconds
    past = Past(recorded, moment if way == "open" else None)
    if way == "seek":
        past.seek(moment)
    elif way == "steps back":
        past = Past(recorded, _SAMPLES[75].instant.monotonic_seconds)
        for _ in range(5):
            past.back()
    elif way == "back and forth":
        past.seek(_SAMPLES[-1].instant.monotonic_seconds)
        past.seek(_SAMPLES[3].instant.monotonic_seconds)
        past.seek(moment)

    assert _SAMPLES[:71] == past.window.samples
    assert _live(_SAMPLES)[70] == report_on(past.window, PID)


def test_far_into_a_long_recording_the_past_is_that_of_the_live_monitor() -> None:
    """Hours in, charts and findings are the same although only the hour before is read."""
    samples = _slowly(1200, 123.0)
    live = History()
    for sample in samples:
        live.append(sample)
    recorded = Recorded(samples)
    past = Past(recorded, samples[-1].instant.monotonic_seconds)

    assert _columns(live.window()) == _columns(past.window)
    assert report_on(live.window(), PID) == report_on(past.window, PID)
    assert recorded.reads < 900


def test_a_gap_before_the_hour_is_bridged_as_it_was_live() -> None:
    """After a suspension the first sample stands for no longer than it did live."""
    samples = (*_slowly(20, 1000.0), *_slowly(400, 9000.0))
    live = History()
    for sample in samples:
        live.append(sample)

    past = Past(Recorded(samples), samples[-1].instant.monotonic_seconds)

    assert _columns(live.window()) == _columns(past.window)


@pytest.mark.parametrize(("seconds", "index"), [(1000.9, 0), (0.0, 0), (1005.0, 5), (1005.7, 5), (9e9, 119)])
def test_a_moment_between_samples_is_the_one_before(seconds: float, index: int) -> None:
    """What is shown is never from the future, and beyond the ends it is the first or the last sample."""
    past = Past(Recorded(_SAMPLES))
    past.seek(seconds)

    assert _SAMPLES[index] == past.window.newest


def test_the_ends_are_told() -> None:
    """Before the first and after the last sample there is nothing to go to."""
    past = Past(Recorded(_SAMPLES[:2]))

    assert (False, 1001.0) == (past.back(), past.next_seconds())
    assert past.forward()
    assert (False, None) == (past.forward(), past.next_seconds())


def test_one_can_go_back_beyond_what_is_kept() -> None:
    """From a moment that was jumped to, the samples before it are read again."""
    samples = replace(STARVED, seconds=700).samples()
    past = Past(Recorded(samples), samples[-1].instant.monotonic_seconds)
    for _ in range(400):
        past.back()

    assert samples[299] == past.window.newest


def test_steps_back_from_a_jump_have_the_past_of_the_live_monitor() -> None:
    """However far apart the samples are, a step back does not lose the hour before it."""
    samples = _slowly(900, 1000.0)
    past = Past(Recorded(samples), samples[-1].instant.monotonic_seconds)
    live = History()
    told = []
    for sample in samples:
        live.append(sample)
        window = live.window()
        told.append((window.samples, _columns(window)))
    for back in range(1, 241):
        past.back()
        if back % 60 == 0:
            assert told[-1 - back] == (past.window.samples, _columns(past.window))


def test_an_empty_recording_is_refused() -> None:
    """Nothing can be shown of it."""
    with pytest.raises(LookupError, match="holds no sample"):
        Past(Recorded(()))


def _hasty(samples: tuple[Sample, ...], seconds: float) -> Past:
    return Past(Recorded(samples), seconds, hasty=True)


def test_in_haste_the_newest_minutes_come_first() -> None:
    """A far jump shows its sample after some minutes were read, and the whole past when all were."""
    samples = _slowly(500, 1000.0)
    seconds = samples[-1].instant.monotonic_seconds
    past = _hasty(samples, seconds)
    first = (past.is_complete, past.window.newest, len(past.window.samples))
    over = past.complete()

    assert (False, samples[-1], 32) == first
    assert (True, True) == (over, past.is_complete)
    assert _columns(Past(Recorded(samples), seconds).window) == _columns(past.window)
    assert samples[-180:] == past.window.samples


def test_reading_on_can_be_interrupted_and_one_may_move_meanwhile() -> None:
    """Between two pieces of the past one steps about; the place is kept when all is there."""
    samples = _slowly(500, 1000.0)
    past = _hasty(samples, samples[450].instant.monotonic_seconds)
    pieces = iter([True] * 100 + [False])
    interrupted = past.complete(lambda: next(pieces))
    past.forward()
    past.forward()
    past.back()
    past.complete()

    assert (False, True) == (interrupted, past.is_complete)
    assert samples[451] == past.window.newest
    assert _columns(Past(Recorded(samples), past.seconds).window) == _columns(past.window)


def test_near_the_beginning_there_is_nothing_to_be_read_later() -> None:
    """Minutes that are all of the past are complete at once."""
    assert _hasty(_SAMPLES, _SAMPLES[-1].instant.monotonic_seconds).is_complete


@pytest.mark.parametrize("gap_seconds", [0.0, 40_000.0])
def test_samples_far_apart_are_as_many_as_live(gap_seconds: float) -> None:
    """Where the hour has fewer than a window holds, older ones are read too, also across a gap."""
    early = _slowly(300, 1000.0, 60.0)
    late = _slowly(50, early[-1].instant.monotonic_seconds + 60.0 + gap_seconds, 60.0)
    samples = (*early, *late)
    live = History()
    for sample in samples:
        live.append(sample)

    past = Past(Recorded(samples), samples[-1].instant.monotonic_seconds)

    assert samples[-180:] == past.window.samples
    assert _columns(live.window()) == _columns(past.window)
    assert report_on(live.window(), PID) == report_on(past.window, PID)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), -1.0, 1e300])
@pytest.mark.parametrize("which", ["monotonic", "unix", "interval"])
def test_a_sample_that_no_clock_told_of_is_refused(which: str, number: float) -> None:
    """A file may hold any number; what is shown before it stays."""
    wrong = _SAMPLES[3]
    now = wrong.instant
    if which == "monotonic":
        wrong = replace(wrong, instant=replace(now, monotonic_seconds=number))
    elif which == "unix":
        wrong = replace(wrong, instant=replace(now, unix_seconds=number))
    else:
        wrong = replace(wrong, interval_seconds=number)
    past = Past(Unsorted((*_SAMPLES[:3], wrong, *_SAMPLES[4:6])))
    past.forward()

    with pytest.raises(RecordingError, match="at no moment of time"):
        past.forward()
    assert _SAMPLES[1] == past.window.newest


def test_a_recording_without_end_is_refused() -> None:
    """Its last sample lies at no moment."""
    endless = replace(_SAMPLES[1], instant=Instant(1.7e9, float("inf")))

    with pytest.raises(LookupError, match="at no moment of time"):
        Past(Recorded((_SAMPLES[0], endless)))


class Unsorted(Recorded):
    """A recording whose index of moments does not fit its samples."""

    def samples(self, start_seconds: float, end_seconds: float) -> Iterator[Sample]:
        """Yield the samples by their place in the file."""
        for index, sample in enumerate(self.kept):
            if start_seconds <= self.first_seconds + index <= end_seconds:
                yield sample


@pytest.mark.parametrize(("gap_seconds", "holes"), [(0.0, 0), (600.0, 9)])
def test_charts_of_the_thinned_part_hold_each_sample(gap_seconds: float, holes: int) -> None:
    """A sample a minute makes a line without holes, except where nothing was recorded."""
    early = _slowly(60, 1000.0, 60.0)
    late = _slowly(30, early[-1].instant.monotonic_seconds + 60.0 + gap_seconds, 60.0)
    samples = [replace(sample, interval_seconds=1.0) for sample in (*early, *late)]
    past = Past(Recorded(samples, full_from=9e9), samples[-1].instant.monotonic_seconds)

    columns = past.window.series("gpu_busy_ratio", "GPU-0", columns=60, span_seconds=3600)
    assert holes <= columns.count(None) <= holes + (2 if holes else 0)


def test_stretches_without_samples_between_them_are_refused() -> None:
    """A file with hours of stretches and no sample of them would keep a step forward from ending."""
    samples = _slowly(2, 1000.0, 60_000.0)
    between = [Extremes(1000.0 + 10.0 * k, 1010.0 + 10.0 * k, {}) for k in range(3000)]
    past = Past(Recorded(samples, full_from=9e9, between=between))

    with pytest.raises(RecordingError, match="samples are missing"):
        past.forward()
