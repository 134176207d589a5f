"""A program in a pseudo-terminal of its own, measured from outside."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# What a terminal answers, so that programs which ask do not wait: device attributes and cursor position.
_ANSWERS = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[6n": b"\x1b[1;1R"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program cost in one window. CPU in cores; memory and rates in bytes.

    `first_frame_seconds` is from exec to the first kilobyte on the terminal, or to the first pause after
    any output: what a person sees as the first picture.
    """

    first_frame_seconds: float
    cpu_ratio: float
    rss_bytes: int
    pss_bytes: int
    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """When the first frame of a program was there, and what CPU time it had cost until then, in seconds."""

    seconds: float
    cpu_seconds: float


def first_frame(
    command: Sequence[str], environment: Mapping[str, str], *, size: tuple[int, int]
) -> FirstFrame:
    """Run `command` in a pty of `size` (columns, rows) until its first frame; it is killed then."""
    with _started(command, environment, size) as (process, master, began):
        seconds = _first_frame(master, began)
        return FirstFrame(seconds, _cpu_seconds(process.pid))


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    size: tuple[int, int],
    warm_up_seconds: float,
    window_seconds: float,
) -> Cost:
    """Run `command` in a pty of `size` (columns, rows) and measure it; it is killed afterwards."""
    with _started(command, environment, size) as (process, master, began):
        first = _first_frame(master, began)
        _drain(master, time.perf_counter() + warm_up_seconds)
        before, start = _cpu_seconds(process.pid), time.perf_counter()
        sent = _drain(master, start + window_seconds)
        passed = time.perf_counter() - start
        used = _cpu_seconds(process.pid) - before
        rss, pss = _memory(process.pid)
        return Cost(first, used / passed, rss, pss, sent / passed)


@contextlib.contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int]
) -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """Start `command`; yield its process, the master of its pty and the moment before; kill it afterwards.

    Python may keep what it compiles, whatever `environment` says: pip has compiled what it has installed.
    """
    environment = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    master, slave = pty.openpty()
    columns, rows = size
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(rows)},
        start_new_session=True,
        close_fds=True,
    )
    os.close(slave)
    try:
        yield process, master, began
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)


def _first_frame(master: int, began: float, limit_seconds: float = 20.0) -> float:
    seen = 0
    last = 0.0
    while time.perf_counter() - began < limit_seconds:
        ready, _, _ = select.select([master], [], [], 0.1)
        if ready:
            data = _read(master)
            seen += len(data)
            last = time.perf_counter()
            if seen >= 1024:
                return last - began
        elif seen >= 200:
            return last - began
    message = f"nothing on the screen within {limit_seconds} s (only {seen} bytes)"
    raise TimeoutError(message)


def _drain(master: int, until: float) -> int:
    total = 0
    while (left := until - time.perf_counter()) > 0:
        ready, _, _ = select.select([master], [], [], min(left, 0.2))
        if ready:
            total += len(_read(master))
    return total


def _read(master: int) -> bytes:
    try:
        data = os.read(master, 1 << 16)
    except OSError:
        message = "the program has ended"
        raise RuntimeError(message) from None
    for question, answer in _ANSWERS.items():
        if question in data:
            os.write(master, answer)
    return data


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of the process and of its live children, from the nanosecond counters."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0]) / 1e9
        for child in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                total += _cpu_seconds(int(child))
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    # Threads and children that have ended since.
    return total + (int(fields[13]) + int(fields[14])) / _TICKS


def _memory(pid: int) -> tuple[int, int]:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {line.split()[0]: int(line.split()[1]) * 1024 for line in rollup.splitlines()[1:]}
    return found["Rss:"], found["Pss:"]
