"""Batches per second from the loader's own counter, read in the training's memory: exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpumon.model.clock import Instant
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.training import Phase
from gpumon.sources.interpreter_reading import InterpreterReading, IteratorReading

_WINDOW_SECONDS = 30.0
_LATE_SECONDS = 3.0
# A second without a reading is nothing; after this the last rate is no present one any more.
_UNREAD_SECONDS = 5.0
_UNREAD = Missing("its loader cannot be read just now")
_NO_RATE = Missing("fewer than two batches were seen to be delivered")


@dataclass(frozen=True, slots=True)
class DeliveredMark:
    """A moment at which the loader had delivered `batches`; marks of one `stretch` may be subtracted."""

    seconds: float
    batches: int
    stretch: int


@dataclass(frozen=True, slots=True)
class DeliveredCounter:
    """Batches that the training's loader delivered while it trained.

    `gained` is what it delivered since the last reading, None where that is not known: the iterator was
    another one. `source` says how it is read.
    """

    marks: tuple[DeliveredMark, ...] = ()
    iterator: IteratorReading | None = None
    stretch: int = 0
    gained: int | None = None
    source: str = ""


def advance_delivered(
    counter: DeliveredCounter, looks: Maybe[InterpreterReading], phase: Phase, now: Instant
) -> DeliveredCounter:
    """Return `counter` with what was delivered since the last reading; outside of training it starts afresh.

    A loader that makes a new iterator for each epoch begins a new stretch: what the old one delivered
    last is not known.
    """
    iterator = None if isinstance(looks, Missing) else looks.train
    if isinstance(looks, Missing) or iterator is None:
        return replace(counter, iterator=None, gained=None)
    before = counter.iterator
    is_same = (
        before is not None
        and before.address == iterator.address
        and before.delivered <= iterator.delivered
        and all(count >= before.delivered for _, count in iterator.marks)
    )
    stretch = counter.stretch if is_same else counter.stretch + 1
    gained = iterator.delivered - before.delivered if before is not None and is_same else None
    marks: tuple[DeliveredMark, ...] = ()
    if phase is Phase.TRAIN:
        begin = now.monotonic_seconds - _WINDOW_SECONDS
        kept = tuple(mark for mark in counter.marks if mark.seconds >= begin)
        new = []
        newest = before.delivered if before is not None and is_same else -1
        for seconds, count in iterator.marks:
            if count < newest:
                stretch += 1
            newest = count
            new.append(DeliveredMark(seconds, count, stretch))
        marks = (*kept, *new)
    return DeliveredCounter(marks, iterator, stretch, gained, looks.source)


def delivered_rate(counter: DeliveredCounter, now: Instant) -> Maybe[Measure]:
    """Return batches per second over the last 30 s of training, from one delivery to another.

    Where the loader cannot be read any more, nothing is known of how it goes on: the rate ends soon.
    """
    batches, seconds = 0, 0.0
    for before, after in zip(counter.marks, counter.marks[1:], strict=False):
        if before.stretch == after.stretch:
            batches += after.batches - before.batches
            seconds += after.seconds - before.seconds
    if batches <= 0 or seconds <= 0:
        return _NO_RATE
    # No news for longer than two batches take: it slows down or stands still.
    late = now.monotonic_seconds - counter.marks[-1].seconds
    if counter.iterator is None:
        return (
            _UNREAD if late > _UNREAD_SECONDS else Measure(batches / seconds, Certainty.EXACT, counter.source)
        )
    if late > max(2 * seconds / batches, _LATE_SECONDS):
        seconds += late
    return Measure(batches / seconds, Certainty.EXACT, counter.source)
