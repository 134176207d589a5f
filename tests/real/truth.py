"""What a training itself says: its log, its files, its worker processes and its recorded loader waits."""

from __future__ import annotations

import csv
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# One line of the epoch's progress bar, in the formats of YOLOv5 v7.0 and of ultralytics 8.4:
#   "  0/1   0G   0.1146   0.04055   0.03813   19   64:   50%|#####     | 1/2 00:04"
#   "  1/2   0G   6.422    4.625     4.222     26   160:  37% ---- 15/40 2.6it/s 7.4s<9.4s"
_PROGRESS = re.compile(r"^\s*(\d+)/(\d+)\s+[\d.]+G\s.*:\s+\d+%.*\s(\d+)/(\d+)\s+\S")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WORKERS = re.compile(r"Using (\d+) dataloader workers")
_TAIL_BYTES = 65536
# The layout that injected/loader_waits.py writes.
_WAIT = struct.Struct("<ddiii4x")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the epoch's progress bar is: epoch counts from 0, batch is the number of finished ones."""

    epoch: int
    epochs: int
    batch: int
    batches: int


@dataclass(frozen=True, slots=True)
class LoaderWait:
    """One `next()` of a DataLoader in CLOCK_MONOTONIC seconds; `end` is None while it lasts.

    Loader 0 is the first one used: the training's. YOLOv5's validation has another.
    """

    start: float
    end: float | None
    loader: int
    batch_size: int
    workers: int


def log_text(log: Path) -> str:
    """The whole log without escape sequences, progress bars included."""
    return _ESCAPE.sub("", log.read_bytes().decode(errors="replace")) if log.exists() else ""


def last_progress(log: Path) -> Progress | None:
    """The epoch's last progress line within the last 64 KiB of the log, if there is one."""
    if not log.exists():
        return None
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
        tail = _ESCAPE.sub("", file.read().decode(errors="replace"))
    for line in reversed(re.split(r"[\r\n]+", tail)):
        found = _PROGRESS.match(line)
        if found:
            epoch, last, batch, batches = (int(number) for number in found.groups())
            # v7.0 counts epochs from 0 up to epochs - 1 and tqdm's pipes; ultralytics from 1 to epochs.
            first = 0 if "|" in line else 1
            return Progress(epoch - first, last + 1 - first, batch, batches)
    return None


def logged_workers(log: Path) -> int | None:
    """N of the last "Using N dataloader workers": the training loader's, over all ranks."""
    found = _WORKERS.findall(log_text(log))
    return int(found[-1]) if found else None


def options(run_dir: Path) -> dict[str, Any]:
    """The options that the training wrote down: opt.yaml (YOLOv5) or args.yaml (ultralytics)."""
    for name in ("opt.yaml", "args.yaml"):
        if (run_dir / name).is_file():
            loaded: dict[str, Any] = yaml.safe_load((run_dir / name).read_text())
            return loaded
    raise FileNotFoundError(f"neither opt.yaml nor args.yaml in {run_dir}")


def results(run_dir: Path) -> list[dict[str, str]]:
    """The rows of results.csv, one a finished epoch, without the padding; none before the first."""
    path = run_dir / "results.csv"
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] if rows else []


def worker_pids(pid: int) -> list[int]:
    """The children of `pid` named `pt_data_worker`: the training's first, then the validation's."""
    children: list[int] = []
    for task in sorted(Path(f"/proc/{pid}/task").glob("*/children")):
        children.extend(int(child) for child in task.read_text().split())
    return sorted(child for child in children if _comm(child) == "pt_data_worker")


def _comm(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return None


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie, which only waits for its parent to take note."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def loader_waits(record: Path) -> list[LoaderWait]:
    """Every recorded `next()` so far, oldest first."""
    data = record.read_bytes() if record.exists() else b""
    whole = len(data) - len(data) % _WAIT.size
    return [
        LoaderWait(start, end or None, loader, batch_size, workers)
        for start, end, loader, batch_size, workers in _WAIT.iter_unpack(data[:whole])
    ]


def data_wait_ratio(waits: list[LoaderWait], start: float, end: float) -> float:
    """The share of the window that the main thread spent in `next()` of any DataLoader."""
    waited = sum(
        max(0.0, min(end, end if wait.end is None else wait.end) - max(start, wait.start)) for wait in waits
    )
    return waited / (end - start)


def batches_delivered(waits: list[LoaderWait], start: float, end: float, loader: int = 0) -> int:
    """How many batches that loader handed over within the window."""
    return sum(wait.loader == loader and wait.end is not None and start <= wait.end < end for wait in waits)
