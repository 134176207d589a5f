"""Processes that cannot be read, and what is said about them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpumon.remote_python import (
    Gone,
    Interpreter,
    LayoutUnknown,
    NoPermission,
    NotPython,
    NotRunning,
    RemotePythonError,
    VersionUnknown,
)
from gpumon.remote_python.interpreter import known_layout
from gpumon.remote_python.process import namespace_ids, open_memory, own_pid, refusal, start_ticks, thread_ids
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.runtime import Runtime
from gpumon.remote_python.self_test import check_layout
from gpumon.remote_python.thread import find_threads
from tests.remote_python.children import PROGRAMS, attached, main_frames, started, until_waiting
from tests.remote_python.fake_memory import FakeMemory

NOBODY = 65534
PYTHON = Path(sys.executable)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's rights for the block; without them nothing changes."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def sleeping(*command: str) -> Iterator[int]:
    """Run a command that waits for its input; yield its PID once it runs."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()
        assert child.stdin is not None
        child.stdin.close()


def test_another_users_process_is_refused() -> None:
    """The reason names whose process it is; PID 1 is root's."""
    with as_nobody(), pytest.raises(NoPermission, match="belongs to the user with uid 0"):
        Interpreter.attach(1)


@pytest.mark.parametrize(
    ("scope", "capable", "expected"),
    [
        ("1", False, "kernel.yama.ptrace_scope is 1"),
        ("2", False, "kernel.yama.ptrace_scope is 2"),
        ("3", True, "kernel.yama.ptrace_scope is 3"),
        ("0", False, "--cap-add SYS_PTRACE"),
        ("", False, "--cap-add SYS_PTRACE"),
        ("0", True, "the kernel refuses to show the memory of process 7"),
    ],
)
def test_each_refusal_says_what_helps(scope: str, expected: str, *, capable: bool) -> None:
    """The reason depends on who asks, on Yama and on the capability."""
    assert expected in refusal(7, owner=1000, user=1000, yama_scope=scope, capable=capable)


def test_a_process_that_never_was_is_gone() -> None:
    """Numbers that no process has are no processes."""
    for pid in (0, -1, 2**31, 2**70):
        with pytest.raises(Gone, match="no process"):
            Interpreter.attach(pid)


def test_a_process_that_ended_is_gone() -> None:
    """A zombie, and a process that was waited for, have ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(Gone):
        Interpreter.attach(child.pid)
    child.wait()
    with pytest.raises(Gone):
        Interpreter.attach(child.pid)


def test_another_process_of_the_same_number_is_refused() -> None:
    """With a start time only the process that started then is attached to."""
    with attached(PYTHON, PROGRAMS / "known.py") as (interpreter, _said):
        pid, started_at = interpreter.pid, interpreter.start_ticks
        with pytest.raises(Gone, match="used by another one"):
            Interpreter.attach(pid, start_ticks=started_at + 1)
        with Interpreter.attach(pid, start_ticks=started_at) as again:
            assert started_at == again.start_ticks


def test_a_program_that_is_no_python_is_refused() -> None:
    """A program without an interpreter says so."""
    with sleeping("cat") as pid:
        until_waiting(pid)
        with pytest.raises(NotPython, match="no CPython"):
            Interpreter.attach(pid)


def test_what_was_attached_to_stays_none_after_its_end() -> None:
    """Nothing raises after the process has ended: everything is None, and it is not alive."""
    with attached(PYTHON, PROGRAMS / "known.py") as (interpreter, _said):
        frames = main_frames(interpreter)
        main = interpreter.main_thread
        table = next(frame for frame in frames if frame.name == "work").local("table")
        assert main is not None
        assert table is not None
        os.kill(interpreter.pid, 9)
        os.waitid(os.P_PID, interpreter.pid, os.WEXITED | os.WNOWAIT)

        assert (False, None, None, None, ()) == (
            interpreter.alive,
            main.frames(),
            table.len,
            frames[0].local("lines"),
            interpreter.threads(),
        )


def test_what_was_attached_to_stays_none_after_exec() -> None:
    """After exec of the same interpreter nothing of the new program is read as the old one's."""
    program = f"import os, sys; print('{{}}', flush=True); sys.stdin.read(1); os.execv({sys.executable!r}, "
    program += "['python', '-c', 'import sys; print(1, flush=True); sys.stdin.read()'])"
    with started([sys.executable, "-c", program]) as (child, _said):
        interpreter = Interpreter.attach(child.pid)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"x")
        child.stdin.flush()
        child.stdout.readline()
        main = interpreter.main_thread
        assert main is not None

        assert (False, None) == (interpreter.alive, main.frames())
        interpreter.close()
        until_waiting(child.pid)
        with Interpreter.attach(child.pid) as again:
            assert again.alive


def test_a_closed_reader_reads_nothing() -> None:
    """After close() everything is None, and closing again is harmless."""
    with attached(PYTHON, PROGRAMS / "known.py") as (interpreter, _said):
        main = interpreter.main_thread
        assert main is not None
        interpreter.close()
        interpreter.close()

        assert (False, None, ()) == (interpreter.alive, main.frames(), interpreter.threads())


@pytest.mark.parametrize("version", [(2, 7), (3, 7), (3, 15)])
def test_an_unknown_version_is_refused(version: tuple[int, int]) -> None:
    """A version without a table is named."""
    with pytest.raises(VersionUnknown, match="Python {}.{} is not known".format(*version)):
        known_layout(FakeMemory({}), Runtime(0x10000, version))


def test_an_interpreter_that_tells_nothing_is_refused() -> None:
    """From 3.13 on an interpreter whose offsets cannot be read is not guessed at."""
    with pytest.raises(LayoutUnknown, match="does not tell"):
        known_layout(FakeMemory({}), Runtime(0x10000, (3, 13)))


@pytest.mark.parametrize("minor", [8, 10, 12])
def test_a_wrong_layout_is_noticed(minor: int) -> None:
    """The layout of another version than the one that runs does not pass the test.

    Those of 3.8 to 3.10 differ in a frame's instruction and variables alone, which it does not look at.
    """
    with attached(PYTHON, PROGRAMS / "known.py") as (interpreter, _said):
        layout = known_layout(FakeMemory({}), Runtime(0x10000, (3, minor)))
        reader = Reader(interpreter._memory, layout)
        runtime, pid = interpreter._runtime.address, interpreter.pid
        threads = reader.attempt(lambda: find_threads(reader, runtime, pid, {pid: pid}))

        running = sys.version_info.minor
        if running == minor or max(running, minor) <= 10:
            assert threads
            check_layout(threads[0])
        else:
            with pytest.raises((LayoutUnknown, NotRunning)):
                check_layout(threads[0] if threads else None)


def open_files() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_open() -> None:
    """Refused or attached and closed, the number of open files stays the same."""
    with attached(PYTHON, PROGRAMS / "known.py") as (interpreter, _said), sleeping("cat") as other:
        before = open_files()
        for _ in range(20):
            Interpreter.attach(interpreter.pid).close()
            for pid in (other, 2**31):
                with pytest.raises(RemotePythonError):
                    Interpreter.attach(pid)

        assert before == open_files()


def test_ids_of_threads_in_the_same_namespace_are_the_kernels() -> None:
    """Without a PID namespace of its own a process sees its ids as we do."""
    pid = os.getpid()

    assert (pid, pid) == (own_pid(pid), thread_ids(pid)[pid])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (b"Name:\tpython\nNSpid:\t4711\t25\t1\nNSpgid:\t4711\n", [4711, 25, 1]),
        (b"NSpid:\t4711\n", [4711]),
        (b"Name:\tpython\nNSpid:\tbroken\n", []),
        (b"", []),
    ],
)
def test_ids_in_nested_namespaces_are_read(status: bytes, expected: list[int]) -> None:
    """In a container a process has an id of its own besides the one that we see."""
    assert expected == namespace_ids(status)


def test_memory_is_opened_for_the_process_that_is_meant() -> None:
    """The memory comes with the start time of its process."""
    memory, started_at = open_memory(os.getpid(), None)
    memory.close()

    assert start_ticks(os.getpid()) == started_at
