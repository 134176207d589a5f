"""What other programs took of the machine while a trace was recorded: on a busy one a trace says little."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from gpumon.model.measure import number
from gpumon.model.sample import Sample


def other_cores(samples: Iterable[Sample]) -> float:
    """Return the mean number of cores that neither the trainings nor gpumon used; 0.0 if nothing tells it."""
    found = [taken for sample in samples if (taken := _taken(sample)) is not None]
    return max(0.0, fmean(found)) if found else 0.0


def _taken(sample: Sample) -> float | None:
    busy, cores = number(sample.host.cpu_busy_ratio), sample.host.cores
    if busy is None or not isinstance(cores, tuple) or not sample.trainings:
        return None
    processes = (process for training in sample.trainings for process in training.processes)
    own = sum(number(process.cpu_busy_ratio) or 0.0 for process in processes)
    return busy * len(cores) - own - (number(sample.self_reading.cpu_ratio) or 0.0)
