"""What is known before a training is started: its model, its GPU, its machine, and its images."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.model.measure import Maybe, Missing


@dataclass(frozen=True, slots=True)
class GpuFacts:
    """The GPU to train on: its memory, and what driver and other programs hold of it, in bytes.

    `source` says who told: the driver, or the user.
    """

    total_bytes: int
    taken_bytes: int
    source: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What the process that would train may use.

    `cpu_count` is what YOLOv5 divides by the visible GPUs (os.cpu_count); `usable_cores` respects affinity
    and the cgroup's quota. Memory is what is free of it now, in bytes, and within the cgroup's limit.
    """

    cpu_count: int
    usable_cores: float
    visible_gpus: int = 1
    limited_by: str = ""
    memory_available_bytes: Maybe[int] = Missing("not read")
    shm_free_bytes: Maybe[int] = Missing("not read")


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The training images: how many, and the sizes in pixels (width, height) of a sample of them.

    `is_whole` is False where counting ended at its limit: then there are at least so many.
    """

    images: int
    sizes: tuple[tuple[int, int], ...]
    is_whole: bool = True
    file_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class StartingFacts:
    """Everything that a plan before a run rests on. `model` is the name of the weights, or of the cfg."""

    model: str
    imgsz: int
    machine: MachineFacts
    gpu: Maybe[GpuFacts] = Missing("no GPU is seen: say --gpu-memory")
    data: Maybe[DataFacts] = Missing("no data set is named: say --data")
    prior: Prior = NOTHING_KNOWN
