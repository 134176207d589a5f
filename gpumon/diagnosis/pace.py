"""How evenly the workers work: by how much less they get done in the seconds in which the loop waits more."""

from __future__ import annotations

from itertools import pairwise

from gpumon.diagnosis.view import View
from gpumon.history.stats import mean, quantile
from gpumon.model.measure import number
from gpumon.model.process import Role
from gpumon.model.reading import TrainingReading

# Halves of fewer seconds than that say nothing.
_LEAST_SECONDS = 7
# Fits and starts come and go: a single change, as when a training comes to a halt, is none.
_LEAST_CHANGES = 3
# Rows of processes that are looked through: of many workers fewer seconds.
_MOST_ROWS = 320


def pace_drop(view: View) -> float | None:
    """Return how much less the workers get done in the half of the seconds in which the loop waits more.

    As a share of what they get done on the average; None where it is not known. What they read, index by
    index and image by image, tells what they get done. Images that take about the same time give about
    zero, whatever the wait, and so does a GPU whose steps differ; single images that hold up all others make
    whole seconds slow.
    """
    return view.once(_pace_drop)


def _pace_drop(view: View) -> float | None:
    rows = max(1, len(view.reading.processes))
    seconds = [
        (wait, work)
        for _, reading in view.steady[-max(_LEAST_SECONDS, _MOST_ROWS // rows) :]
        if (wait := number(reading.loader.data_wait_ratio)) is not None
        and (work := _work(reading)) is not None
    ]
    if len(seconds) < _LEAST_SECONDS:
        return None
    line = quantile([wait for wait, _ in seconds], 0.5)
    is_more = [wait > line for wait, _ in seconds]
    if sum(before != after for before, after in pairwise(is_more)) < _LEAST_CHANGES:
        return 0.0
    average = mean([work for _, work in seconds])
    if average <= 0:
        return None
    more = [work for wait, work in seconds if wait > line]
    less = [work for wait, work in seconds if wait <= line]
    return (mean(less) - mean(more)) / average if more and less else 0.0


def _work(reading: TrainingReading) -> float | None:
    """Return what the workers read in one second, page cache and pipes included."""
    reads = [
        number(process.read_characters_per_second)
        for process in reading.processes
        if process.role is Role.TRAIN_WORKER
    ]
    return None if not reads or None in reads else sum([read or 0.0 for read in reads])
