"""What happens in the simulated days: trainings, troubles, jumps of the clock and sizes of the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from random import Random

from gpumon.model.training import Ending

GPUS = 4
# A training in each; two of the slots have a second one beside the first.
_SLOTS = 12
_DOUBLE_SLOTS = (3, 8)
# Each day the same, so that memory at the end of one day may be compared with that of another.
KINDS = (
    "starved",
    "healthy",
    "no workers",
    "slow disk",
    "memory grows",
    "small batch",
    "nan",
    "two ranks",
    "starved",
    "small /dev/shm",
    "memory full",
    "healthy",
    "starved",
    "slow disk",
)
_ENDINGS = (Ending.FINISHED, Ending.KILLED, Ending.CRASHED, Ending.UNKNOWN)
SIZES = ((80, 24), (120, 36), (200, 50), (300, 80), (60, 18), (100, 30), (160, 45), (132, 24), (80, 60))
_RESIZES = 24
# The machine sleeps, or gpumon is stopped: monotonic time goes on without samples.
STOPPED_SECONDS = 90.0
_STEP_SECONDS = 3600.0


class Trouble(str, Enum):
    """What fails for a while."""

    GPU_LOST = "a GPU is lost"
    DRIVER_RELOADED = "the driver is reloaded"
    HOST_UNREAD = "/proc cannot be read"
    SOURCE_RAISES = "the driver's library raises"
    DISK_FULL = "the disk of the recording is full"


# Shares of a day. What concerns the screen and what concerns the disk lie apart.
_TROUBLES = (
    (0.20, 0.215, Trouble.GPU_LOST),
    (0.38, 0.385, Trouble.DRIVER_RELOADED),
    (0.47, 0.48, Trouble.SOURCE_RAISES),
    (0.55, 0.57, Trouble.HOST_UNREAD),
    (0.62, 0.66, Trouble.DISK_FULL),
    (0.80, 0.803, Trouble.DRIVER_RELOADED),
)


@dataclass(frozen=True, slots=True)
class Stay:
    """A training from `begin_seconds` to `end_seconds` since the start of the soak, on GPU number `gpu`.

    `directory` is where it was started: one that comes back to it is a restart.
    """

    number: int
    begin_seconds: float
    end_seconds: float
    kind: str
    directory: int
    gpu: int
    how: Ending


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which something fails."""

    begin_seconds: float
    end_seconds: float
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Jump:
    """A moment at which clocks jump: Unix time is set, or monotonic time goes on without samples."""

    at_seconds: float
    unix_seconds: float = 0.0
    monotonic_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Resize:
    """A moment at which the terminal gets another size, in columns and rows."""

    at_seconds: float
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the soak; what begins in it ends in it."""

    stays: tuple[Stay, ...]
    stretches: tuple[Stretch, ...]
    jumps: tuple[Jump, ...]
    resizes: tuple[Resize, ...]


@lru_cache(maxsize=2)
def day_of(seed: int, number: int, seconds: float) -> Day:
    """Return day `number` (from 0) of `seconds` length; the same seed gives the same days."""
    chance = Random(f"{seed} day {number}")  # noqa: S311 - a simulation
    begin = number * seconds
    kinds = list(KINDS)
    chance.shuffle(kinds)
    slot_seconds = seconds / _SLOTS
    stays: list[Stay] = []
    for slot in range(_SLOTS):
        for place in range(2 if slot in _DOUBLE_SLOTS else 1):
            first = begin + slot * slot_seconds + slot_seconds * chance.uniform(0.05, 0.15)
            last = begin + slot * slot_seconds + slot_seconds * chance.uniform(0.85, 0.97)
            count = len(stays)
            stays.append(
                Stay(
                    number * len(KINDS) + count,
                    first,
                    last,
                    kinds[count],
                    # Every third is started where another one was: a restart with other settings.
                    count // 3,
                    (slot + place) % GPUS,
                    chance.choice(_ENDINGS),
                )
            )
    return Day(
        tuple(stays),
        tuple(Stretch(begin + a * seconds, begin + b * seconds, trouble) for a, b, trouble in _TROUBLES),
        (
            Jump(begin + 0.15 * seconds, unix_seconds=_STEP_SECONDS),
            Jump(begin + 0.18 * seconds, unix_seconds=-_STEP_SECONDS),
            Jump(begin + 0.42 * seconds, monotonic_seconds=STOPPED_SECONDS, unix_seconds=STOPPED_SECONDS),
            Jump(begin + 0.70 * seconds, unix_seconds=-_STEP_SECONDS / 2),
            Jump(begin + 0.73 * seconds, unix_seconds=_STEP_SECONDS / 2),
        ),
        tuple(
            Resize(begin + seconds * (index + 0.5) / _RESIZES, chance.choice(SIZES))
            for index in range(_RESIZES)
        ),
    )
