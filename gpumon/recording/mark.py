"""A moment of a recording that is worth jumping to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class MarkKind(str, Enum):
    """What happened at a mark."""

    FINDING = "finding"
    FINDING_OVER = "finding-over"
    PHASE = "phase"
    EPOCH = "epoch"
    ATTACHED = "attached"
    ENDED = "ended"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Mark:
    """One such moment on both clocks, in seconds. `id` is the finding's, or the training's main PID."""

    unix_seconds: float
    monotonic_seconds: float
    kind: MarkKind
    text: str
    id: str = ""
