"""One thing that gpumon wants to read, whether it can, and what helps where it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """How a check stands.

    `note`: not there, and nothing that matters hangs on it. `limited`: a part is missing, or a worse source
    stands in. `missing`: nothing of it can be read.
    """

    OK = "ok"
    NOTE = "note"
    LIMITED = "limited"
    MISSING = "missing"


class Tier(str, Enum):
    """Where a check belongs, in the order in which they are shown."""

    MACHINE = "machine"
    GPU = "gpu"
    HOST = "host"
    PROCESS = "process"
    CGROUP = "cgroup"
    THREADS = "threads"
    INTERPRETER = "interpreter"
    REPORTER = "reporter"
    LOADER = "loader"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that helps: a short sentence, and the command for it where there is one.

    Of several remedies of one check any one is enough.
    """

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to read. `id` never changes; `title` names it for a person.

    `subject` tells several of one kind apart ("GPU 0", "process 41234"); `text` is what was read, or why it
    was not.
    """

    id: str
    tier: Tier
    title: str
    state: State
    text: str = ""
    subject: str = ""
    remedies: tuple[Remedy, ...] = ()

    @property
    def is_short(self) -> bool:
        """Whether something that matters is missing."""
        return self.state in (State.LIMITED, State.MISSING)


def by(source: str) -> str:
    """Return `by the log`, but `by py-spy`, for a source as measures name it."""
    return f"by {source}" if source.startswith("py-spy") else f"by the {source}"
