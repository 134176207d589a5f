"""Sends a signal to a process of a training, and to no other."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from signal import Signals
from typing import Protocol

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.sources.proc_fields import parse_stat
from gpumon.sources.proc_file import read_file

# What can be sent, mildest first: the list of the dashboard.
CHOICES = (Signals.SIGINT, Signals.SIGTERM, Signals.SIGKILL, Signals.SIGSTOP, Signals.SIGCONT)

_INIT = 1
_DEAD_STATES = "ZX"
_STAT_BYTES = 1024
# Python has them from 3.9 on, unless it was built where the C library knew of no pidfds.
_PIDFD_OPEN: Callable[[int], int] | None = getattr(os, "pidfd_open", None)
_PIDFD_SEND: Callable[[int, int], None] | None = getattr(signal, "pidfd_send_signal", None)


class Signaller(Protocol):
    """Whoever can signal processes."""

    def send(self, process: ProcessId, number: Signals) -> str:
        """Send one of CHOICES; return an empty text, or in one sentence why nothing was sent."""
        ...


class ProcessSignaller:
    """Signals processes of this machine through pidfds (Linux 5.3, pidfd_open(2) and pidfd_send_signal(2)).

    A PID is used again after its process; a pidfd stays with its process. It is opened first, then the start
    time in /proc/PID/stat is compared: where it is the expected one, the process was there before the pidfd
    and is there still, so the pidfd is its own. Without pidfds nothing is sent: kill(2) cannot tell the two.
    """

    def __init__(
        self,
        proc_root: str = "/proc",
        *,
        open_pidfd: Callable[[int], int] | None = _PIDFD_OPEN,
        send: Callable[[int, int], None] | None = _PIDFD_SEND,
    ) -> None:
        self._root = proc_root
        self._open = open_pidfd
        self._send = send

    def send(self, process: ProcessId, number: Signals) -> str:
        """Send one of CHOICES; never to gpumon itself, to PID 1 or to a thread of the kernel."""
        never = _never(process.pid, number)
        if never:
            return never
        if self._open is None or self._send is None:
            return f"nothing was sent: this Python cannot address {process.pid} for certain (no pidfd_open)"
        descriptor = -1
        try:
            descriptor = self._open(process.pid)
            reason = self._is_another(process)
            if not reason:
                self._send(descriptor, number)
        except OSError as error:
            return _refusal(process.pid, error)
        except OverflowError:
            return f"{process.pid} is no PID"
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return reason

    def _is_another(self, process: ProcessId) -> str:
        """Return why the process that has the PID now is not signalled, or an empty text."""
        data = read_file(f"{self._root}/{process.pid}/stat", _STAT_BYTES)
        stat = data if isinstance(data, Missing) else parse_stat(data)
        if isinstance(stat, Missing):
            return f"nothing was sent: {stat.reason}"
        if stat.start_ticks != process.start_ticks:
            return f"process {process.pid} has ended: its PID is another's by now, which got no signal"
        if stat.is_kernel_thread:
            return f"{process.pid} is a thread of the kernel: it is never signalled"
        if stat.state in _DEAD_STATES:
            return f"process {process.pid} has ended already: its parent has not taken note of it yet"
        return ""


def _never(pid: int, number: Signals) -> str:
    """Return why a signal is sent in no case, or an empty text."""
    if number not in CHOICES:
        return f"{number.name} is none of the signals that gpumon sends"
    if pid <= _INIT:
        return f"PID {pid} is never signalled: the whole machine or container hangs on it"
    return "that is gpumon itself: q leaves it" if pid == os.getpid() else ""


def _refusal(pid: int, error: OSError) -> str:
    """Return what the kernel's answer means."""
    if error.errno == errno.ESRCH:
        return f"process {pid} has ended"
    if error.errno in {errno.EPERM, errno.EACCES}:
        return f"no right to signal process {pid}: it is another user's (as root gpumon has it)"
    if error.errno == errno.ENOSYS:
        return f"nothing was sent: a kernel before Linux 5.3 cannot address {pid} for certain (no pidfd_open)"
    return f"process {pid} was not signalled: {os.strerror(error.errno or 0).lower()}"
