"""The past as its owner keeps it: full samples for minutes, numbers for an hour, stretches for a day."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gpumon.history.chunk import Chunk, Rows
from gpumon.history.columns import Columns, column_of
from gpumon.history.extremes import Extremes
from gpumon.history.moments import Moments
from gpumon.history.turns import Turns
from gpumon.history.window import Thinned, Window
from gpumon.model.metrics import METRICS
from gpumon.model.sample import Sample

RECENT_SAMPLES = 180
FULL_SECONDS = 3600.0
THINNED_SECONDS = 24 * 3600.0
# A chunk is dropped whole, so its length is how much longer than promised data may stay. Multiples of
# the stretches below, so that a stretch never lies in two chunks.
_FULL_CHUNK_SECONDS = 600.0
_THINNED_CHUNK_SECONDS = 3600.0
_STRETCH_SECONDS = 10.0
# 128 cores at 10 s would be 27 MB a day; 120 s is still finer than a column of a chart of seven hours.
_CORE_STRETCH_SECONDS = 120.0
# A sample stands for the time since the one before, but not for a gap longer than this many intervals.
_LONGEST_COVER_INTERVALS = 2.5
# Constants and counters that no chart shows; the recent samples have them.
_NOT_KEPT = frozenset(
    {
        "gpu_memory_total_bytes",
        "gpu_memory_reserved_bytes",
        "gpu_energy_joules",
        "gpu_memory_clock_hertz",
        "cpu_steal_ratio",
        "memory_total_bytes",
        "memory_available_bytes",
    }
)


class _Tier:
    """Closed stretches of one length, of some metrics."""

    __slots__ = ("chunks", "metrics", "seconds")

    def __init__(self, seconds: float, metrics: tuple[str, ...]) -> None:
        self.seconds = seconds
        self.metrics = metrics
        self.chunks: tuple[Chunk, ...] = ()

    def close(self, stretch: int, full: Chunk) -> None:
        """Write a stretch that is over as one row, from the full-rate rows it holds."""
        start, end = stretch * self.seconds, (stretch + 1) * self.seconds
        rows = Rows(full, len(full.ends))
        first, last = rows.after(start), rows.after(end)
        if first == last:
            return
        number = column_of(end, _THINNED_CHUNK_SECONDS)
        if not self.chunks or self.chunks[-1].number != number:
            oldest = number - THINNED_SECONDS / _THINNED_CHUNK_SECONDS
            kept = tuple(chunk for chunk in self.chunks if chunk.number >= oldest)
            self.chunks = (*kept, Chunk(number, stride=3))
        chunk = self.chunks[-1]
        chunk.add_row(start, end)
        for metric in self.metrics:
            for label in full.labels(metric):
                cell = rows.extremes(metric, label, first, last)
                if cell is not None:
                    chunk.put(metric, label, *cell)


class History:
    """Everything kept of the past. One thread owns it; the windows it hands out may go anywhere.

    Kept: the last 180 full samples; every number for an hour; low, mean and high of stretches of 10 s
    (cores: 120 s) for a day. Memory is bounded by the number of GPUs, cores and trainings.
    """

    def __init__(self, recent_samples: int = RECENT_SAMPLES) -> None:
        """Start empty."""
        self._samples: deque[Sample] = deque(maxlen=recent_samples)
        self._full: tuple[Chunk, ...] = ()
        self._kept = tuple(metric for metric in METRICS if metric.name not in _NOT_KEPT)
        self._kept_names = frozenset(metric.name for metric in self._kept)
        cores = tuple(metric.name for metric in self._kept if metric.scope == "core")
        others = tuple(metric.name for metric in self._kept if metric.scope != "core")
        self._tiers = (_Tier(_STRETCH_SECONDS, others), _Tier(_CORE_STRETCH_SECONDS, cores))
        self._columns = Columns()
        self._moments = Moments()
        self._turns = Turns()

    def append(self, sample: Sample) -> None:
        """Add the next sample. Monotonic time that runs backwards is held at the last moment."""
        end = sample.instant.monotonic_seconds
        start = end - sample.interval_seconds
        if self._full:
            last = self._full[-1].ends[-1]
            end = max(end, last)
            start = max(last, end - sample.interval_seconds * _LONGEST_COVER_INTERVALS)
        chunk = self._row(start, end, stride=1)
        for metric in self._kept:
            chunk.put_numbers(metric.name, metric.read(sample))
        self._keep(sample)

    def append_thinned(self, past: Iterable[Extremes], sample: Sample | None = None) -> None:
        """Add stretches that follow each other and what there is already; they stand for the numbers.

        `sample` is the one that they reach up to, where it is left: it is kept, its numbers are in them.
        """
        for part in past:
            chunk = self._row(part.start_seconds, part.end_seconds, stride=3)
            for (metric, label), cell in part.cells.items():
                if metric in self._kept_names:
                    chunk.put(metric, label, *cell)
        if sample is not None:
            self._keep(sample)

    def window(self) -> Window:
        """Return the past up to the newest sample. Raises LookupError before the first one."""
        if not self._samples:
            message = "there is no sample yet"
            raise LookupError(message)
        thinned = {}
        for tier in self._tiers:
            rows = Thinned(tier.seconds, tuple(Rows(chunk, len(chunk.ends)) for chunk in tier.chunks))
            thinned.update(dict.fromkeys(tier.metrics, rows))
        return Window(
            samples=tuple(self._samples),
            _full=tuple(Rows(chunk, len(chunk.ends)) for chunk in self._full),
            _thinned=thinned,
            _full_seconds=FULL_SECONDS,
            _columns=self._columns,
            moments=self._moments,
            turns=self._turns.all,
        )

    def _keep(self, sample: Sample) -> None:
        if len(self._samples) == self._samples.maxlen:
            self._moments.forget(self._samples[0])
        self._samples.append(sample)
        self._turns.read(sample)

    def _row(self, start: float, end: float, stride: int) -> Chunk:
        """Begin a row; return the chunk whose newest row it is."""
        number = column_of(end, _FULL_CHUNK_SECONDS)
        chunk = self._full[-1] if self._full else None
        if chunk is not None:
            last = chunk.ends[-1]
            for tier in self._tiers:
                stretch = column_of(last, tier.seconds)
                if column_of(end, tier.seconds) != stretch or chunk.stride != stride:
                    tier.close(stretch, chunk)
        if chunk is None or chunk.number != number or chunk.stride != stride:
            oldest = number - FULL_SECONDS / _FULL_CHUNK_SECONDS
            chunk = Chunk(number, stride)
            self._full = (*(kept for kept in self._full if kept.number >= oldest), chunk)
        chunk.add_row(start, end)
        return chunk


def window_of(samples: Iterable[Sample], recent_samples: int = RECENT_SAMPLES) -> Window:
    """Return the window that a history has after `samples` (at least one), oldest first."""
    history = History(recent_samples)
    for sample in samples:
        history.append(sample)
    return history.window()
