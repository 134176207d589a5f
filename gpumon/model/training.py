"""A training: who it is, what it was started with, what it really uses, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gpumon.model.kinds import Phase as Phase  # noqa: PLC0414 - a name of this module too
from gpumon.model.measure import Maybe, Missing

if TYPE_CHECKING:
    from gpumon.model.process import ProcessId, Role

_UNREAD = Missing("not read")


class Ending(str, Enum):
    """How a training ended, as far as can be known from outside."""

    FINISHED = "finished"
    CRASHED = "crashed"
    KILLED = "killed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a training: how, and a sentence that says from what this is known."""

    how: Ending
    text: str
    unix_seconds: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a training and how it is known.

    `source` is a few words: "argv", "default of YOLOv5 v7.0", "opt.yaml", "2 worker processes seen".
    `value` None means the framework's "not set" (as `--cache` that was not given).
    """

    value: int | float | str | bool | None
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training really uses; `asked_*` is what it was told where that differs.

    `batch_size` is the total over all ranks as YOLOv5 counts it; `workers` is per rank. `workers` is the
    effective number (YOLOv5 caps it by cores per GPU and batch), `workers_asked` the one asked for.
    """

    batch_size: Maybe[Setting] = _UNREAD
    workers: Maybe[Setting] = _UNREAD
    workers_asked: Maybe[Setting] = _UNREAD
    imgsz: Maybe[Setting] = _UNREAD
    epochs: Maybe[Setting] = _UNREAD
    cache: Maybe[Setting] = _UNREAD
    device: Maybe[Setting] = _UNREAD
    optimizer: Maybe[Setting] = _UNREAD
    weights: Maybe[Setting] = _UNREAD
    cfg: Maybe[Setting] = _UNREAD
    data: Maybe[Setting] = _UNREAD
    resume: Maybe[Setting] = _UNREAD
    multi_scale: Maybe[Setting] = _UNREAD
    image_weights: Maybe[Setting] = _UNREAD
    lr0: Maybe[Setting] = _UNREAD
    pin_memory: Maybe[Setting] = _UNREAD
    amp: Maybe[Setting] = _UNREAD


@dataclass(frozen=True, slots=True)
class Member:
    """A process of a training and its role. `rank` is its DDP rank, or its parent's for a worker."""

    id: ProcessId
    parent_pid: int
    role: Role
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """A training as recognised from outside.

    `id` is its main process (rank 0 under DDP). `framework` is "yolov5", "ultralytics" or "torch".
    `command` is the argv that started it (the launcher's where there is one), cleaned;
    `command_is_exact` tells whether it may be copied. `command_directory` is where to run it.
    `notes` are sentences about what could not be seen and traps that were resolved.
    `world_size` is the number of ranks. `log_path` is set where its stderr is a regular file. `visible_gpus`
    is the number of GPUs that each rank sees, whichever of them are watched; None where that is not known.
    """

    id: ProcessId
    framework: str
    name: str
    command: tuple[str, ...]
    command_is_exact: bool
    command_directory: Maybe[str]
    user_id: int
    settings: Settings
    members: tuple[Member, ...]
    run_dir: Maybe[str] = _UNREAD
    log_path: Maybe[str] = _UNREAD
    framework_version: Maybe[str] = _UNREAD
    world_size: int = 1
    simulated: bool = False
    timeline_path: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    visible_gpus: int | None = None

    def pids(self, *roles: Role) -> tuple[int, ...]:
        """Return the PIDs of the members with one of `roles` (of all members without roles)."""
        return tuple(member.id.pid for member in self.members if not roles or member.role in roles)
