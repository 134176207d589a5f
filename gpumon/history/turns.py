"""When trainings went from one phase or epoch to the next: what the time axis of a chart is marked with."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from gpumon.model.kinds import Phase
from gpumon.model.measure import known
from gpumon.model.sample import Sample

# A day of epochs of 90 s with a validation and a checkpoint each; about 150 bytes a turn.
MOST_TURNS = 3000


@dataclass(frozen=True, slots=True)
class Turn:
    """What a training does from a moment on, as it was first seen in a sample.

    `seconds` are monotonic; `epoch` counts from 0 (None: not known). A training that ended has the phase END.
    """

    pid: int
    seconds: float
    phase: Phase
    epoch: int | None


class Turns:
    """The turns of all trainings, oldest first. One thread owns it; what `all` returns may go anywhere.

    At most `most_turns` are kept, of all trainings together: the oldest go first.
    """

    __slots__ = ("_all", "_most_turns", "_newest")

    def __init__(self, most_turns: int = MOST_TURNS) -> None:
        """Start with nothing seen."""
        self._most_turns = most_turns
        self._all: tuple[Turn, ...] = ()
        self._newest: dict[int, Turn] = {}

    @property
    def all(self) -> tuple[Turn, ...]:
        """The turns; the same tuple until there is a new one."""
        return self._all

    def read(self, sample: Sample) -> None:
        """Take in a sample. A phase or an epoch that cannot be read leaves what was known before."""
        newest: dict[int, Turn] = {}
        made: list[Turn] = []
        # Turns are in order, also where monotonic time ran backwards.
        seconds = max(sample.instant.monotonic_seconds, self._all[-1].seconds if self._all else -inf)
        for reading in sample.trainings:
            pid = reading.training.id.pid
            before = self._newest.get(pid)
            phase = Phase.END if reading.ended is not None else reading.phase
            epoch = known(reading.progress.epoch)
            if before is not None:
                phase = before.phase if phase is Phase.UNKNOWN else phase
                epoch = before.epoch if epoch is None else epoch
                if before.phase is phase and before.epoch == epoch:
                    newest[pid] = before
                    continue
            turn = newest[pid] = Turn(pid, seconds, phase, epoch)
            made.append(turn)
        # Only trainings that are there: a PID may be used again.
        self._newest = newest
        if made:
            self._all = (*self._all, *made)[-self._most_turns :]


def turn_at(turns: Sequence[Turn], pid: int, seconds: float) -> Turn | None:
    """Return what a training did at a moment, or None before the first that is known of it."""
    last = bisect_right(turns, seconds, key=lambda turn: turn.seconds)
    return next((turn for turn in reversed(turns[:last]) if turn.pid == pid), None)
