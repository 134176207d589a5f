"""A short watch with the real monitor: what it gets to see of GPUs, host and trainings."""

from __future__ import annotations

from collections.abc import Callable

from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Measure, Missing
from gpumon.model.reading import TrainingReading
from gpumon.model.report import Report

# Ratios need two readings; attaching to an interpreter and its first looks take two more.
_FEWEST_TICKS = 2
_MOST_TICKS = 6


def watch(tick: Callable[[], Report], pause: Callable[[], None]) -> Report:
    """Tick until everything that a training shows has been seen, at most six times."""
    report = tick()
    for number in range(2, _MOST_TICKS + 1):
        if number > _FEWEST_TICKS and _is_enough(report):
            break
        pause()
        report = tick()
    return report


def _is_enough(report: Report) -> bool:
    """Tell whether more ticks would show no more."""
    sample = report.sample
    return all(map(_is_seen, sample.trainings)) and all(map(_is_measured, sample.gpus))


def _is_seen(reading: TrainingReading) -> bool:
    loader = reading.loader
    waits = (loader.data_wait_ratio, loader.data_wait_ratio_by_state)
    return reading.ended is not None or (
        all(isinstance(wait, Measure) for wait in waits)
        and not isinstance(loader.batches_per_second, Missing)
    )


def _is_measured(gpu: GpuReading) -> bool:
    return not any(
        isinstance(value, Missing) and "two readings" in value.reason
        for value in (gpu.gpu_busy_ratio, gpu.gpu_power_watts, gpu.gpu_throttle_power_ratio)
    )
