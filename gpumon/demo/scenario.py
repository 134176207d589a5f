"""Scenarios: what a demo training's data and model cost, scaled to the cores of this machine."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class DataCost:
    """What one image costs a DataLoader worker.

    `cpu_seconds` is decoding and augmenting, `wait_seconds` the latency of remote storage (the worker
    sleeps), `direct_reads` the number of random 4 KiB reads that bypass the page cache. `crowding` is by
    how much more CPU an image costs with twice as many workers as cores: cold caches, and batches handed
    over by threads that wait for a core (measured with PyTorch 2.13: 57 instead of 83 batches a second with
    4 workers instead of 2 on 2 cores).
    """

    images: int = 960
    val_images: int = 64
    cpu_seconds: float = 0.001
    wait_seconds: float = 0.0
    direct_reads: int = 0
    storage: str = ""
    crowding: float = 0.45


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What one batch costs the virtual GPU: seconds and bytes, fixed and per image."""

    gpu_name: str = "Virtual GPU 12 GB"
    gpu_total_bytes: int = 12 * GIB
    fixed_seconds: float = 0.004
    image_seconds: float = 0.00225
    context_bytes: int = 420 * MIB
    static_bytes: int = 130 * MIB
    image_bytes: int = 197 * MIB
    creep_bytes_per_epoch: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A training with one thing the matter. `affinity` limits it to that many cores (0: all)."""

    name: str
    summary: str
    workers: int
    batch_size: int = 16
    affinity: int = 0
    data: DataCost = field(default_factory=DataCost)
    model: ModelCost = field(default_factory=ModelCost)


def scenarios(cores: int) -> dict[str, Scenario]:
    """Return all scenarios for a machine of `cores` logical cores, by name.

    With B images a batch the GPU takes fixed + B * per image seconds (40 ms at 16). A loader of W
    workers that each need s seconds an image delivers W / s images a second, if the cores carry it.
    """
    model = ModelCost()
    gpu_image_seconds = (model.fixed_seconds + 16 * model.image_seconds) / 16
    # As many workers as the machine lets YOLOv5 have, at most 6, feed the GPU with a fifth to spare.
    needed = max(1, min(cores, 6))
    image_seconds = 0.8 * needed * gpu_image_seconds
    # Too few: a third, so that the right number is a clear gain. On one core the one worker is missing.
    few = needed // 3 if needed > 3 else needed // 2
    # Half the machine, at most 4 cores. At half the GPU's speed the spinning main thread takes half a core
    # and the workers the rest: own = 0.5 * (cpu_seconds / gpu_image_seconds + 1).
    own = max(1, min(cores // 2, 4))
    slow = DataCost(cpu_seconds=0.2 * image_seconds, wait_seconds=0.8 * image_seconds)
    table = [
        Scenario("healthy", "the loader keeps up: the GPU is the limit", max(1, min(cores, 2))),
        Scenario("starved", "too few workers for slow images", few, data=slow),
        Scenario(
            "oversubscribed",
            "twice as many workers as cores it may use",
            2 * own,
            affinity=own,
            data=DataCost(cpu_seconds=(2 * own - 1) * gpu_image_seconds),
        ),
        Scenario(
            "slow-disk",
            "every image waits for random reads of the disk",
            max(1, min(cores, 2)),
            data=DataCost(cpu_seconds=0.0005, direct_reads=150, storage="images.bin"),
        ),
        Scenario(
            "memory-creep",
            "device memory grows with every epoch until it is full",
            max(1, min(cores, 2)),
            # Epochs of 1.7 s: full after about 70 s.
            data=DataCost(images=640, val_images=32),
            model=ModelCost(creep_bytes_per_epoch=200 * MIB),
        ),
    ]
    return {scenario.name: scenario for scenario in table}


def write_files(scenario: Scenario, directory: Path) -> tuple[Path, Path]:
    """Write the scenario's data and model files; return their paths (JSON is YAML too)."""
    data = directory / f"{scenario.name}-data.yaml"
    cfg = directory / f"{scenario.name}-yolov5s.yaml"
    data.write_text(json.dumps(asdict(scenario.data), indent=1))
    cfg.write_text(json.dumps(asdict(scenario.model), indent=1))
    return data, cfg


def read_data(path: Path) -> DataCost:
    """Return the data cost in the file at `path`."""
    return DataCost(**json.loads(path.read_text()))


def read_model(path: Path) -> ModelCost:
    """Return the model cost in the file at `path`."""
    return ModelCost(**json.loads(path.read_text()))
