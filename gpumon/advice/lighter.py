"""A training whose workers have too much to do for each image: where less of it would help, and how much."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.bounds import bounds_of, rank_batch
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import Pipeline, drawn_pipeline, needed_workers, predict_lighter
from gpumon.diagnosis.view import View
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import number

# Where the cores are the limit more workers cannot help, and less CPU time for each image does at once.
_CORES = frozenset({"starved-cpu-exhausted", "starved-cpu-quota", "starved-neighbours"})
_STORAGE = frozenset({"starved-remote-storage", "starved-local-disk", "starved-page-cache"})
# Of enough cores more workers are the simpler cure.
_WORKERS = "starved-too-few-workers"
# Share of a worker's CPU time that decoding and resizing take: about a half (DS-Analyzer, VLDB'21, figure 7);
# with the images, the augmentations and the size it differs so much that the interval is a wide one.
DECODE = Interval(0.5, 0.3, 0.7)
NOTHING = Interval(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Heavy:
    """A training in which the work for an image is the limit, and the finding that says so.

    `by_storage` tells that the workers' time outside the CPU is spent waiting for files.
    """

    finding: Finding
    pipeline: Pipeline
    by_storage: bool

    def gain(self, cpu_saved: Interval, files_saved: Interval) -> Interval:
        """Return the factor on the rate where these shares of CPU time and of reading are saved."""
        outside = files_saved if self.by_storage else NOTHING
        return predict_lighter(self.pipeline, cpu_saved, outside, self.finding.id in _CORES)


def heavy_of(view: View, findings: tuple[Finding, ...], terms: Terms) -> Heavy | None:
    """Return what shows that less work for each image would help, or None.

    Not of a training that is fed, nor of one that more workers can feed.
    """
    for finding in findings:
        if finding.id not in _CORES | _STORAGE | {_WORKERS}:
            continue
        pipeline = drawn_pipeline(view, terms.prior)
        if pipeline is None:
            return None
        bounds = bounds_of(view)
        most = bounds[0].workers if bounds else None
        if finding.id == _WORKERS and (most is None or most >= needed_workers(pipeline)):
            return None
        return Heavy(finding, pipeline, finding.id in _STORAGE)
    return None


def images_of(view: View) -> int | None:
    """Return how many images an epoch has at most, by its batches; None where not known."""
    batches, batch = number(view.reading.progress.batches), rank_batch(view)
    return None if not batches or batch is None else int(batches) * batch * view.ranks
