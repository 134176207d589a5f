"""Looking at the real processes of a demo."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from gpumon.demo.launch import DemoTraining
from gpumon.model.clock import Instant
from gpumon.sources.clock import SystemClock
from gpumon.sources.virtual_gpu import VirtualGpuSource

# For a machine under load; a healthy one waits a fraction of it.
PATIENCE_SECONDS = 60.0


def until(seen: Callable[[], object]) -> bool:
    """Wait until something is seen, and tell whether it was."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def stat_fields(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on; None without such a process or of a zombie."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields


def name(pid: int, thread: str = "") -> str:
    """Return the name that the kernel has for a process, or for one of its threads."""
    path = Path(f"/proc/{pid}/task/{thread}/comm" if thread else f"/proc/{pid}/comm")
    return path.read_text(encoding="utf-8").strip()


def children(pid: int) -> list[int]:
    """Return the PIDs of the processes whose parent this is."""
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    fields = {child: stat_fields(child) for child in found}
    return sorted(child for child, stat in fields.items() if stat is not None and int(stat[1]) == pid)


def workers(pid: int) -> list[int]:
    """Return the DataLoader workers of a training."""
    return [child for child in children(pid) if name(child) == "pt_data_worker"]


def thread_names(pid: int) -> list[str]:
    """Return the names of the threads of a process."""
    return sorted(name(pid, path.name) for path in Path(f"/proc/{pid}/task").iterdir())


def is_gone(*pids: int) -> bool:
    """Tell whether none of these processes runs any more."""
    return all(stat_fields(pid) is None for pid in pids)


def batches_done(demo: DemoTraining) -> int:
    """Return how many batches the virtual GPU of a demo has computed."""
    if not demo.timeline_path.exists():
        return 0
    return int.from_bytes(demo.timeline_path.read_bytes()[16:24], "little")


class Watch:
    """The virtual GPU of a demo from one moment to another."""

    def __init__(self, demo: DemoTraining) -> None:
        self._demo = demo
        self._source = VirtualGpuSource(str(demo.timeline_path))
        self._clock = SystemClock()
        self._began = self._look()
        self._batches = batches_done(demo)

    def _look(self) -> Instant:
        now = self._clock.now()
        self._source.read(now)
        return now

    def after(self, seconds: float) -> tuple[float, float]:
        """Return the busy ratio and the batches a second of the next seconds."""
        time.sleep(seconds)
        now = self._clock.now()
        (gpu,) = self._source.read(now).gpus
        assert isinstance(gpu.gpu_busy_ratio, float)
        passed = now.monotonic_seconds - self._began.monotonic_seconds
        return gpu.gpu_busy_ratio, (batches_done(self._demo) - self._batches) / passed
