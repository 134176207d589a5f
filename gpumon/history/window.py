"""What a front end and the diagnosis see of the past: immutable, and safe to read in any thread."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gpumon.history.chunk import Chunk, Rows
from gpumon.history.columns import Bucket, Columns, column_of
from gpumon.history.extremes import Numbers
from gpumon.history.moments import Moments
from gpumon.history.turns import Turn
from gpumon.model.sample import Sample

if TYPE_CHECKING:
    from gpumon.model.reading import TrainingReading

__all__ = ["Bucket", "Window"]


@dataclass(frozen=True, slots=True)
class Thinned:
    """Closed stretches of `bucket_seconds` as low, mean and high, oldest first."""

    bucket_seconds: float
    rows: tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The past up to one sample.

    `samples` are the newest full samples, oldest first (at least one); `series` reaches back a day.
    Columns lie on monotonic time, so a stepped clock moves nothing; Unix times stand in the samples.
    `moments` keeps what was found out about single samples, for all windows of one history; `turns` are when
    trainings went from one phase or epoch to the next, oldest first, as far as they are kept.
    """

    samples: tuple[Sample, ...]
    _full: tuple[Rows, ...]
    _thinned: dict[str, Thinned]
    _full_seconds: float
    _columns: Columns = field(compare=False, repr=False)
    moments: Moments = field(default_factory=Moments, compare=False, repr=False)
    turns: tuple[Turn, ...] = ()

    @property
    def newest(self) -> Sample:
        """The newest sample."""
        return self.samples[-1]

    @property
    def oldest_seconds(self) -> float:
        """The monotonic time from which on there are numbers, single ones or stretches of them."""
        full = (part.chunk.starts[0] for part in self._full if part.count)
        oldest = min(full, default=self.samples[0].instant.monotonic_seconds)
        tier = min(self._thinned.values(), key=lambda one: one.bucket_seconds, default=None)
        stretches = () if tier is None else tier.rows
        # The first stretch may begin before its first number.
        ends = (part.chunk.ends[0] for part in stretches if part.count)
        return min((oldest, *ends))

    def series(
        self,
        metric: str,
        label: str,
        *,
        columns: int,
        span_seconds: float,
        until_seconds: float | None = None,
    ) -> tuple[Bucket | None, ...]:
        """Return the last `span_seconds` of a metric in `columns` columns, oldest first.

        With `until_seconds` those that end in the column of that monotonic moment instead of the newest.

        A column covers an absolute stretch of monotonic time, a multiple of span_seconds / columns, so
        it never changes once the newest column has moved on. None where nothing is known. Low and high
        are kept, so that a spike survives any zoom. What begins more than an hour ago is drawn from
        stretches of 10 s (cores: 120 s).
        """
        if columns < 1 or span_seconds <= 0:
            return ()
        width = span_seconds / columns
        rows = self._full
        tier = self._thinned.get(metric)
        past_seconds = 0.0
        if until_seconds is not None:
            past_seconds = max(0.0, self.newest.instant.monotonic_seconds - until_seconds)
        is_thinned = tier is not None and past_seconds + span_seconds > self._full_seconds
        if tier is not None and is_thinned:
            rows = (*tier.rows, self._open_stretch(metric, label, tier))
        newest = max((part.chunk.ends[part.count - 1] for part in rows if part.count), default=None)
        if newest is None:
            return (None,) * columns
        last = column_of(newest, width)
        if until_seconds is not None:
            last = min(last, column_of(until_seconds, width))
        return self._columns.read(
            rows,
            metric,
            label,
            width=width,
            first=last - columns + 1,
            last=last,
            is_thinned=is_thinned,
        )

    def numbers(self, start_seconds: float, end_seconds: float, width_seconds: float) -> Iterator[Numbers]:
        """Yield all numbers between two moments of the newest hour, both left out, oldest first.

        They come by absolute stretches of `width_seconds`, so that whoever takes them may pause between two.
        """
        for part in self._full:
            chunk = part.chunk
            first = part.after(start_seconds)
            last = bisect_left(chunk.ends, end_seconds, 0, part.count)
            while first < last and chunk.stride == 1:
                column = column_of(chunk.ends[first], width_seconds)
                over = min(last, part.after((column + 1) * width_seconds, first))
                # Copies of the keys: the owner of the newest chunk may add a column meanwhile.
                values = {
                    (metric, label): part.numbers(metric, label, first, over, 1)
                    for metric in tuple(chunk.columns)
                    for label in chunk.labels(metric)
                }
                yield Numbers(chunk.ends[over - 1], values)
                first = over

    def labels(self, metric: str) -> tuple[str, ...]:
        """Return the labels a metric had within the span kept; those of the newest hour come first."""
        tier = self._thinned.get(metric)
        parts = (*reversed(self._full), *reversed(tier.rows if tier else ()))
        return tuple(dict.fromkeys(label for part in parts for label in part.chunk.labels(metric)))

    def until(self, place: int, count: int) -> Window:
        """Return the past as it was at the sample at `place`, with at most `count` samples.

        The same moment gives the same window, whichever later window is asked, as long as that one has
        `count` samples up to it. Series reach back to the beginning of what this window has.
        """
        newest = self.samples[place]
        moment = newest.instant.monotonic_seconds
        rows, turns = self._full, self.turns
        if place < len(self.samples) - 1:
            rows = tuple(Rows(part.chunk, there) for part in rows if (there := part.after(moment)))
            turns = turns[: bisect_right(turns, moment, key=lambda turn: turn.seconds)]
        samples = self.samples[max(0, place + 1 - count) : place + 1]
        return replace(self, samples=samples, _full=rows, turns=turns)

    def of_training(self, pid: int) -> tuple[tuple[Sample, TrainingReading], ...]:
        """Return the samples in which the training with that main PID was seen, oldest first.

        Where the PID was used again, only those of the process that has it now.
        """
        found: list[tuple[Sample, TrainingReading]] = []
        newest: TrainingReading | None = None
        for sample in reversed(self.samples):
            # Written out: it is looked at in every sample, whenever there is a new one.
            for reading in sample.trainings:
                if reading.training.id.pid == pid:
                    break
            else:
                continue
            # As a rule it is the very same training, which is quicker to see than that it is an equal one.
            if (
                newest is not None
                and reading.training is not newest.training
                and reading.training.id != newest.training.id
            ):
                break
            newest = reading
            found.append((sample, reading))
        return tuple(reversed(found))

    def _open_stretch(self, metric: str, label: str, tier: Thinned) -> Rows:
        # The stretch that is not closed yet, as one row, from the full-rate rows after the last closed
        # one. It ends where the stretch will end, so that its column is the same before and after.
        newest = self._full[-1]
        end_seconds = newest.chunk.ends[newest.count - 1]
        index = column_of(end_seconds, tier.bucket_seconds)
        start = index * tier.bucket_seconds
        chunk = Chunk(0, stride=3)
        chunk.add_row(start, start + tier.bucket_seconds)
        cell = newest.extremes(metric, label, newest.after(start), newest.count)
        if cell is not None:
            chunk.put(metric, label, *cell)
        return Rows(chunk, 1)
