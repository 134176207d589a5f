"""Advice to a training without DataLoader workers: how many would take the loading over.

YOLOv5 starts none for a batch of one image: then they come with the larger batch that allows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from gpumon.advice.bounds import WorkerBound, rank_batch, worker_bounds
from gpumon.advice.effects import LEAST_GAIN
from gpumon.advice.pair import RaisedBatch, is_tried, paired, raised_batch
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import HEADROOM, ceiling
from gpumon.advice.worker_choice import Choice, suggested
from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.step import Step, step_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, count_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.suggestion import Bound, Suggestion

# Without workers the time between kernels is loading and host work in unknown parts: from 20 % loading
# (the low end) over 65 % (the prediction) to all of it.
_UNSEEN_LOADING = (0.65, 0.20, 1.0)
# The low end of what is left of a gain after that: an allowance for pickling and shared memory, not measured.
_HANDED_OVER = 0.8
# CPU seconds that handing a batch from a worker to the main process takes of both: the prediction, then the
# ends. The median, and nearly the ends, of eight pairs of trainings with and without workers, 8 images each
# (tests/lab/settings_handing.py prints them).
BATCH_SECONDS = (0.008, 0.0125, 0.005)


@dataclass(frozen=True, slots=True)
class _Case:
    """A training that loads its images itself, what bounds its workers, and the batch they need, if any."""

    view: View
    bounds: tuple[WorkerBound, ...]
    raised: RaisedBatch | None

    @property
    def tightest(self) -> WorkerBound | None:
        """What allows the fewest workers."""
        return self.bounds[0] if self.bounds else None

    @property
    def faster(self) -> Interval:
        """The factor by which the GPU takes more images with that batch."""
        return Interval(1.0, 1.0, 1.0) if self.raised is None else self.raised.gpu.factor

    @property
    def batch_words(self) -> str:
        """The batch, for the sentence on the workers."""
        if self.raised is None:
            return ""
        model, ranks = self.raised.model, self.view.ranks
        now, then = model.batch * ranks, self.raised.batch * ranks
        memory = bytes_words(model.bytes_at(self.raised.batch).value)
        why = ", for which YOLOv5 starts none," if _is_single(self.view) else ""
        return f" with batch {then} (about {memory}) instead of {now}{why}"


def advise_some_workers(
    view: View, finding: Finding, terms: Terms, *, may_raise_batch: bool
) -> tuple[Suggestion, ...]:
    """Return the advice to start workers: by the wait where it is seen, else by the GPU's utilisation."""
    tried = is_tried(view, terms, 0) and not _is_single(view)
    raised = raised_batch(view, terms) if may_raise_batch and view.on_gpu and not tried else None
    alone = _choice(_Case(view, worker_bounds(view, None), None))
    both = None
    if raised is not None:
        both = _choice(_Case(view, worker_bounds(view, None, raised.batch), raised))
    if raised is not None and both is not None and both.is_worth_it and _is_better(both, alone):
        return (paired(view, finding, terms, both, raised),)
    return () if alone is None else suggested(view, finding, terms, alone)


def _choice(case: _Case) -> Choice | None:
    view = case.view
    wait, busy = view.wait, view.gpu_busy if view.on_gpu else None
    if isinstance(wait, Interval):
        return _by_wait(case, wait)
    return _by_utilisation(case, busy) if busy is not None and busy > 0.02 else None


def _is_single(view: View) -> bool:
    """Tell whether YOLOv5 starts no workers as a batch has one image."""
    return view.reading.training.framework == "yolov5" and rank_batch(view) == 1


def _is_better(both: Choice, alone: Choice | None) -> bool:
    """Tell whether workers with a larger batch bring 5 % more than workers alone, if these can be at all."""
    without = alone.gain.value if alone is not None and alone.is_worth_it else 1.0
    return both.gain.value >= LEAST_GAIN * without


def _by_utilisation(case: _Case, busy: float) -> Choice | None:
    loading, faster, tightest = 1.0 - busy, case.faster, case.tightest
    count = max(1, ceil(HEADROOM * loading / busy * faster.value))
    if tightest is not None:
        count = min(count, tightest.workers)
    if count < 1:
        return None

    def factor(share: float, taken: float) -> float:
        return max(1.0, min(taken / (1.0 - share * loading), count / (share * loading)))

    point, low, high = (
        factor(share, taken)
        for share, taken in zip(_UNSEEN_LOADING, (faster.value, faster.low, faster.high), strict=True)
    )
    text = f"{count_words(count, 'worker')}{case.batch_words} would prepare batches while the GPU computes"
    basis = "the share of time in which the GPU is idle, of which loading is a part that cannot be seen"
    bound = tightest.bound if tightest is not None and tightest.workers == count else Bound.GPU
    gain = Interval(point, min(point, low, high), max(point, low, high))
    return Choice(0, count, gain, text, bound, basis)


def _by_wait(case: _Case, wait: Interval) -> Choice | None:
    """Return the workers that prepare batches as fast as the rest of the step takes them."""
    view, faster, tightest = case.view, case.faster, case.tightest
    count = max(1, ceil(HEADROOM * wait.value * ceiling(wait.value) * faster.value - 1e-9))
    capped = tightest is not None and tightest.workers < count
    count = tightest.workers if tightest is not None and capped else count
    if count < 1:
        return None
    rooms = [_room(case, seconds) for seconds in BATCH_SECONDS]

    def fastest(share: float, taken: float) -> float:
        return min(taken * ceiling(share), count / max(share, 1e-9))

    def factor(share: float, taken: float, most: float) -> float:
        return max(1.0, min(fastest(share, taken), most))

    point, low = factor(wait.value, faster.value, rooms[0]), factor(wait.low, faster.low, rooms[1])
    high = factor(wait.high, faster.high, rooms[2])
    # Handing a batch from process to process costs a part of what is gained.
    gain = Interval(point, min(point, 1.0 + _HANDED_OVER * (low - 1.0)), max(point, high))
    who = view.waiter if view.on_gpu else "the main process"
    text = f"{count_words(count, 'worker')}{case.batch_words} would prepare batches while {who} computes"
    bound = Bound.GPU if view.on_gpu else Bound.NONE
    if tightest is not None and capped:
        bound = tightest.bound
    elif rooms[0] < fastest(wait.value, faster.value):
        bound = Bound.CORES
    basis = "the share of time in which the main process prepares batches itself, which workers take over"
    return Choice(0, count, gain, text, bound, basis)


def _room(case: _Case, batch_seconds: float) -> float:
    """Return the factor at which the training would fill the cores it may use, infinite where not known.

    Each batch then takes `batch_seconds` of a core more, as it is handed over.
    """
    view = case.view
    cores, own, step = cores_of(view), view.own_cpu, step_of(view)
    if cores is None or cores.idle is None or own is None or own <= 0:
        return inf
    batches = 0.0 if not isinstance(step, Step) or not step.seconds else view.ranks / step.seconds
    if case.raised is not None:
        batches *= case.raised.model.batch / case.raised.batch
    return (own + cores.idle) / (own + batches * batch_seconds)
