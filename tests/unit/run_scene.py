"""Samples of trainings whose run itself is the matter: its phases, its ranks, its processes, its memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from gpumon.diagnosis.rule import Judgement, Rule
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import window_of
from gpumon.model.clock import Instant
from gpumon.model.finding import Finding
from gpumon.model.measure import Measure
from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Member, Phase
from tests.unit.synthetic_training import HEALTHY, PID, Scene


def view(samples: Iterable[Sample]) -> View:
    """Return the view on the training of these samples."""
    found = view_of(window_of(samples), PID)
    assert found is not None
    return found


def judged(rule: Rule, samples: Iterable[Sample]) -> Judgement:
    """Return what a rule says at the end of these samples."""
    return rule.judge(view(samples))


def finding(rule: Rule, samples: Iterable[Sample]) -> Finding:
    """Return the finding of a rule that must fire."""
    judgement = judged(rule, samples)
    assert isinstance(judgement, Finding), judgement
    return judgement


def phased(*spans: tuple[Phase, int], scene: Scene = HEALTHY) -> tuple[Sample, ...]:
    """Return a second each of these phases, one after the other."""
    phases = tuple(phase for phase, seconds in spans for _ in range(seconds))
    return replace(scene, seconds=len(phases), phases=phases).samples()


def changed(sample: Sample, **changes: Any) -> Sample:
    """Return a sample in which the reading of the training is changed."""
    return replace(sample, trainings=(replace(sample.trainings[0], **changes),))


def with_loader(sample: Sample, **changes: Any) -> Sample:
    """Return a sample in which the loader is changed."""
    return changed(sample, loader=replace(sample.trainings[0].loader, **changes))


def with_progress(sample: Sample, **changes: Any) -> Sample:
    """Return a sample in which the progress is changed."""
    return changed(sample, progress=replace(sample.trainings[0].progress, **changes))


def with_processes(sample: Sample, *, main: dict[str, Any], workers: dict[str, Any]) -> Sample:
    """Return a sample in which the main process and the workers are changed."""

    def one(row: ProcessReading) -> ProcessReading:
        return replace(row, **(main if row.role is Role.MAIN else workers))

    return changed(sample, processes=tuple(one(row) for row in sample.trainings[0].processes))


def asleep(sample: Sample) -> Sample:
    """Return a sample in which nothing of the training moves."""
    still = with_processes(
        sample, main={"cpu_busy_ratio": 0.0, "state": "S"}, workers={"cpu_busy_ratio": 0.0, "state": "S"}
    )
    still = with_loader(still, batches_per_second=replace_rate(still.trainings[0], 0.0), worker_cpu_ratio=0.0)
    return replace(still, gpus=tuple(replace(gpu, gpu_busy_ratio=0.0) for gpu in still.gpus))


def replace_rate(reading: TrainingReading, rate: float) -> Measure:
    """Return the measure of the batch rate with another value."""
    measure = reading.loader.batches_per_second
    assert isinstance(measure, Measure)
    return replace(measure, value=rate)


def slower(samples: Sequence[Sample], seconds: float) -> tuple[Sample, ...]:
    """Return the samples taken so many seconds apart."""
    first = samples[0].instant
    return tuple(
        replace(
            sample,
            interval_seconds=seconds,
            instant=Instant(first.unix_seconds + index * seconds, first.monotonic_seconds + index * seconds),
        )
        for index, sample in enumerate(samples)
    )


def with_workers(sample: Sample, generation: int, count: int = 4) -> Sample:
    """Return a sample with train workers that were started as the so many-th."""
    reading = sample.trainings[0]
    first = PID + 1 + generation * count
    ids = [ProcessId(first + index, 100 * generation + 2) for index in range(count)]
    members = (reading.training.members[0], *(Member(one, PID, Role.TRAIN_WORKER) for one in ids))
    template = next(row for row in reading.processes if row.role is Role.TRAIN_WORKER)
    rows = (
        *(row for row in reading.processes if row.role is not Role.TRAIN_WORKER),
        *(replace(template, id=one) for one in ids),
    )
    return changed(sample, training=replace(reading.training, members=members), processes=rows)
