"""A recording in memory: samples, what was told of them live, and marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpumon.history.extremes import Extremes
from gpumon.model.report import Report
from gpumon.model.sample import Sample
from gpumon.recording.mark import Mark, MarkKind


@dataclass
class Recorded:
    """Samples, oldest first. `told` are the reports of some of them; `full_from` None: all are there.

    `prior` is what earlier runs taught.
    """

    kept: Sequence[Sample]
    told: Sequence[Report] = ()
    marked: Sequence[Mark] = ()
    full_from: float | None = None
    between: Sequence[Extremes] = ()
    reads: int = 0
    prior: str = ""

    @property
    def first_seconds(self) -> float:
        """The moment of the first sample."""
        return self.kept[0].instant.monotonic_seconds if self.kept else 0.0

    @property
    def last_seconds(self) -> float:
        """The moment of the last sample."""
        return self.kept[-1].instant.monotonic_seconds if self.kept else 0.0

    @property
    def full_from_seconds(self) -> float:
        """The moment from which every sample is there."""
        return self.first_seconds if self.full_from is None else self.full_from

    def samples(self, start_seconds: float, end_seconds: float) -> Iterator[Sample]:
        """Yield the samples of a stretch, and count how many were read."""
        for sample in self.kept:
            if start_seconds <= sample.instant.monotonic_seconds <= end_seconds:
                self.reads += 1
                yield sample

    def reports(self, start_seconds: float, end_seconds: float) -> Iterator[Report]:
        """Yield what was told of a stretch."""
        for report in self.told:
            if start_seconds <= report.sample.instant.monotonic_seconds <= end_seconds:
                yield report

    def stretches(self, start_seconds: float, end_seconds: float) -> Iterator[Extremes]:
        """Yield what was kept of the thinned part."""
        for part in self.between:
            if part.end_seconds > start_seconds and part.start_seconds < end_seconds:
                yield part

    def marks(self) -> tuple[Mark, ...]:
        """Return the marks."""
        return tuple(self.marked)


def mark_at(sample: Sample, kind: MarkKind, text: str = "something") -> Mark:
    """Return a mark at a sample."""
    now = sample.instant
    return Mark(now.unix_seconds, now.monotonic_seconds, kind, text)
