"""Phases of a training over time, and which of its samples show steady training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpumon.model.measure import known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Phase

Seen = tuple[Sample, TrainingReading]

# Batches that PyTorch keeps ready per worker (its prefetch_factor; YOLOv5 leaves it alone).
PREFETCH = 2
# How long a burst is taken to last where neither batches nor their rate are known.
_BLIND_BURST_SECONDS = 2.0
_GAPS = frozenset({Phase.START, Phase.VALIDATE, Phase.CHECKPOINT})


@dataclass(frozen=True, slots=True)
class Span:
    """Samples first..last-1 of one phase without a break."""

    phase: Phase
    first: int
    last: int


def spans(seen: Sequence[Seen]) -> tuple[Span, ...]:
    """Return the phases of consecutive samples, oldest first."""
    found: list[Span] = []
    first = 0
    for index in range(1, len(seen) + 1):
        if index == len(seen) or seen[index][1].phase is not seen[first][1].phase:
            found.append(Span(seen[first][1].phase, first, index))
            first = index
    return tuple(found)


def steady(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Return the samples of training proper, without the burst after each gap.

    During a validation or a checkpoint the workers go on until 2 batches each are ready, so the first
    2·W steps afterwards never wait: they say what the GPU could take, not whether it is fed. Steps are
    counted from the progress, else from the batch rate, else the first 2 s are taken for the burst.
    """
    found: list[Seen] = []
    after_gap = False
    for span in spans(seen):
        if span.phase is Phase.TRAIN:
            part = seen[span.first : span.last]
            found += part[_burst_length(part) :] if after_gap else part
        after_gap = span.phase in _GAPS
    return tuple(found)


def newest_steady(seen: Sequence[Seen], seconds: float) -> tuple[Seen, ...]:
    """Return the newest of `steady(seen)` that cover so many seconds, oldest first.

    All of them where they cover less; the one that reaches beyond is among them.
    """
    parts: list[Sequence[Seen]] = []
    covered = 0.0
    last = len(seen)
    while last > 0 and covered < seconds:
        first = _first_of_span(seen, last)
        if seen[first][1].phase is Phase.TRAIN:
            part = seen[first:last]
            after_gap = first > 0 and seen[first - 1][1].phase in _GAPS
            burst, begin = (_burst_length(part) if after_gap else 0), len(part)
            while begin > burst and covered < seconds:
                begin -= 1
                covered += part[begin][0].interval_seconds
            parts.append(part[begin:])
        last = first
    return tuple(pair for part in reversed(parts) for pair in part)


def newest(seen: Sequence[Seen], seconds: float) -> tuple[Seen, ...]:
    """Return the newest samples that cover so many seconds, or all of them."""
    covered = 0.0
    first = len(seen)
    while first > 0 and covered < seconds:
        first -= 1
        covered += seen[first][0].interval_seconds
    return tuple(seen[first:])


def training(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Return the samples of training, bursts included."""
    return tuple(pair for pair in seen if pair[1].phase is Phase.TRAIN)


def _first_of_span(seen: Sequence[Seen], last: int) -> int:
    """Return where the phase of the sample before `last` began."""
    phase, first = seen[last - 1][1].phase, last - 1
    while first > 0 and seen[first - 1][1].phase is phase:
        first -= 1
    return first


def _burst_length(part: Sequence[Seen]) -> int:
    workers = known(part[0][1].loader.workers)
    if workers is None:
        workers = 1
    burst_steps = PREFETCH * workers
    if burst_steps == 0:
        return 0
    blind_rate = burst_steps / _BLIND_BURST_SECONDS
    progress = part[0][1].progress
    first_batch, epoch = known(progress.batch), known(progress.epoch)
    steps = 0.0
    for index, (sample, reading) in enumerate(part):
        batch = known(reading.progress.batch)
        if first_batch is not None and batch is not None and known(reading.progress.epoch) == epoch:
            steps = batch - first_batch
        else:
            rate = number(reading.loader.batches_per_second)
            steps += (blind_rate if rate is None else rate) * sample.interval_seconds
        if steps >= burst_steps:
            # The sample in which the last of them ran still holds them.
            return index + 1
    return len(part)
