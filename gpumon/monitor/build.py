"""The monitor of this machine: every part the real one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from gpumon.frameworks.find import find_trainings
from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverState, GpusReading
from gpumon.model.text import clean
from gpumon.model.training import Training
from gpumon.monitor.attaching import Found, Wish
from gpumon.monitor.follower import Follower
from gpumon.monitor.looks import LookThread
from gpumon.monitor.monitor import Monitor, Parts
from gpumon.settings import Settings
from gpumon.sources.clock import SystemClock
from gpumon.sources.host import HostSource
from gpumon.sources.nvml import NvmlSource
from gpumon.sources.own_cost import OwnCostSource
from gpumon.sources.process_scan import ProcessScanner
from gpumon.sources.virtual_gpu import VirtualGpuSource


def process_exists(pid: int) -> bool:
    """Tell whether there is a process of that PID."""
    return Path(f"/proc/{pid}").is_dir()


def build_monitor(settings: Settings, wish: Wish) -> Monitor:
    """Return the monitor of this machine; it reads nothing before its first tick."""
    clock = SystemClock()
    looks = LookThread(settings.thread_rate_hertz, seed=os.getpid())
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
        follower = Follower(training, lambda gone: _forget(gone, followers, looks))
        followers.append(follower)
        looks.watch(follower.sampler for follower in followers)
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


def _forget(gone: Follower, followers: list[Follower], looks: LookThread) -> None:
    """Look no more at the threads of a training that is not followed any more."""
    followers.remove(gone)
    looks.watch(follower.sampler for follower in followers)
