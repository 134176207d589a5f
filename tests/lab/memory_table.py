"""A script: how well the memory of a batch of 16 is told from smaller ones, virtually and in public logs.

usage: python -m tests.lab.memory_table

The virtual GPU is no proof for a real one. So that nobody takes it for one, what AutoBatch logged on real
GPUs stands in rows of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.gpu_cost import GpuCost
from tests.lab.memory_fit import Unwritten
from tests.lab.virtual_gpu import VirtualGpu

_STEPS = 6
_TARGETS_PER_IMAGE = 7
_TOTAL_BYTES = 80 << 30


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """Errors of the predicted memory of a batch of 16 (prediction / truth - 1), by three ways.

    `slope_gigabytes` is what an image adds. From a batch of 8 alone, as if nothing were there without
    images; with the model's share known; from batches of 4 and 8.
    """

    name: str
    slope_gigabytes: float
    one_point: float
    base_known: float
    two_points: float


# YOLOv5 pull requests 5092 and 9287, ultralytics issue 4679: AutoBatch's own tables on real GPUs.
PUBLIC = (
    MemoryRow("public log: YOLOv5s at 640, A100", 0.197, 0.096, 0.043, 0.030),
    MemoryRow("public log: YOLOv5m at 416, RTX 3070", 0.134, 0.076, -0.020, -0.042),
    MemoryRow("public log: YOLOv8s at 640, T4", 0.238, 0.063, -0.015, 0.006),
)


def virtual_row(name: str, cost: GpuCost) -> MemoryRow:
    """Return the row of a model on the virtual GPU."""
    base = sum(cost.static_tensors()) + sum(cost.gradients()) + sum(cost.casts())
    return row(name, base, lambda batch: reserved(cost, batch))


def row(name: str, base_bytes: int, reserved_bytes: Callable[[int], int]) -> MemoryRow:
    """Return the row of what is reserved with batches of 4, 8 and 16."""
    four, eight, sixteen = (reserved_bytes(batch) for batch in (4, 8, 16))
    return MemoryRow(
        name,
        (sixteen - eight) / 8 / 1e9,
        2 * eight / sixteen - 1,
        (2 * eight - base_bytes) / sixteen - 1,
        (eight + 2 * (eight - four)) / sixteen - 1,
    )


def reserved(cost: GpuCost, batch: int) -> int:
    """Return the bytes that the allocator has reserved after some steps."""
    gpu = VirtualGpu(cost, Unwritten(), lambda seconds: (0.0, seconds), total_bytes=_TOTAL_BYTES)
    for _ in range(_STEPS):
        gpu.train(batch, _TARGETS_PER_IMAGE * batch)
    return gpu.allocator.reserved_bytes


def main() -> None:
    """Print the table."""
    rows = (
        *PUBLIC,
        virtual_row("virtual GPU, AMP", GpuCost()),
        virtual_row("virtual GPU, full precision", GpuCost(amp=False)),
        virtual_row("virtual GPU, AMP, Adam", GpuCost(adam=True)),
        virtual_row("virtual GPU, AMP, three times the model", GpuCost(parameters=21_200_000, width=1.5)),
    )
    print("| memory | GB an image | from 8 alone | the model known | from 4 and 8 |\n|---|---|---|---|---|")
    for line in rows:
        errors = " | ".join(f"{error:+.1%}" for error in (line.one_point, line.base_known, line.two_points))
        print(f"| {line.name} | {line.slope_gigabytes:.3f} | {errors} |")


if __name__ == "__main__":
    main()
