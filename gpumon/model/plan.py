"""The guided plan: the steps of tuning in their order, each ticked with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpumon.model.finding import Evidence


class StepState(str, Enum):
    """Where a step of the plan stands."""

    DONE = "done"
    TO_DO = "to-do"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step: its `name` (batch, workers, learning-rate ...), and in one sentence what was seen.

    LATER: an earlier step comes first. UNKNOWN: what is missing stands in the text. `suggestion` is the
    index of the suggestion of the same report that does the step, None where there is none.
    """

    name: str
    state: StepState
    text: str
    evidence: tuple[Evidence, ...] = ()
    suggestion: int | None = None
