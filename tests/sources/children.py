"""Real processes in known states, for the tests of what reads them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gpumon.model.process import ProcessId
from gpumon.sources.proc_fields import parse_stat

# Each says "ready" and then does one thing for good. `block` is what puts it into its state.
_PROGRAM = """
import ctypes, multiprocessing, os, select, sys, threading, time
pipe, _end = os.pipe()
poller = select.poll(); poller.register(pipe, select.POLLIN)
{setup}
sys.stdout.write("ready\\n"); sys.stdout.flush()
while True:
    {block}
"""
_BLOCKS = {
    "poll_torch": ("", "poller.poll(5000)"),
    "poll_short": ("", "poller.poll(30000)"),
    "poll_two": ("other, _e = os.pipe(); poller.register(other, select.POLLIN)", "poller.poll(5000)"),
    "futex_timed": ("condition = threading.Condition(); condition.acquire()", "condition.wait(60)"),
    "futex_untimed": ("lock = threading.Lock(); lock.acquire()", "lock.acquire()"),
    "process_lock": ("lock = multiprocessing.Lock(); lock.acquire()", "lock.acquire()"),
    "spin": ("", "pass"),
    # time.sleep is a select up to Python 3.10.
    "nanosleep": ("", "ctypes.CDLL(None).sleep(60)"),
    "pipe_read": ("", "os.read(pipe, 1)"),
    "socket_read": ("import socket; one, other = socket.socketpair()", "one.recv(1)"),
    "select": ("", "select.select([pipe], [], [], 5.0)"),
}


@contextmanager
def python_child(program: str, arguments: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program until it has said a line, and kill it at the end."""
    child = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdin.close()
        child.stdout.close()


@contextmanager
def child_in(kind: str) -> Iterator[int]:
    """Run a process that is, or is about to be, in the state `kind`; yield its PID."""
    setup, block = _BLOCKS[kind]
    with python_child(_PROGRAM.format(setup=setup, block=block)) as child:
        yield child.pid


def process_id(pid: int) -> ProcessId:
    """Return PID and start time of a real process."""
    stat = parse_stat(Path(f"/proc/{pid}/stat").read_bytes())
    assert hasattr(stat, "start_ticks")
    return ProcessId(pid, stat.start_ticks)


def until_state(pid: int, letter: str) -> None:
    """Wait until the kernel shows the main thread in that state (yields the core in between)."""
    while Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != letter.encode():
        os.sched_yield()
