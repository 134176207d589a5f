"""Trees of files that stand for /proc, /sys and a cgroup mount, for cases this machine does not have."""

from __future__ import annotations

from pathlib import Path

from gpumon.model.clock import Instant


def at(seconds: float) -> Instant:
    """Return the moment that many seconds after an arbitrary beginning."""
    return Instant(1_700_000_000.0 + seconds, 1000.0 + seconds)


def write(root: Path, files: dict[str, str]) -> str:
    """Write `files` (relative path to text) under `root`; return `root` as sources take it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def open_descriptors() -> int:
    """Return how many descriptors this process holds."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def stat_line(
    pid: int = 7,
    name: str = "python",
    state: str = "S",
    *,
    start: int = 5000,
    parent: int = 1,
    ticks: int = 0,
    flags: int = 0,
) -> str:
    """Return a line of /proc/PID/stat with 52 fields."""
    fields = ["0"] * 49
    fields[0] = str(parent)
    fields[5] = str(flags)
    fields[10] = str(ticks)
    fields[16] = "3"
    fields[18] = str(start)
    fields[20] = "100"
    fields[35] = "1"
    return f"{pid} ({name}) {state} {' '.join(fields)}\n"
