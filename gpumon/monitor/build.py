"""The monitor of this machine: every part the real one."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from gpumon.frameworks.find import find_trainings
from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverState, GpusReading
from gpumon.model.text import clean
from gpumon.model.training import Training
from gpumon.monitor.attaching import Found, Wish
from gpumon.monitor.follower import Follower
from gpumon.monitor.looks import Looks
from gpumon.monitor.monitor import Monitor, Parts
from gpumon.settings import MAX_THREAD_RATE_HERTZ, Settings
from gpumon.sources.clock import SystemClock
from gpumon.sources.host import HostSource
from gpumon.sources.nvml import NvmlSource
from gpumon.sources.own_cost import OwnCostSource
from gpumon.sources.process_scan import ProcessScanner
from gpumon.sources.virtual_gpu import VirtualGpuSource

# Looks at frames for each look at states of threads: the error of the wait falls with their number. At the
# default 40 a second it was 0.01 in windows of 10 s.
_FRAME_LOOKS = 2.0


def process_exists(pid: int) -> bool:
    """Tell whether there is a process of that PID."""
    return Path(f"/proc/{pid}").is_dir()


def build_monitor(settings: Settings, wish: Wish) -> Monitor:
    """Return the monitor of this machine; it reads nothing before its first tick."""
    clock = SystemClock()
    rate = settings.thread_rate_hertz
    looks = Looks(rate, min(_FRAME_LOOKS * rate, MAX_THREAD_RATE_HERTZ), os.getpid())
    scanner = ProcessScanner()
    gpus = _CountedGpus(NvmlSource(clock, select=(settings.gpu,) if settings.gpu else ()))
    followers: list[Follower] = []
    before: list[Training] = []

    def find(gpu_pids: frozenset[int]) -> Found:
        also = gpu_pids if wish.pid is None else gpu_pids | {wish.pid}
        processes = scanner.scan(also)
        name = next((seen.name for seen in processes if seen.id.pid == wish.pid), None)
        # YOLOv5 cuts its workers to the CPUs per GPU; a choice of GPUs here is none there.
        visible_gpus = gpus.count if not settings.gpu else None
        before[:] = find_trainings(
            processes, gpu_pids=gpu_pids, visible_gpus=visible_gpus, before=tuple(before)
        )
        return Found(tuple(before), name)

    def follow(training: Training) -> Follower:
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
        virtual=VirtualGpuSource,
        hostname=clean(socket.gethostname(), 255),
        stop=looks.stop,
    )
    return Monitor(parts, wish, settings.interval_seconds)


class _CountedGpus:
    """A source of GPUs that remembers how many there are (None: no driver, or none yet)."""

    def __init__(self, source: NvmlSource) -> None:
        self._source = source
        self.count: int | None = None

    def read(self, now: Instant) -> GpusReading:
        """Return what the source reads."""
        reading = self._source.read(now)
        if reading.driver.state is DriverState.OK:
            self.count = len(reading.gpus)
        return reading

    def close(self) -> None:
        """Close the source."""
        self._source.close()


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
