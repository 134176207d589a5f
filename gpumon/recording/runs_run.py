"""A run: one training as it was seen over one or several attachments, in numbers that stay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from gpumon.advice.prior import SeenPrediction, Value
from gpumon.history.block import Block
from gpumon.history.estimate import Estimate
from gpumon.model.measure import Maybe
from gpumon.model.proof import Proof
from gpumon.model.training import Ended, Ending

# Words of gpumon's own sentences about an ending (frameworks/ending.py and the log's troubles).
_OUT_OF_MEMORY = re.compile(r"ran out of memory|for lack of memory")


class RunsError(Exception):
    """The database of runs cannot be read or written, in one sentence."""


class BrokenRunError(RunsError):
    """One run in the database cannot be understood, in one sentence; the others can be read."""


class RunEnd(str, Enum):
    """How a run ended. `OPEN`: it had not ended when gpumon last looked."""

    OPEN = "open"
    FINISHED = "finished"
    CRASHED = "crashed"
    KILLED = "killed"
    OUT_OF_MEMORY = "out-of-memory"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RunProcess:
    """The main process of a run, for good: PIDs and start times are used again after a boot."""

    boot: str
    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class RunSetting:
    """A setting of a run and how it was known. `value` None means the framework's "not set"."""

    name: str
    value: Value
    source: str


@dataclass(frozen=True, slots=True)
class RunAbout:
    """What was trained, with what, and where. All text is cleaned; None is what was not known.

    `gpus` are the names of the GPUs it used and `gpu_memory_total_bytes` is the sum of their memory;
    `usable_cores` are those of its affinity or quota. `rate_source` and `wait_source` say how the speed
    and the wait were measured.
    """

    framework: str
    name: str
    hostname: str
    simulated: bool
    world_size: int
    command: tuple[str, ...]
    settings: tuple[RunSetting, ...]
    environment: tuple[tuple[str, str], ...] = ()
    framework_version: str | None = None
    directory: str | None = None
    run_dir: str | None = None
    gpus: tuple[str, ...] = ()
    gpu_memory_total_bytes: int | None = None
    driver_version: str | None = None
    usable_cores: float | None = None
    epochs: int | None = None
    rate_source: str | None = None
    wait_source: str | None = None

    def setting(self, name: str) -> RunSetting | None:
        """Return the setting of that name, or None where it was not known."""
        return next((setting for setting in self.settings if setting.name == name), None)


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stood when it was last seen. Epochs count from 0."""

    seen_unix_seconds: float
    epoch: int | None = None
    end: RunEnd = RunEnd.OPEN
    end_text: str = ""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that a run held on its GPUs.

    `likely_high_bytes`: 95 % of further stretches as long as the seen one stay below it; missing where it
    cannot be said.
    """

    seen_bytes: int
    likely_high_bytes: Maybe[float]


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """What the blocks of a run say: images per second, the share that waits for data, the peak of memory."""

    speed: Maybe[Estimate]
    wait: Maybe[Estimate]
    peak: Maybe[Peak]


@dataclass(frozen=True, slots=True)
class Run:
    """One training as gpumon saw it. `id` is its number in the database.

    `blocks` lie `block_seconds` apart, oldest first; long runs have longer ones. `predictions` were shown
    while it was watched, the newest first; `proof` is what its own settings brought against an earlier run.
    `numbers` are what the blocks said, where they were summed up into one (`runs_statistics.summed`).
    """

    id: int
    process: RunProcess
    about: RunAbout
    first_seen_unix_seconds: float
    last_seen_unix_seconds: float
    first_epoch: int | None
    last_epoch: int | None
    end: RunEnd
    end_text: str
    block_seconds: float
    blocks: tuple[Block, ...]
    predictions: tuple[SeenPrediction, ...] = ()
    proof: Proof | None = None
    numbers: RunNumbers | None = None

    @property
    def seen_seconds(self) -> float:
        """How long it was followed, over all attachments."""
        return sum(block.seen_seconds for block in self.blocks)

    @property
    def steady_seconds(self) -> float:
        """How long it was followed while it trained."""
        return sum(block.steady_seconds for block in self.blocks)

    @property
    def has_validation(self) -> bool:
        """Whether a validation was seen: the first one often needs more memory than training."""
        return any(block.has_validation for block in self.blocks)


def end_of(ended: Ended) -> RunEnd:
    """Return how a training ended, with running out of memory told apart where that is known."""
    if ended.how in (Ending.CRASHED, Ending.KILLED) and _OUT_OF_MEMORY.search(ended.text):
        return RunEnd.OUT_OF_MEMORY
    return RunEnd(ended.how.value)
