"""Whether a thread is blocked, and for which share of the time it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gpumon.sources.interpreter_off_cpu import OffCpu
from tests.remote_python.children import until_waiting

STAT = "7 (python) {} 1 7 7 0 -1 4194304 100 0 0 0"
CALL = "202 0x7f 0x80 0x2 0x0 0x0 0x0 0x7ffe 0x7f11\n"


class Seconds:
    """A clock that stands where it is put."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def proc(root: Path, **files: str) -> Path:
    """Write files of thread 7 of process 7, and return the root they are under."""
    folder = root / "7" / "task" / "7"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("call", "is_blocked"), [("running\n", False), (CALL, True), ("-1 0x7ffe 0x7f11\n", True)]
)
def test_system_call_tells_whether_it_is_blocked(tmp_path: Path, call: str, is_blocked: bool) -> None:
    """A thread in no system call may be blocked, too: by a page that comes from disk."""
    off_cpu = OffCpu(7, 7, str(proc(tmp_path, syscall=call, stat=STAT.format("R"))))
    assert off_cpu.is_blocked() is is_blocked
    off_cpu.close()


@pytest.mark.parametrize(("letter", "is_blocked"), [("R", False), ("S", True), ("D", True)])
def test_state_tells_it_where_there_are_no_system_calls(
    tmp_path: Path, letter: str, is_blocked: bool
) -> None:
    """A kernel without /proc/PID/syscall has the state in stat."""
    off_cpu = OffCpu(7, 7, str(proc(tmp_path, stat=STAT.format(letter))))
    assert off_cpu.is_blocked() is is_blocked
    off_cpu.close()


def test_thread_that_is_gone_is_neither(tmp_path: Path) -> None:
    """Without any file nothing is known."""
    off_cpu = OffCpu(7, 7, str(tmp_path))
    assert off_cpu.is_blocked() is None
    assert off_cpu.blocked_ratio() is None


def test_share_is_the_time_that_was_neither_run_nor_queued(tmp_path: Path) -> None:
    """Of 2 s the thread ran 0.5 s and waited 0.3 s for a core: it was blocked for 60 % of them."""
    clock = Seconds()
    off_cpu = OffCpu(7, 7, str(proc(tmp_path, schedstat="1000000000 200000000 9\n")), clock)
    assert off_cpu.blocked_ratio() is None
    clock.now = 2.0
    proc(tmp_path, schedstat="1500000000 500000000 12\n")
    assert off_cpu.blocked_ratio() == pytest.approx(0.6)
    off_cpu.close()


def test_real_threads_are_blocked_in_sleep_and_not_at_work() -> None:
    """A process that reads its input is blocked at each look, and one that counts is not at most."""
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    worker = subprocess.Popen(
        [sys.executable, "-c", "print(1, flush=True)\nwhile True: pass"], stdout=subprocess.PIPE
    )
    told: dict[subprocess.Popen[bytes], list[bool | None]] = {}
    try:
        assert worker.stdout is not None
        worker.stdout.readline()
        until_waiting(sleeper.pid)
        for one in (sleeper, worker):
            off_cpu = OffCpu(one.pid, one.pid)
            told[one] = [off_cpu.is_blocked() for _ in range(20)]
            off_cpu.close()
    finally:
        for one in (sleeper, worker):
            one.kill()
            one.communicate()
    assert told[sleeper] == [True] * 20
    assert told[worker].count(False) > 10
