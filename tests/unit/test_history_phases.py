"""Steady samples are those of training without the burst after a gap."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.history.phases import newest, newest_steady, spans, steady
from gpumon.model.measure import Missing
from gpumon.model.reading import ProgressReading
from gpumon.model.training import Phase
from tests.unit.synthetic_training import PID, Scene

T, V = Phase.TRAIN, Phase.VALIDATE


def steady_seconds(scene: Scene) -> list[int]:
    """Return the sequence numbers of the steady samples of a scene."""
    return [sample.sequence for sample, _ in steady(scene.window().of_training(PID))]


def test_spans_join_equal_phases() -> None:
    """Consecutive samples of one phase are one span."""
    seen = Scene(seconds=5, phases=(T, T, V, V, T)).window().of_training(PID)
    assert [(span.phase, span.first, span.last) for span in spans(seen)] == [(T, 0, 2), (V, 2, 4), (T, 4, 5)]


def test_without_a_gap_every_training_sample_is_steady() -> None:
    """Who comes in the middle of an epoch sees no burst."""
    assert steady_seconds(Scene(seconds=4)) == [0, 1, 2, 3]


def test_the_burst_after_a_validation_is_left_out_by_the_batch_rate() -> None:
    """With 4 workers and 3 batches a second the first 8 steps last 3 s."""
    scene = Scene(seconds=9, phases=(T, V, T, T, T, T, T, T, T), workers=4, batch_rate=3.0)
    scene = replace(scene, batches=0)
    seen = scene.window().of_training(PID)
    blind = tuple(
        (sample, replace(reading, progress=replace(reading.progress, batch=Missing("no log"))))
        for sample, reading in seen
    )
    assert [sample.sequence for sample, _ in steady(blind)] == [0, 5, 6, 7, 8]


def test_the_burst_is_counted_in_batches_where_they_are_known() -> None:
    """With 2 workers the first 4 batches of the epoch are burst."""
    seen = Scene(seconds=6, phases=(V, T, T, T, T, T), workers=2).window().of_training(PID)
    counted = tuple(
        (sample, replace(reading, progress=replace(reading.progress, batch=2 * sample.sequence)))
        for sample, reading in seen
    )
    assert [sample.sequence for sample, _ in steady(counted)] == [4, 5]


def test_without_any_rate_two_seconds_are_taken_for_the_burst() -> None:
    """Neither batches nor their rate known: the first 2 s after a gap are left out."""
    scene = Scene(seconds=6, phases=(V, T, T, T, T, T), batch_rate=None)
    blind = tuple(
        (sample, replace(reading, progress=replace(reading.progress, batch=Missing("no log"))))
        for sample, reading in scene.window().of_training(PID)
    )
    assert [sample.sequence for sample, _ in steady(blind)] == [3, 4, 5]


def test_without_workers_there_is_no_burst() -> None:
    """No workers keep no batches ready."""
    assert steady_seconds(Scene(seconds=4, phases=(V, T, T, T), workers=0)) == [1, 2, 3]


@settings(deadline=None, max_examples=150)
@given(
    spans_of=st.lists(st.tuples(st.sampled_from([*Phase]), st.integers(1, 9)), min_size=1, max_size=10),
    workers=st.integers(0, 6),
    rate=st.none() | st.floats(0.5, 12.0),
    seconds=st.sampled_from([1.0, 3.5, 20.0, 500.0]),
    interval=st.sampled_from([0.5, 1.0, 1.3]),
)
def test_the_newest_steady_samples_are_the_end_of_all(
    spans_of: list[tuple[Phase, int]], workers: int, rate: float | None, seconds: float, interval: float
) -> None:
    """Looked for from the newest one back, they are what all steady samples end with."""
    phases = tuple(phase for phase, length in spans_of for _ in range(length))
    scene = Scene(seconds=len(phases), phases=phases, workers=workers, batch_rate=rate)
    seen = tuple(
        (replace(sample, interval_seconds=interval), replace(reading, progress=ProgressReading()))
        for sample, reading in scene.window().of_training(PID)
    )
    assert newest(steady(seen), seconds) == newest_steady(seen, seconds)
