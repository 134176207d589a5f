"""What the front ends show: the newest sample, what is attached, what was found and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gpumon.model.sample import Sample

if TYPE_CHECKING:
    from gpumon.model.finding import Finding
    from gpumon.model.plan import PlanStep
    from gpumon.model.proof import Proof
    from gpumon.model.suggestion import MemoryOutlook, Suggestion
    from gpumon.model.training import Training


class AttachState(str, Enum):
    """Where the search for a training stands."""

    SEARCHING = "searching"
    CHOOSING = "choosing"
    ATTACHED = "attached"
    ENDED = "ended"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Attachment:
    """What gpumon is attached to, with one sentence for the screen.

    `candidates` are the trainings to choose from while CHOOSING, and the others while ATTACHED.
    """

    state: AttachState
    text: str
    training: Training | None = None
    candidates: tuple[Training, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """Findings (the verdict first), suggestions and memory of one training.

    `settled` is False while the window is still too short for a verdict; `doubt` then says in one sentence
    what it waits for, and which two are the likeliest. `plan` is the guided list; `proof` what changed
    settings brought, where the training is known from an earlier run.
    """

    pid: int
    findings: tuple[Finding, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    memory: MemoryOutlook | None = None
    settled: bool = False
    doubt: str = ""
    plan: tuple[PlanStep, ...] = ()
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a front end needs for one frame, apart from the history of the charts."""

    sample: Sample
    attachment: Attachment
    trainings: tuple[TrainingReport, ...] = ()

    def of(self, pid: int) -> TrainingReport | None:
        """Return the report of the training with that main PID."""
        for report in self.trainings:
            if report.pid == pid:
                return report
        return None
