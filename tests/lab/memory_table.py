"""A script: memory models beside published figures, and how well a batch of 16 is told from smaller ones.

usage: python -m tests.lab.memory_table

The virtual GPU is no proof for a real one. So that nobody takes it for one, what AutoBatch logged on real
GPUs stands in rows of its own. The other tables are of what is told before a run
(gpumon.advice.model_memory): the guide's rows, its largest batches, and the README's.
"""

from __future__ import annotations

import math
import statistics
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
    images; with the model's share known, and the same in GB; from batches of 4 and 8.
    """

    name: str
    slope_gigabytes: float
    one_point: float
    base_known: float
    base_known_gigabytes: float
    two_points: float


def row(name: str, base_bytes: int, reserved_bytes: Callable[[int], int]) -> MemoryRow:
    """Return the row of what is reserved with batches of 4, 8 and 16."""
    four, eight, sixteen = (reserved_bytes(batch) for batch in (4, 8, 16))
    return MemoryRow(
        name,
        (sixteen - eight) / 8 / 1e9,
        2 * eight / sixteen - 1,
        (2 * eight - base_bytes) / sixteen - 1,
        (2 * eight - base_bytes - sixteen) / 1e9,
        (eight + 2 * (eight - four)) / sixteen - 1,
    )


# Bytes a parameter while AutoBatch profiles: weights and gradients, and a copy in halves; no optimizer.
_PROFILED_BYTES = 10


def logged(name: str, parameters: float, four: float, eight: float, sixteen: float) -> MemoryRow:
    """Return the row of a log of AutoBatch: GB that were reserved with batches of 4, 8 and 16."""
    told = {4: round(four * 1e9), 8: round(eight * 1e9), 16: round(sixteen * 1e9)}
    return row(f"public log: {name}", round(_PROFILED_BYTES * parameters), told.__getitem__)


# AutoBatch's own tables on real GPUs, forward and backward: yolov5 pull request 5092 and issue 9287 (m, n),
# ultralytics issues 4679 and 1451; the last one of a user's notes on ultralytics.
PUBLIC = (
    logged("YOLOv5s at 640, A100", 7.24e6, 1.007, 1.797, 3.280),
    logged("YOLOv5m at 416, RTX 3070", 20.88e6, 0.778, 1.277, 2.374),
    logged("YOLOv5n at 416, RTX 3070", 1.77e6, 0.187, 0.327, 0.707),
    logged("YOLOv8s at 640, T4", 11.14e6, 1.223, 2.208, 4.154),
    logged("YOLOv8n at 480, RTX 4090", 3.01e6, 0.470, 0.719, 1.197),
    logged("YOLOv8n at 640, GTX 1080 Ti", 3.01e6, 0.581, 1.065, 2.334),
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
# What tensors fill of what PyTorch reserves while there is room: mobilenet in training, batches of 32 to 128
# (MODel_opt pull request 23: 0.901, 0.892, 0.902), and pytorch issue 40989 (0.897, 0.899).
TENSOR_RATIO = 0.898
# What tensors filled when trainings ran out of memory, per what they could have had (allocated, reserved and
# free of the message, and half of what was asked for).
FILLED = (
    ("yolov5 issue 2510", 0.991),
    ("yolov3 issue 1503", 0.956),
    ("yolov7 issue 604", 0.986),
    ("pytorch_custom_yolo_training issue 6", 0.981),
    ("YOLOv5-PyTorch issue 5 (images of many sizes)", 0.784),
    ("pytorch issue 31353 (1.86 GiB at once)", 0.825),
    ("a notebook, YOLO-seg at 640, L4", 0.993),
    ("a notebook, YOLO26s at 960, T4", 0.965),
)
_IMGSZ, _CARD_BYTES, _V100_BYTES = 640, 12 << 30, 16160 << 20


def virtual_row(name: str, cost: GpuCost) -> MemoryRow:
    """Return the row of a model on the virtual GPU."""
    base = sum(cost.static_tensors()) + sum(cost.gradients()) + sum(cost.casts())
    return row(name, base, lambda batch: reserved(cost, batch))


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
    error = f"root mean square of the public logs, the model known: {public_error_gigabytes():.2f} GB"
    tables = (guide_table(), batches_table(), smaller_batches_table(), error, usable_table())
    print("\n\n".join(tables))


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
        "| memory | GB an image | from 8 alone | the model known | the same in GB | from 4 and 8 |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {line.name} | {line.slope_gigabytes:.3f} | {line.one_point:+.1%} | {line.base_known:+.1%}"
        f" | {line.base_known_gigabytes:+.2f} | {line.two_points:+.1%} |"
        for line in rows
    ]
    return "\n".join(lines)


def public_error_gigabytes() -> float:
    """Return the root mean square error of the public logs with the model known, in GB."""
    return math.sqrt(sum(line.base_known_gigabytes**2 for line in PUBLIC) / len(PUBLIC))


def usable_table() -> str:
    """Return how full tensors had made the memory when trainings ran out of it, and what follows."""
    lines = ["| ran out of memory | tensors filled | of what is reserved with room |", "|---|---|---|"]
    for name, filled in FILLED:
        lines.append(f"| {name} | {filled:.3f} | {filled / TENSOR_RATIO:.2f} |")
    middle = statistics.median(filled / TENSOR_RATIO for _, filled in FILLED)
    lines.append(f"| median | {statistics.median(filled for _, filled in FILLED):.3f} | {middle:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
