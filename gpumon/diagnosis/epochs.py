"""Whole epochs of a training as they were seen: how long, how much of it for what, and their peak of memory.

An epoch lasts from the first second of training after a gap (start, validation, checkpoint) to the next such
second, so that only what was seen from end to end counts. Short ones are read from the full samples of the
last minutes, long ones from the series of the last hour, and longer ones from those of the last day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from gpumon.diagnosis.view import View
from gpumon.history.columns import Bucket
from gpumon.history.phases import Seen
from gpumon.model.measure import known
from gpumon.model.sample import Sample
from gpumon.model.training import Phase

# (Span, columns): 30 s and 12 min. What the finer one cannot show is long enough for the coarser.
_SPANS = ((3600.0, 120), (86400.0, 120))
# So many epochs make a resolution fine enough; one alone may have had a slow validation.
_ENOUGH = 2
_GAPS = frozenset({Phase.START, Phase.VALIDATE, Phase.CHECKPOINT})

# Seconds in all, of validation and of checkpoint, GPU memory held while training, whether an epoch starts.
_Row: TypeAlias = tuple[float, float, float, float | None, bool]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One whole epoch. `seconds` are all of it; `gpu_memory_bytes` is the most held while training."""

    seconds: float
    validation_seconds: float
    checkpoint_seconds: float
    gpu_memory_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class PhaseShares:
    """How whole epochs divide: shares of their time, and the mean length of one in seconds."""

    epochs: int
    epoch_seconds: float
    validation_ratio: float
    checkpoint_ratio: float

    @property
    def seconds(self) -> float:
        """How long they took together."""
        return self.epochs * self.epoch_seconds


def epochs_of(view: View) -> tuple[Epoch, ...]:
    """Return the whole epochs that were seen, oldest first, in the finest resolution that shows two.

    Those of series are without their memory, which most who ask do not need.
    """
    return view.once(_found).epochs


def epochs_with_memory(view: View) -> tuple[Epoch, ...]:
    """Return the same with the GPU memory that was held."""
    return view.once(_with_memory)


def phase_shares(view: View) -> PhaseShares | None:
    """Return how the whole epochs divide, or None before the first one."""
    return view.once(_shares)


@dataclass(frozen=True, slots=True)
class _Found:
    """Whole epochs, and the (span, columns) of the series that show them; those of samples have none."""

    epochs: tuple[Epoch, ...]
    series: tuple[float, int] | None = None


def _found(view: View) -> _Found:
    found = _Found(view.once(_of_samples))
    for span_seconds, columns in _SPANS:
        if len(found.epochs) >= _ENOUGH:
            break
        rows = _of_series(view, span_seconds, columns)
        coarser = tuple(_whole(rows))
        if len(coarser) > len(found.epochs):
            found = _Found(coarser, (span_seconds, columns))
        if len(rows) < columns:
            break  # the training is younger than the span: a longer one knows no more
    return found


def _with_memory(view: View) -> tuple[Epoch, ...]:
    found = view.once(_found)
    if found.series is None:
        return found.epochs
    return tuple(_whole(_of_series(view, *found.series, has_memory=True)))


def _shares(view: View) -> PhaseShares | None:
    epochs = epochs_of(view)
    seconds = sum(epoch.seconds for epoch in epochs)
    if seconds <= 0:
        return None
    return PhaseShares(
        len(epochs),
        seconds / len(epochs),
        sum(epoch.validation_seconds for epoch in epochs) / seconds,
        sum(epoch.checkpoint_seconds for epoch in epochs) / seconds,
    )


def _whole(rows: Iterable[_Row]) -> Iterator[Epoch]:
    begun = False
    seconds = validation = checkpoint = 0.0
    held: float | None = None
    for row_seconds, row_validation, row_checkpoint, row_held, starts in rows:
        if starts:
            if begun:
                yield Epoch(seconds, validation, checkpoint, held)
            begun = True
            seconds = validation = checkpoint = 0.0
            held = None
        seconds += row_seconds
        validation += row_validation
        checkpoint += row_checkpoint
        if row_held is not None and (held is None or row_held > held):
            held = row_held


def _of_samples(view: View) -> tuple[Epoch, ...]:
    """Return the epochs between two starts that the full samples show."""
    seen, starts = view.seen, _starts(view)
    begins = {id(seen[end][0]): (begin, end) for begin, end in pairwise(starts)}

    def look(sample: Sample) -> Epoch:
        begin, end = begins[id(sample)]
        return _epoch(seen[begin:end])

    # The start that ends an epoch follows from the past up to it, and so does the epoch.
    ends = (seen[end][0] for end in starts[1:])
    return tuple(view.window.moments.answers(("epoch", view.reading.training.id), ends, look))


def _starts(view: View) -> list[int]:
    """Return the places of the samples with which an epoch starts."""
    starts: list[int] = []
    before = Phase.UNKNOWN
    for index, (_, reading) in enumerate(view.seen):
        phase = reading.phase
        if phase is not before and phase is not Phase.UNKNOWN:
            if phase is Phase.TRAIN and before in _GAPS:
                starts.append(index)
            before = phase
    return starts


def _epoch(part: Sequence[Seen]) -> Epoch:
    """Return the epoch of these samples."""
    seconds = validation = checkpoint = 0.0
    held: float | None = None
    for sample, reading in part:
        phase, lasted = reading.phase, sample.interval_seconds
        if phase is Phase.TRAIN:
            used = known(reading.gpu_memory_used_bytes)
            if used is not None and (held is None or used > held):
                held = used
        elif phase is Phase.VALIDATE:
            validation += lasted
        elif phase is Phase.CHECKPOINT:
            checkpoint += lasted
        else:
            continue
        seconds += lasted
    return Epoch(seconds, validation, checkpoint, held)


def _of_series(view: View, span_seconds: float, columns: int, *, has_memory: bool = False) -> list[_Row]:
    """Return the columns of which something is known, oldest first."""
    width, label = span_seconds / columns, str(view.pid)

    def series(metric: str) -> tuple[Bucket | None, ...]:
        return view.window.series(metric, label, columns=columns, span_seconds=span_seconds)

    memory = series("training_gpu_memory_used_bytes") if has_memory else (None,) * columns
    rows: list[_Row] = []
    had_gap = False
    for validating, writing, held in zip(
        series("validation_ratio"), series("checkpoint_ratio"), memory, strict=True
    ):
        if validating is None or writing is None:
            continue
        if validating.high <= 0.0 and writing.high <= 0.0:
            rows.append((width, 0.0, 0.0, None if held is None else held.high, had_gap))
            had_gap = False
        else:
            rows.append((width, width * validating.mean, width * writing.mean, None, False))
            had_gap = True
    return rows
