"""The true figures of a training, from its own stamps: its wait, its rate, and what that would be without."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.real.truth import LoaderWait, batches_delivered, loader_waits

TRAINING_LOADER = 0
# A second with less training in it than this says nothing of its wait.
_LEAST_SECONDS = 0.2

Figures = dict[str, float | list[float]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """How long a training trained, and how long of that it waited for batches, in seconds."""

    trained: float
    waited: float

    @property
    def ratio(self) -> float:
        """The share of the wait."""
        return self.waited / self.trained if self.trained > 0 else 0.0


def stretch(waits: list[LoaderWait], start: float, end: float) -> Stretch:
    """Return what happened between `start` and `end` (CLOCK_MONOTONIC), validation and what follows it apart.

    A batch and the work on it last from its `next()` to the following one. After the last batch of a
    validation come results and checkpoint.
    """
    trained = waited = 0.0
    ends = [*(later.start for _, later in pairwise(waits)), end]
    for wait, until in zip(waits, ends, strict=True):
        if wait.loader == TRAINING_LOADER:
            trained += _overlap(wait.start, max(until, wait.start), start, end)
            waited += _overlap(wait.start, until if wait.end is None else wait.end, start, end)
    return Stretch(trained, waited)


def figures_of(waits: list[LoaderWait], start: float, end: float, batch_size: int) -> Figures:
    """Return the figures of a stretch of time; what cannot be told is left out.

    `waits` is the share of the wait second by second (where it did not train, that of the second before).
    With an infinitely fast loader everything but the waits would take as long as it did.
    """
    if not waits or end <= start:
        return {}
    whole = stretch(waits, start, end)
    seconds: list[float] = []
    for second in range(int(end - start)):
        part = stretch(waits, start + second, start + second + 1)
        known = part.trained >= _LEAST_SECONDS
        seconds.append(round(part.ratio, 3) if known else seconds[-1] if seconds else 0.0)
    found: Figures = {
        "data_wait_ratio": round(whole.ratio, 4),
        "training_ratio": round(whole.trained / (end - start), 4),
        "waits": seconds,
    }
    images = batches_delivered(waits, start, end, TRAINING_LOADER) * batch_size
    if images:
        found["images_per_second"] = round(images / (end - start), 2)
        if end - start - whole.waited > 0:
            found["fed_images_per_second"] = round(images / (end - start - whole.waited), 2)
    return found


def figures(stamps: Path, start: float, end: float, batch_size: int) -> Figures:
    """Return the figures of the training that writes its stamps in that file."""
    return figures_of(loader_waits(stamps), start, end, batch_size)


def _overlap(first: float, last: float, start: float, end: float) -> float:
    return max(0.0, min(last, end) - max(first, start))
