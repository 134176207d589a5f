"""Signals reach the process that was meant, and no other."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from signal import Signals

import pytest

from gpumon.model.process import ProcessId
from gpumon.monitor.signals import CHOICES, ProcessSignaller
from tests.sources.children import process_id

_PF_KTHREAD = 0x00200000
_PATIENCE_SECONDS = 60.0


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that sleeps, and is ended afterwards whatever became of it."""
    with subprocess.Popen(["sleep", "600"]) as started:
        yield started
        started.kill()


def _stat(directory: Path, pid: int, *, state: str = "S", flags: int = 0, start_ticks: int = 77) -> str:
    """Write the stat file of a made-up process, and return the root of its /proc."""
    fields = [state, "1", *["0"] * 4, str(flags), *["0"] * 12, str(start_ticks), *["0"] * 30]
    (directory / str(pid)).mkdir()
    (directory / str(pid) / "stat").write_text(f"{pid} (made up) {' '.join(fields)}\n", encoding="ascii")
    return str(directory)


class _Kernel:
    """A kernel that opens a descriptor for any PID, and answers a signal with an error, or keeps it."""

    def __init__(self, *, at_open: int = 0, at_send: int = 0) -> None:
        self.at_open, self.at_send = at_open, at_send
        self.descriptor = -1
        self.sent: list[int] = []

    def open(self, pid: int) -> int:
        if self.at_open:
            raise OSError(self.at_open, os.strerror(self.at_open), str(pid))
        self.descriptor = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        return self.descriptor

    def send(self, descriptor: int, number: int) -> None:
        assert descriptor == self.descriptor
        if self.at_send:
            raise OSError(self.at_send, os.strerror(self.at_send))
        self.sent.append(number)

    @property
    def has_open_descriptor(self) -> bool:
        try:
            os.fstat(self.descriptor)
        except OSError:
            return False
        return True


@pytest.mark.parametrize("number", CHOICES[:3])
def test_the_process_gets_the_signal(child: subprocess.Popen[bytes], number: Signals) -> None:
    """A real process ends by the signal that was chosen."""
    assert ProcessSignaller().send(process_id(child.pid), number) == ""
    assert child.wait(_PATIENCE_SECONDS) == -number


def test_a_process_is_stopped_and_goes_on(child: subprocess.Popen[bytes]) -> None:
    """SIGSTOP stops it, SIGCONT lets it go on: the kernel reports both."""
    signaller, meant = ProcessSignaller(), process_id(child.pid)

    assert signaller.send(meant, Signals.SIGSTOP) == ""
    stopped = os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    assert signaller.send(meant, Signals.SIGCONT) == ""
    gone_on = os.waitid(os.P_PID, child.pid, os.WCONTINUED)

    assert stopped is not None
    assert gone_on is not None
    assert (stopped.si_code, gone_on.si_code) == (os.CLD_STOPPED, os.CLD_CONTINUED)


def test_who_has_a_pid_that_is_used_again_gets_nothing(child: subprocess.Popen[bytes]) -> None:
    """The same PID with another start time is another process: it lives on."""
    meant = process_id(child.pid)
    word = ProcessSignaller().send(replace(meant, start_ticks=meant.start_ticks - 1), Signals.SIGKILL)

    assert word == f"process {child.pid} has ended: its PID is another's by now, which got no signal"
    assert child.poll() is None


def test_a_process_that_has_ended_is_told_of(child: subprocess.Popen[bytes]) -> None:
    """Before its parent takes note of the end, and after."""
    meant = process_id(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    before = ProcessSignaller().send(meant, Signals.SIGTERM)
    child.wait()

    assert before == f"process {child.pid} has ended already: its parent has not taken note of it yet"
    assert ProcessSignaller().send(meant, Signals.SIGTERM) == f"process {child.pid} has ended"


@pytest.mark.parametrize(
    ("pid", "words"),
    [
        pytest.param(os.getpid(), "that is gpumon itself", id="own"),
        (1, "PID 1 is never signalled"),
        (0, "PID 0 is never signalled"),
        (-1, "PID -1 is never signalled"),
        (1 << 40, f"{1 << 40} is no PID"),
    ],
)
def test_some_are_never_signalled(pid: int, words: str) -> None:
    """Neither gpumon itself, nor PID 1, nor what would stand for many processes."""
    kernel = _Kernel()
    opener = kernel.open if abs(pid) < 1 << 31 else os.pidfd_open
    word = ProcessSignaller(open_pidfd=opener, send=kernel.send).send(ProcessId(pid, 77), Signals.SIGKILL)

    assert words in word
    assert kernel.sent == []


@pytest.mark.parametrize("number", [Signals.SIGHUP, Signals.SIGUSR1, Signals.SIGQUIT])
def test_only_the_signals_of_the_list_are_sent(number: Signals) -> None:
    """Whatever asks for another one gets a sentence."""
    kernel = _Kernel()
    word = ProcessSignaller(open_pidfd=kernel.open, send=kernel.send).send(ProcessId(4001, 77), number)

    assert word == f"{number.name} is none of the signals that gpumon sends"
    assert kernel.sent == []


def test_a_thread_of_the_kernel_is_never_signalled(tmp_path: Path) -> None:
    """It would not end, and is nobody's to end."""
    kernel = _Kernel()
    root = _stat(tmp_path, 4001, flags=_PF_KTHREAD)
    word = ProcessSignaller(root, open_pidfd=kernel.open, send=kernel.send).send(
        ProcessId(4001, 77), Signals.SIGKILL
    )

    assert word == "4001 is a thread of the kernel: it is never signalled"
    assert kernel.sent == []
    assert not kernel.has_open_descriptor


@pytest.mark.parametrize(
    ("at_open", "at_send", "words"),
    [
        (0, errno.EPERM, "no right to signal process 4001: it is another user's"),
        (0, errno.ESRCH, "process 4001 has ended"),
        (errno.ESRCH, 0, "process 4001 has ended"),
        (errno.ENOSYS, 0, "nothing was sent: a kernel before Linux 5.3"),
        (errno.EMFILE, 0, "process 4001 was not signalled: too many open files"),
    ],
)
def test_a_refusal_of_the_kernel_is_one_sentence(
    tmp_path: Path, at_open: int, at_send: int, words: str
) -> None:
    """What the kernel answers is told in words, and no descriptor stays open."""
    kernel = _Kernel(at_open=at_open, at_send=at_send)
    root = _stat(tmp_path, 4001)
    word = ProcessSignaller(root, open_pidfd=kernel.open, send=kernel.send).send(
        ProcessId(4001, 77), Signals.SIGTERM
    )

    assert words in word
    assert "\n" not in word
    assert kernel.sent == []
    assert not kernel.has_open_descriptor


@pytest.mark.parametrize("what", ["open", "send"])
def test_without_pidfds_nothing_is_sent(what: str) -> None:
    """A Python that cannot address a process for certain sends nothing at all."""
    kernel = _Kernel()
    opener: Callable[[int], int] | None = None if what == "open" else kernel.open
    sender: Callable[[int, int], None] | None = None if what == "send" else kernel.send
    word = ProcessSignaller(open_pidfd=opener, send=sender).send(ProcessId(4001, 77), Signals.SIGTERM)

    assert "this Python cannot address 4001 for certain" in word
    assert kernel.sent == []


def test_a_stat_file_that_cannot_be_read_sends_nothing(tmp_path: Path) -> None:
    """Who cannot be told apart is left alone, as with hidepid."""
    kernel = _Kernel()
    word = ProcessSignaller(str(tmp_path), open_pidfd=kernel.open, send=kernel.send).send(
        ProcessId(4001, 77), Signals.SIGTERM
    )

    assert word.startswith("nothing was sent: ")
    assert kernel.sent == []


def test_this_python_has_what_is_needed() -> None:
    """The calls that the tests above leave to the system are there."""
    assert hasattr(os, "pidfd_open")
    assert hasattr(signal, "pidfd_send_signal")
