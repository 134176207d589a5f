"""Which process of ours a PID of the driver means: it does not know PID namespaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gpumon.model.clock import Clock, Instant

TranslatePid = Callable[[int], "int | None"]

# A PID's meaning is looked up again this often: processes end and their numbers are used again.
_REMEMBER_SECONDS = 5.0
# Reading every /proc/PID/status costs some 22 us each; only PIDs that cannot be found cause it.
_SCAN_SECONDS = 30.0
_STATUS_BYTES = 8192
_UNMAPPED = "PID of another namespace: not visible from here"


class NamespacePids:
    """Finds the process that a PID means, by /proc/PID and the NSpid lines of /proc/*/status.

    A PID that exists here means that process. One that does not may be the number a process of ours has
    in an inner namespace (a container's, seen from the host): if exactly one process carries it, that is
    the one. From within a container the host's numbers cannot be seen at all: None.
    """

    def __init__(self, clock: Clock, proc: Path = Path("/proc")) -> None:
        self._clock = clock
        self._proc = proc
        self._inner: dict[int, int | None] = {}
        self._scanned: float | None = None

    def __call__(self, pid: int) -> int | None:
        if (self._proc / str(pid)).exists():
            return pid
        now = self._clock.now().monotonic_seconds
        if self._scanned is None or now - self._scanned >= _SCAN_SECONDS:
            self._scanned = now
            self._inner = self._scan()
        return self._inner.get(pid)

    def _scan(self) -> dict[int, int | None]:
        """Return {PID in an inner namespace: our PID}, None where two processes carry the same number."""
        inner: dict[int, int | None] = {}
        for entry in self._proc.iterdir():
            if not entry.name.isdecimal():
                continue
            ours = int(entry.name)
            for number in _inner_pids(entry / "status"):
                if number != ours:
                    inner[number] = None if number in inner else ours
        return inner


class PidMap:
    """Remembers what PIDs of the driver mean, for all GPUs."""

    def __init__(self, translate: TranslatePid) -> None:
        self._translate = translate
        self._known: dict[int, tuple[float, int, str]] = {}

    def resolve(self, pid: int, now: Instant) -> tuple[int, str]:
        """Return the PID in our namespace and "", or the driver's own PID and a note why it stayed."""
        seconds = now.monotonic_seconds
        known = self._known.get(pid)
        if known is None or seconds - known[0] >= _REMEMBER_SECONDS:
            ours = self._translate(pid)
            known = (seconds, pid, _UNMAPPED) if ours is None else (seconds, ours, "")
            self._known[pid] = known
        return known[1], known[2]

    def prune(self, now: Instant) -> None:
        """Forget PIDs that have not been looked up for a while."""
        oldest = now.monotonic_seconds - 2 * _REMEMBER_SECONDS
        stale = [pid for pid, (seconds, _, _) in self._known.items() if seconds < oldest]
        for pid in stale:
            del self._known[pid]


def _inner_pids(status: Path) -> list[int]:
    try:
        with status.open("rb") as file:
            text = file.read(_STATUS_BYTES)
    except OSError:
        return []  # it ended while we looked: nothing carries that number any more
    for line in text.splitlines():
        if line.startswith(b"NSpid:"):
            return [int(word) for word in line.split()[1:] if word.isdigit()]
    return []
