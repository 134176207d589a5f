"""A run: one training as it was seen over one or several attachments, in numbers that stay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from gpumon.model.training import Ended, Ending

Value: TypeAlias = int | float | str | bool | None

# Words of gpumon's own sentences about an ending (frameworks/ending.py and the log's troubles).
_OUT_OF_MEMORY = re.compile(r"ran out of memory|for lack of memory")


class RunsError(Exception):
    """The database of runs cannot be read or written, in one sentence."""


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
class Block:
    """What one stretch of time of a run showed; `number` counts such stretches of monotonic time.

    `seen_seconds` were followed, `steady_seconds` of them were training without the burst after a gap.
    `images` were trained in the `rate_seconds` of these whose rate is known, and `waited_seconds` of the
    `wait_seconds` whose wait is known were waits for data; low and high are what the sources leave open,
    the same in every reading. `looks` is how many looks the wait rests on. `memory_peak_bytes` is the
    most that the training held on its GPUs, in any phase. `has_validation`: a validation was seen, or an
    epoch ended, whose validation was too short to be seen; what it held stays in PyTorch's cache.
    """

    number: int
    seen_seconds: float = 0.0
    steady_seconds: float = 0.0
    rate_seconds: float = 0.0
    images: float = 0.0
    images_low: float = 0.0
    images_high: float = 0.0
    wait_seconds: float = 0.0
    waited_seconds: float = 0.0
    waited_low_seconds: float = 0.0
    waited_high_seconds: float = 0.0
    looks: float = 0.0
    memory_peak_bytes: int | None = None
    has_validation: bool = False

    def joined(self, other: Block, number: int) -> Block:
        """Return both as one block of that number."""
        peaks = [peak for peak in (self.memory_peak_bytes, other.memory_peak_bytes) if peak is not None]
        return Block(
            number,
            self.seen_seconds + other.seen_seconds,
            self.steady_seconds + other.steady_seconds,
            self.rate_seconds + other.rate_seconds,
            self.images + other.images,
            self.images_low + other.images_low,
            self.images_high + other.images_high,
            self.wait_seconds + other.wait_seconds,
            self.waited_seconds + other.waited_seconds,
            self.waited_low_seconds + other.waited_low_seconds,
            self.waited_high_seconds + other.waited_high_seconds,
            self.looks + other.looks,
            max(peaks, default=None),
            self.has_validation or other.has_validation,
        )


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stood when it was last seen. Epochs count from 0."""

    seen_unix_seconds: float
    epoch: int | None = None
    end: RunEnd = RunEnd.OPEN
    end_text: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One training as gpumon saw it. `id` is its number in the database.

    `blocks` lie `block_seconds` apart, oldest first; long runs have longer ones.
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
