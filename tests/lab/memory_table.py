"""A script: memory models beside published figures, and how well a batch of 16 is told from smaller ones.

usage: python -m tests.lab.memory_table

The virtual GPU is no proof for a real one. So that nobody takes it for one, what AutoBatch logged on real
GPUs stands in rows of its own. The other tables are of what is told before a run
(gpumon.advice.model_memory): the guide's rows, its largest batches, and the README's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gpumon.advice.model_memory import LargestBatch, largest_batch, predicted_peak
from gpumon.history.stats import Interval
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


# The tuning guide's table for a card of 12 GB at 640 pixels: model, batch, AMP, and GB (None: out of memory).
GUIDE = (
    ("yolov5s", 32, False, 10.1),
    ("yolov5s", 32, True, 6.8),
    ("yolov5m", 16, False, 11.2),
    ("yolov5m", 16, True, 7.5),
    ("yolov5l", 8, False, None),
    ("yolov5l", 8, True, 9.1),
)
# Its largest batches there, and those that YOLOv5's README trains with on a V100 of 16 GB (16160 MiB).
GUIDE_BATCHES = (("yolov5s", 48), ("yolov5m", 24), ("yolov5l", 12))
README_BATCHES = (("yolov5n", 128), ("yolov5s", 64), ("yolov5m", 40), ("yolov5l", 24), ("yolov5x", 16))
_IMGSZ, _CARD_BYTES, _V100_BYTES = 640, 12 << 30, 16160 << 20


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


def guide_table() -> str:
    """Return what is told before a run beside the guide's table."""
    lines = ["| the guide's row | GB there | told before a run (90 %) | difference |", "|---|---|---|---|"]
    for model, batch, amp, gigabytes in GUIDE:
        peak = predicted_peak(model, _IMGSZ, batch, amp=amp)
        assert isinstance(peak, Interval)
        told = f"{peak.value / 1e9:.1f} ({peak.low / 1e9:.1f} to {peak.high / 1e9:.1f})"
        there = "out of memory" if gigabytes is None else f"{gigabytes:.1f}"
        difference = "-" if gigabytes is None else f"{peak.value / 1e9 / gigabytes - 1:+.0%}"
        lines.append(
            f"| {model}, batch {batch}, {'AMP' if amp else 'FP32'} | {there} | {told} | {difference} |"
        )
    return "\n".join(lines)


def batches_table() -> str:
    """Return the largest batches that are told before a run beside published ones."""
    lines = ["| card | batch there | told before a run: safe (likely, most) |", "|---|---|---|"]
    for card, total, rows in (
        ("12 GiB (guide)", _CARD_BYTES, GUIDE_BATCHES),
        ("V100, 16160 MiB (README)", _V100_BYTES, README_BATCHES),
    ):
        for model, batch in rows:
            found = largest_batch(model, _IMGSZ, total)
            assert isinstance(found, LargestBatch)
            lines.append(f"| {card}, {model} | {batch} | {found.safe} ({found.likely}, {found.most}) |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    print(f"{guide_table()}\n\n{batches_table()}\n\n{smaller_batches_table()}")


def smaller_batches_table() -> str:
    """Return how well smaller batches tell a larger one."""
    rows = (
        *PUBLIC,
        virtual_row("virtual GPU, AMP", GpuCost()),
        virtual_row("virtual GPU, full precision", GpuCost(amp=False)),
        virtual_row("virtual GPU, AMP, Adam", GpuCost(adam=True)),
        virtual_row("virtual GPU, AMP, three times the model", GpuCost(parameters=21_200_000, width=1.5)),
    )
    lines = [
        "| memory | GB an image | from 8 alone | the model known | from 4 and 8 |",
        "|---|---|---|---|---|",
    ]
    for line in rows:
        errors = " | ".join(f"{error:+.1%}" for error in (line.one_point, line.base_known, line.two_points))
        lines.append(f"| {line.name} | {line.slope_gigabytes:.3f} | {errors} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
