"""Scenarios of the laboratory: what is wrong with a training, in doses, and what is right to say of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import Enum

from tests.lab.jpeg.spec import LabSpec

# Labels whose trainings wait for batches.
_LATE = ("starved-", "workers-respawned", "hung")


class Proof(str, Enum):
    """Whether the fault is real, or told by the stand-in driver alone (scored apart)."""

    INJECTED = "injected"
    SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is done to the machine around a training.

    `cores` it may run on (0: all), `quota_cores` of a cgroup, `shm_bytes` of a /dev/shm of its own, `burners`
    that each use a core, `stopped_after_seconds` from when it is stopped by a signal (0: never),
    `storage_bytes` of a file to read from, `memory_bytes` of a cgroup, `open_seconds` of latency of a FUSE
    file system with the images.
    """

    cores: int = 0
    quota_cores: float = 0.0
    shm_bytes: int = 0
    burners: int = 0
    stopped_after_seconds: float = 0.0
    storage_bytes: int = 0
    memory_bytes: int = 0
    open_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Counters:
    """What hardware counters (GPM) say while the GPU is busy, as shares: a GPU as new as Hopper."""

    sm: float
    tensor: float
    memory_bandwidth: float


@dataclass(frozen=True, slots=True)
class Driver:
    """What the stand-in driver says besides what the virtual GPU does.

    Shares of time that a counter grows by (0..1), other GPUs, another process on the GPU, and from when on
    the GPU is lost. `busy_percent` is how busy it says the GPU is in all, whoever keeps it so (0: as busy as
    the training alone keeps it).
    """

    gpus: int = 1
    power_ratio: float = 0.0
    thermal_ratio: float = 0.0
    lost_after_seconds: float = 0.0
    other_process_bytes: int = 0
    other_process_percent: int = 0
    busy_percent: int = 0
    on_every_gpu: bool = False
    pcie_generation: int = 4
    pcie_bytes_per_second: int = 180_000_000
    counters: Counters | None = None


@dataclass(frozen=True, slots=True)
class Dose:
    """One strength of a scenario: all that a run needs. Several `ranks` run under torch's launcher."""

    name: str
    spec: LabSpec
    workers: int = 2
    batch_size: int = 8
    around: Surroundings = Surroundings()
    driver: Driver = Driver()
    onset_seconds: float = 0.0
    device: str = "0"
    ranks: int = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault (or none) in up to three doses.

    `labels` are ids of findings, the main fault first. `alone` says that the machine must be quiet meanwhile;
    others run several at a time. `sealed` sets all doses aside for the test set. `grid` and `batch_grid`
    are numbers of workers and sizes of a batch with which the rate is measured too. A scenario with `skipped`
    has no doses here, and the reason. Workers that are `short_lived` cannot be told from other programs.
    """

    name: str
    labels: tuple[str, ...]
    doses: tuple[Dose, ...] = ()
    proof: Proof = Proof.INJECTED
    control: bool = False
    alone: bool = True
    grid: tuple[int, ...] = ()
    batch_grid: tuple[int, ...] = ()
    sealed: bool = False
    short_lived: bool = False
    skipped: str = ""
    seconds: float = 17.0

    @property
    def is_fed(self) -> bool:
        """Whether its loader is meant to keep up: a trace of it in which the training waits is none."""
        return not self.labels[0].startswith(_LATE)

    def set_of(self, dose: Dose) -> str:
        """Return the set of a trace: those of "test" are not looked at while rules are tuned.

        Of every scenario one dose is set aside, which one is decided by its name, and of sealed ones all.
        """
        aside = zlib.crc32(self.name.encode()) % max(2, len(self.doses))
        return "test" if self.sealed or self.doses.index(dose) == aside else "tune"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the doses depend on: cores, and what decoding an image costs one."""

    cores: int
    decode_seconds: float
