"""Where a replay stands: what the bar of the dashboard shows."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.clock import Instant
from gpumon.recording.mark import Mark, MarkKind

# What one jumps to when one looks for what went wrong.
FINDINGS = frozenset({MarkKind.FINDING, MarkKind.ENDED})
# Samples are taken once a second as a rule: beyond 10 a screen shows only some of them.
SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True, slots=True)
class ReplayState:
    """A position between the first and the last sample, and how it moves.

    All seconds but those of `now` are monotonic. Before `full_from_seconds` the recording is thinned, and
    the findings are those told live; from there on they are judged anew.
    `speed` is recorded seconds per second. `is_seeking` says that the position is being looked up,
    `trouble` why the recording could not be read where one wanted to go.
    """

    now: Instant
    first_seconds: float
    last_seconds: float
    full_from_seconds: float
    playing: bool
    speed: float
    marks: tuple[Mark, ...] = ()
    is_seeking: bool = False
    trouble: str = ""

    @property
    def elapsed_seconds(self) -> float:
        """How far the position is from the first sample."""
        return self.now.monotonic_seconds - self.first_seconds

    @property
    def length_seconds(self) -> float:
        """How long the recording is."""
        return self.last_seconds - self.first_seconds

    @property
    def is_at_end(self) -> bool:
        """Whether the last sample is shown."""
        return self.now.monotonic_seconds >= self.last_seconds

    @property
    def is_thinned(self) -> bool:
        """Whether only some of the samples here are left."""
        return self.now.monotonic_seconds < self.full_from_seconds

    @property
    def newest_mark(self) -> Mark | None:
        """The newest mark at or before the position."""
        passed = [mark for mark in self.marks if mark.monotonic_seconds <= self.now.monotonic_seconds]
        return passed[-1] if passed else None
