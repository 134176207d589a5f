"""What happened to a training, and when: epochs, validations, checkpoints, its end, and findings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf

from gpumon.history.turns import Turn
from gpumon.model.kinds import Phase, Severity


class EventKind(str, Enum):
    """What happened. Of several in one column the one that stands first here is shown."""

    FINDING = "finding"
    FINDING_OVER = "finding over"
    END = "end"
    EPOCH = "epoch"
    CHECKPOINT = "checkpoint"
    VALIDATION = "validation"


_PHASES = {
    Phase.VALIDATE: EventKind.VALIDATION,
    Phase.CHECKPOINT: EventKind.CHECKPOINT,
    Phase.END: EventKind.END,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One of them. `seconds` are monotonic.

    `epoch` is the one that began (from 0), of EPOCH only; `text` and `severity` are the finding's.
    """

    kind: EventKind
    seconds: float
    epoch: int | None = None
    text: str = ""
    severity: Severity = Severity.INFO


def events(turns: Sequence[Turn], pid: int, since_seconds: float = -inf) -> tuple[Event, ...]:
    """Return what the turns of one training tell from a monotonic moment on, oldest first.

    The first turn is when it was first seen, which is nothing that happened to it. Where an epoch began
    between two samples together with its phase, both are told, the epoch first.
    """
    first = bisect_left(turns, since_seconds, key=lambda turn: turn.seconds)
    # The turn before that moment, which the next one is compared with.
    while first > 0:
        first -= 1
        if turns[first].pid == pid:
            break
    found: list[Event] = []
    before: Turn | None = None
    for turn in turns[first:]:
        if turn.pid != pid:
            continue
        if before is not None:
            if before.epoch is not None and turn.epoch is not None and turn.epoch > before.epoch:
                found.append(Event(EventKind.EPOCH, turn.seconds, turn.epoch))
            kind = _PHASES.get(turn.phase)
            if kind is not None and turn.phase is not before.phase:
                found.append(Event(kind, turn.seconds))
        before = turn
    return tuple(found)
