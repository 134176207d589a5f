"""The simulated machine: its clock, its GPUs, its trainings, and what fails."""

from __future__ import annotations

from math import sin

from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverReading, DriverState, GpuReading, GpusReading, GpuState
from gpumon.model.host import CoreReading, DiskReading, HostReading, MemoryReading, PressureReading
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import SelfReading, SourceError
from gpumon.model.training import Training
from gpumon.monitor.attaching import Found
from gpumon.monitor.monitor import Parts
from gpumon.sources.virtual_gpu import VirtualGpuSource
from tests.soak.trainings import Run
from tests.soak.week import GPUS, Stay, Trouble, day_of
from tests.unit.synthetic_training import GIB

CORES = 16
_START_UNIX_SECONDS = 1_795_000_000.0
_START_MONOTONIC_SECONDS = 10_000.0
# How many different seconds the machine has; its numbers repeat after them.
_SECONDS = 32
_DRIVER = DriverReading(DriverState.OK, "", driver_version="560.35", cuda_version="12.6")
_RELOADED = GpusReading(DriverReading(DriverState.NOT_LOADED, "the NVIDIA driver is not loaded"))
_NO_HOST = HostReading(*(Missing("/proc is not mounted"),) * 3)


class World:
    """The machine at one second of the soak. `step` is for the monitor's thread; the rest for any."""

    def __init__(self, seed: int, day_seconds: float, elapsed_seconds: float) -> None:
        """Begin at that second of the soak."""
        self.seed = seed
        self.day_seconds = day_seconds
        self.elapsed_seconds = elapsed_seconds
        self.instant = Instant(0.0, 0.0)
        self.troubles: frozenset[Trouble] = frozenset()
        self._runs: dict[int, Run] = {}
        self._running: tuple[Run, ...] = ()
        self._idle_gpus = tuple(_idle_gpu(index) for index in range(GPUS))
        self._hosts = tuple(_host(second) for second in range(_SECONDS))
        self._gpus = GpusReading(_DRIVER, self._idle_gpus)
        self.step(0.0)

    @property
    def day(self) -> int:
        """The number of the day, from 0."""
        return int(self.elapsed_seconds // self.day_seconds)

    def now(self) -> Instant:
        """Return the moment: the world is the clock of everything in it."""
        return self.instant

    def step(self, seconds: float) -> None:
        """Let time go by."""
        self.elapsed_seconds = at = self.elapsed_seconds + seconds
        day = day_of(self.seed, self.day, self.day_seconds)
        stops = sum(jump.monotonic_seconds for jump in day.jumps) * self.day
        passed = [jump for jump in day.jumps if jump.at_seconds <= at]
        monotonic = stops + at + sum(jump.monotonic_seconds for jump in passed)
        unix = stops + at + sum(jump.unix_seconds for jump in passed)
        self.instant = Instant(_START_UNIX_SECONDS + unix, _START_MONOTONIC_SECONDS + monotonic)
        self.troubles = frozenset(
            stretch.trouble for stretch in day.stretches if stretch.begin_seconds <= at < stretch.end_seconds
        )
        there = {stay.number: stay for stay in day.stays if stay.begin_seconds <= at < stay.end_seconds}
        if there.keys() != self._runs.keys():
            self._runs = {
                number: self._runs.get(number) or Run(stay, CORES) for number, stay in there.items()
            }
            self._running = tuple(self._runs.values())
        self._gpus = self._gpus_now()

    def parts(self) -> Parts:
        """Return the parts of a monitor of this machine."""
        return Parts(
            clock=self,
            gpus=_Gpus(self),
            host=_Host(self),
            own=_Own(),
            find=self._find,
            follow=self._follow,
            virtual=VirtualGpuSource,
            hostname="trainbox",
        )

    def gpus(self) -> GpusReading:
        """Return what the driver says. Raises OSError where its library does."""
        if Trouble.SOURCE_RAISES in self.troubles:
            raise OSError("the driver's library failed")
        return self._gpus

    def host(self) -> HostReading:
        """Return what /proc says."""
        if Trouble.HOST_UNREAD in self.troubles:
            return _NO_HOST
        return self._hosts[int(self.elapsed_seconds) % _SECONDS]

    def is_running(self, stay: Stay) -> bool:
        """Tell whether a training still runs."""
        return stay.number in self._runs

    def trainings_until_now(self) -> int:
        """Return how many trainings have started since the soak began."""
        day = day_of(self.seed, self.day, self.day_seconds)
        started = sum(stay.begin_seconds <= self.elapsed_seconds for stay in day.stays)
        return self.day * len(day.stays) + started

    def _gpus_now(self) -> GpusReading:
        if Trouble.DRIVER_RELOADED in self.troubles:
            return _RELOADED
        gpus = list(self._idle_gpus)
        for run in self._running:
            gpus[run.stay.gpu] = run.on_gpu(self._idle_gpus[run.stay.gpu], self.elapsed_seconds)
        if Trouble.GPU_LOST in self.troubles:
            gpus[1] = GpuReading(1, gpus[1].uuid, gpus[1].name, GpuState.LOST)
        return GpusReading(_DRIVER, tuple(gpus))

    def _find(self, gpu_pids: frozenset[int]) -> Found:
        del gpu_pids
        return Found(tuple(run.training for run in self._running))

    def _follow(self, training: Training) -> Followed:
        return Followed(self, next(run for run in self._running if run.training.id == training.id))


class Followed:
    """A training that is followed, also after its end."""

    def __init__(self, world: World, run: Run) -> None:
        """Follow it from now on."""
        self._world = world
        self._run = run
        self._ended_unix_seconds: float | None = None

    @property
    def id(self) -> ProcessId:
        """Its main process."""
        return self._run.training.id

    def refresh(self, training: Training) -> None:
        """Take in a new scan: nothing changes."""

    def read(self, now: Instant, gpus: GpusReading) -> TrainingReading:
        """Return its reading."""
        del gpus
        elapsed = self._world.elapsed_seconds
        if self._world.is_running(self._run.stay):
            return self._run.reading(elapsed)
        if self._ended_unix_seconds is None:
            self._ended_unix_seconds = now.unix_seconds
        return self._run.after_the_end(elapsed, self._ended_unix_seconds)

    def errors(self) -> tuple[SourceError, ...]:
        """Return nothing: all of it can be read."""
        return ()

    def late(self) -> tuple[str, ...]:
        """Return nothing: all of it is on time."""
        return ()

    def close(self) -> None:
        """Nothing is held."""


class _Gpus:
    """The driver."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, now: Instant) -> GpusReading:
        """Return what it says now."""
        del now
        return self._world.gpus()

    def close(self) -> None:
        """Nothing is held."""


class _Host:
    """The machine."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, now: Instant) -> HostReading:
        """Return what it says now."""
        del now
        return self._world.host()

    def close(self) -> None:
        """Nothing is held."""


class _Own:
    """A gpumon that says of itself that it costs a hundredth of a core."""

    def read(self, now: Instant) -> SelfReading:
        """Return it."""
        del now
        return SelfReading(0.01, 45 << 20)

    def close(self) -> None:
        """Nothing is held."""


def _idle_gpu(index: int) -> GpuReading:
    return GpuReading(
        index=index,
        uuid=f"GPU-{index}",
        name="NVIDIA GeForce RTX 3060",
        gpu_busy_ratio=0.0,
        gpu_memory_busy_ratio=0.0,
        gpu_memory_used_bytes=0,
        gpu_memory_reserved_bytes=250_000_000,
        gpu_memory_total_bytes=12 * GIB,
        processes=(),
        gpu_temperature_celsius=41.0,
        gpu_temperature_slowdown_celsius=93.0,
        gpu_power_watts=18.0,
        gpu_power_limit_watts=170.0,
        gpu_sm_clock_hertz=1.777e9,
        gpu_sm_clock_max_hertz=2.1e9,
        gpu_fan_ratio=0.3,
        gpu_throttle_power_ratio=0.0,
        gpu_throttle_thermal_ratio=0.0,
        gpu_throttle_reasons=(),
    )


def _host(second: int) -> HostReading:
    cores = tuple(
        CoreReading(core, min(1.0, max(0.0, 0.4 + 0.4 * sin(second * 0.6 + core))), 0.01, 0.0)
        for core in range(CORES)
    )
    return HostReading(
        cpu_busy_ratio=sum(core.cpu_busy_ratio for core in cores) / CORES,
        cores=cores,
        memory=MemoryReading(64 * GIB, 40 * GIB, 24 * GIB, 8 * GIB, GIB // 4),
        pressure=PressureReading(0.04, 0.02, 0.01, 0.0, 0.0),
        disks=(DiskReading("nvme0n1", 40e6 + 9e6 * sin(second), 1e6, 0.3),),
        physical_cores=CORES // 2,
        load_1_minute=3.2,
    )
