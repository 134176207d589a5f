"""What a laboratory training costs and what is wrong with it: written by the laboratory, read by it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.gpu_cost import GpuCost

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class LoaderSpec:
    """What an image costs a worker besides decoding it `decodes` times.

    One in `slow_every` is decoded `slow_factor` times as often. `open_seconds` is the latency of remote
    storage (in the data set itself), `folder` where the images are if elsewhere, `read_bytes` what is read in
    pieces of `piece_bytes` from `storage` (past the page cache with `drop_cache`), `ram_bytes` what each
    worker keeps. `locked` puts decoding under one lock of all workers; after `hang_after_seconds` no image
    comes any more. With several ranks each waits `rank_seconds` longer an image than the one before it.
    """

    decodes: int = 1
    slow_every: int = 0
    slow_factor: int = 10
    open_seconds: float = 0.0
    rank_seconds: float = 0.0
    read_bytes: int = 0
    piece_bytes: int = 1 << 17
    storage: str = ""
    folder: str = ""
    drop_cache: bool = False
    locked: bool = False
    hang_after_seconds: float = 0.0
    pin: bool = True
    endless: bool = True
    ram_bytes: int = 0


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """What the loop does besides training on batches.

    An epoch has `batches` (0: as good as endless), or all batches of a data set of `images`, of which the
    last has those that are left.
    `gap_seconds` of Python between two steps; `targets` an image on average, `dense_every` that many batches
    one with `dense_factor` times as many; `leak_bytes` a step; loss turns NaN after `nan_after_seconds`.
    """

    batches: int = 0
    val_batches: int = 2
    gap_seconds: float = 0.0
    checkpoint_seconds: float = 0.0
    targets: float = 7.0
    dense_every: int = 0
    dense_factor: float = 10.0
    multi_scale: bool = False
    leak_bytes: int = 0
    nan_after_seconds: float = 0.0
    hang_after_seconds: float = 0.0
    on_cpu: bool = False
    images: int = 0


@dataclass(frozen=True, slots=True)
class GpuSpec:
    """The virtual GPU: `sync` is how the main thread waits for it, spin (CUDA's default) or sleep."""

    cost: GpuCost = field(default_factory=GpuCost)
    sync: str = "sleep"
    total_bytes: int = 12 * GIB
    neighbour_bytes: int = 0
    neighbour_ratio: float = 0.0
    temperature_celsius: float = 68.0
    power_watts: float = 160.0
    sm_clock_hertz: float = 1.8e9


@dataclass(frozen=True, slots=True)
class LabSpec:
    """A whole training apart from the flags of its command line."""

    loader: LoaderSpec = field(default_factory=LoaderSpec)
    loop: LoopSpec = field(default_factory=LoopSpec)
    gpu: GpuSpec = field(default_factory=GpuSpec)

    def write(self, path: Path) -> Path:
        """Write it as JSON, which is YAML too."""
        path.write_text(json.dumps(asdict(self), indent=1))
        return path


def read_spec(path: Path) -> LabSpec:
    """Return what `write` wrote."""
    found: dict[str, Any] = json.loads(path.read_text())
    gpu = {**found["gpu"], "cost": GpuCost(**found["gpu"]["cost"])}
    return LabSpec(LoaderSpec(**found["loader"]), LoopSpec(**found["loop"]), GpuSpec(**gpu))
