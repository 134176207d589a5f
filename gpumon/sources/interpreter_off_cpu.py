"""How much of the time a thread is off the CPU: exactly, to weigh looks that were taken at random."""

from __future__ import annotations

import time
from collections.abc import Callable

from gpumon.model.measure import Missing
from gpumon.sources.proc_fields import parse_schedstat
from gpumon.sources.proc_file import KeptFile
from gpumon.sources.thread_state import state_letter

_RUNS = b"running\n"


class OffCpu:
    """Tells whether a thread is blocked now, and for which share of the time it was.

    Blocked is neither running nor waiting for a core. A look that has to wait for a core itself is
    taken rather when the training leaves one, that is while it is blocked: on full cores looks alone
    read 0.35 for 0.26. The kernel's own account of the thread has no such bias.

    A look asks for the thread's system call, which is "running" of a thread that runs or waits for a core
    (task_current_syscall in lib/syscall.c; the right to read its memory is the right to ask). That costs 17
    to 25 us where its stat costs 23 to 30, and both say "blocked" as often (`python -m
    tests.sources.interpreter_cost`). Kernels without it have the state in stat.
    """

    def __init__(
        self, pid: int, thread_id: int, root: str = "/proc", seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare to read the thread's files."""
        directory = f"{root}/{pid}/task/{thread_id}"
        self._call = KeptFile(f"{directory}/syscall", 1024, reopen=False)
        self._stat = KeptFile(f"{directory}/stat", 1024, reopen=False)
        self._sched = KeptFile(f"{directory}/schedstat", 256, reopen=False)
        self._seconds = seconds
        self._before: tuple[float, int] | None = None

    def is_blocked(self) -> bool | None:
        """Tell whether the thread is blocked now, None where that cannot be read."""
        call = self._call.read()
        if not isinstance(call, Missing):
            return call != _RUNS
        data = self._stat.read()
        letter = "" if isinstance(data, Missing) else state_letter(data)
        return letter != "R" if letter else None

    def blocked_ratio(self) -> float | None:
        """Return the share of the time since the last call in which the thread was blocked."""
        data = self._sched.read()
        stat = data if isinstance(data, Missing) else parse_schedstat(data)
        if isinstance(stat, Missing):
            self._before = None
            return None
        now, used = self._seconds(), stat.run_nanoseconds + stat.wait_nanoseconds
        before, self._before = self._before, (now, used)
        if before is None or now <= before[0]:
            return None
        return min(1.0, max(0.0, 1.0 - (used - before[1]) / 1e9 / (now - before[0])))

    def close(self) -> None:
        """Give the descriptors back."""
        self._call.close()
        self._stat.close()
        self._sched.close()
