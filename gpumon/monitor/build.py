"""The monitor of this machine: every part the real one."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gpumon.model.measure import Missing
from gpumon.model.text import clean
from gpumon.monitor.attaching import Found, Wish
from gpumon.monitor.looks import Looks
from gpumon.monitor.monitor import Monitor, Parts
from gpumon.settings import MAX_THREAD_RATE_HERTZ, Settings
from gpumon.sources.clock import SystemClock
from gpumon.sources.host import HostSource
from gpumon.sources.nvml import NvmlSource
from gpumon.sources.own_cost import OwnCostSource
from gpumon.sources.proc_file import read_file

if TYPE_CHECKING:
    from gpumon.model.gpu import GpusReading
    from gpumon.model.source import Source
    from gpumon.model.training import Training
    from gpumon.monitor.follower import Follower
    from gpumon.sources.process_scan import ProcessScanner

# Looks at frames for each look at states of threads: the error of the wait falls with their number. At the
# default 40 a second it was 0.01 in windows of 10 s.
_FRAME_LOOKS = 2.0


def process_exists(pid: int) -> bool:
    """Tell whether there is a process of that PID."""
    return Path(f"/proc/{pid}").is_dir()


def may_become_training(pid: int) -> bool:
    """Tell whether a process that is no training may soon be one: it, or what it has started, is Python.

    A shell that has not started its Python program yet cannot be told from any other.
    """
    from gpumon.frameworks.process_tree import ProcessTree, is_python_like
    from gpumon.sources.process_scan import ProcessScanner

    pid = process_of(pid)
    processes = ProcessScanner().scan((pid,))
    asked = next((seen for seen in processes if seen.id.pid == pid), None)
    if asked is None:
        return False
    return any(map(is_python_like, (asked, *ProcessTree.of(processes).descendants(asked))))


def process_of(pid: int) -> int:
    """Return the process that a thread belongs to; a process' own PID as it is.

    /proc has threads too, though it does not list them, and htop shows them like processes.
    """
    status = read_file(f"/proc/{pid}/status", 4096)
    if isinstance(status, Missing):
        return pid
    told = next((line for line in status.splitlines() if line.startswith(b"Tgid:")), b"").split()
    return int(told[1]) if len(told) == 2 and told[1].isdigit() else pid


def build_monitor(settings: Settings, wish: Wish) -> Monitor:
    """Return the monitor of this machine; it reads nothing of it before its first tick."""
    clock = SystemClock()
    if wish.pid is not None:
        wish = replace(wish, pid=process_of(wish.pid))
    rate = settings.thread_rate_hertz
    looks = Looks(rate, min(_FRAME_LOOKS * rate, MAX_THREAD_RATE_HERTZ), os.getpid())
    gpus = NvmlSource(clock, select=(settings.gpu,) if settings.gpu else ())
    followers: list[Follower] = []
    before: list[Training] = []
    scanner: ProcessScanner | None = None

    def find(gpu_pids: frozenset[int]) -> Found:
        # Loaded in the thread of the scan, and the follower where something is followed: what can be seen
        # before does not wait for it.
        from gpumon.frameworks.find import find_trainings, started_by
        from gpumon.sources.process_scan import ProcessScanner

        nonlocal scanner
        scanner = scanner or ProcessScanner()
        also = gpu_pids if wish.pid is None else gpu_pids | {wish.pid}
        processes = scanner.scan(also)
        wished = next((seen for seen in processes if seen.id.pid == wish.pid), None)
        # YOLOv5 cuts its workers to the CPUs per GPU of the machine: a choice of GPUs here is none there.
        before[:] = find_trainings(
            processes, gpu_pids=gpu_pids, visible_gpus=gpus.machine_gpus, before=tuple(before)
        )
        below = frozenset() if wished is None else started_by(wished, tuple(before), processes)
        return Found(tuple(before), None if wished is None else wished.name, below=below)

    def follow(training: Training) -> Follower:
        from gpumon.monitor.follower import Follower

        follower = Follower(
            training,
            lambda gone: _forget(gone, followers, looks),
            interpreter=settings.interpreter and rate > 0,
            ranks_changed=lambda: _watch(followers, looks),
        )
        followers.append(follower)
        _watch(followers, looks)
        return follower

    parts = Parts(
        clock=clock,
        gpus=gpus,
        host=HostSource(),
        own=OwnCostSource(),
        find=find,
        follow=follow,
        virtual=_virtual,
        hostname=clean(socket.gethostname(), 255),
        stop=looks.stop,
    )
    return Monitor(parts, wish, settings.interval_seconds)


def _virtual(path: str, index: int) -> Source[GpusReading]:
    """Return the GPU of a simulated training; loaded with the first one."""
    from gpumon.sources.virtual_gpu import VirtualGpuSource

    return VirtualGpuSource(path, index)


def _forget(gone: Follower, followers: list[Follower], looks: Looks) -> None:
    """Look no more at the threads of a training that is not followed any more."""
    followers.remove(gone)
    _watch(followers, looks)


def _watch(followers: Sequence[Follower], looks: Looks) -> None:
    """Look at what these followers follow now."""
    looks.watch(
        (follower.sampler for follower in followers),
        (source for follower in followers for source in follower.interpreters),
    )
