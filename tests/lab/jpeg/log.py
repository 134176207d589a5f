"""What a laboratory training writes: its log in YOLOv5's format on stderr, and its run directory."""

from __future__ import annotations

import sys
import time
from pathlib import Path

_HEADER = (
    "epoch", "train/box_loss", "train/obj_loss", "train/cls_loss", "metrics/precision", "metrics/recall",
    "metrics/mAP_0.5", "metrics/mAP_0.5:0.95", "val/box_loss", "val/obj_loss", "val/cls_loss",
    "x/lr0", "x/lr1", "x/lr2",
)  # fmt: skip


def log(text: str, end: str = "\n") -> None:
    """Write a line, or a bar with `end=""`."""
    sys.stderr.write(text + end)
    sys.stderr.flush()


def log_header() -> None:
    """Write the line above the bar of an epoch."""
    columns = ("Epoch", "GPU_mem", "box_loss", "obj_loss", "cls_loss", "Instances", "Size")
    log(("\n" + "%11s" * 7) % columns)


def log_bar(head: tuple[object, ...], done: int, count: int, seconds: float) -> None:
    """Write the bar of an epoch anew; `head` are the values under the header."""
    text = ("%11s" * 2 + "%11.4g" * 5) % head
    share, passed = done / count, time.strftime("%M:%S", time.gmtime(seconds))
    log(f"\r{text}: {share:4.0%}|{'█' * int(10 * share):<10}| {done}/{count} {passed}", end="")


def begin_run(save_dir: Path, options: dict[str, object]) -> None:
    """Make the run directory with what YOLOv5 keeps there."""
    (save_dir / "weights").mkdir(parents=True)
    lines = [f"{key}: {value}" for key, value in options.items() if key != "weights"]
    (save_dir / "opt.yaml").write_text("\n".join(["weights: ''", *lines, f"save_dir: {save_dir}", ""]))
    (save_dir / "hyp.yaml").write_text("lr0: 0.01\nlrf: 0.01\nmomentum: 0.937\nmosaic: 0.0\n")
    (save_dir / "results.csv").write_text(",".join(f"{name:>20s}" for name in _HEADER) + "\n")
    log("train: " + ", ".join(lines).replace(": ", "=") + "\nSIMULATED: a laboratory training")


def add_result(save_dir: Path, epoch: int, losses: tuple[float, ...]) -> None:
    """Add the line of an epoch to results.csv."""
    row = (*losses, 0.5, 0.4, 0.3, 0.2, *losses, 0.01, 0.01, 0.01)
    with (save_dir / "results.csv").open("a") as results:
        results.write(",".join([f"{epoch:>20d}", *(f"{value:20.5g}" for value in row)]) + "\n")
