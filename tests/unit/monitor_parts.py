"""A monitor of made-up parts: the clock stands still unless it is moved, the trainings are a list."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverReading, DriverState, GpuProcess, GpuReading, GpusReading
from gpumon.model.host import HostReading
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.report import Report
from gpumon.model.sample import SelfReading, SourceError
from gpumon.model.training import Ended, Phase, Training
from gpumon.monitor.attaching import Found, Wish
from gpumon.monitor.monitor import Monitor, Parts

REAL_GPU = GpuReading(0, "GPU-real", "RTX", processes=(GpuProcess(4000, 1 << 30),))
HANG_SECONDS = 60.0


@dataclass
class FakeClock:
    """Tells the time that it was set to."""

    seconds: float = 1000.0

    def now(self) -> Instant:
        """Return the set moment."""
        return Instant(1_790_000_000.0 + self.seconds, self.seconds)


class FakeSource:
    """Returns what it was given, counts the closings, and can hang or fail."""

    def __init__(self, reading: GpusReading) -> None:
        self.reading = reading
        self.asked: list[Instant] = []
        self.closed = 0
        self.failure: Exception | None = None
        self.free = threading.Event()
        self.free.set()

    def read(self, now: Instant) -> GpusReading:
        """Return the reading; waits while not `free`."""
        self.asked.append(now)
        self.free.wait(HANG_SECONDS)
        if self.failure is not None:
            raise self.failure
        return self.reading

    def close(self) -> None:
        """Count."""
        self.closed += 1


class FakeHost:
    """A host of which nothing can be read."""

    closed = 0

    def read(self, now: Instant) -> HostReading:
        """Return Missing for everything."""
        del now
        missing = Missing("not read")
        return HostReading(missing, missing, missing)

    def close(self) -> None:
        """Count."""
        self.closed += 1


class FakeOwn:
    """A gpumon that costs nothing."""

    closed = 0

    def read(self, now: Instant) -> SelfReading:
        """Return a cost."""
        del now
        return SelfReading(0.01, 1 << 20)

    def close(self) -> None:
        """Count."""
        self.closed += 1


@dataclass
class FakeFollowing:
    """A training that does what the test says."""

    training: Training
    ended: Ended | None = None
    phase: Phase = Phase.TRAIN
    seen: list[GpusReading] = field(default_factory=list)
    refreshed: list[Training] = field(default_factory=list)
    troubles: tuple[SourceError, ...] = ()
    slow: tuple[str, ...] = ()
    closed: int = 0

    def refresh(self, training: Training) -> None:
        """Take in a newer picture."""
        self.training = training
        self.refreshed.append(training)

    def read(self, now: Instant, gpus: GpusReading) -> TrainingReading:
        """Return a training in its phase, or ended."""
        del now
        self.seen.append(gpus)
        return TrainingReading(self.training, self.phase, "made up", ended=self.ended)

    def errors(self) -> tuple[SourceError, ...]:
        """Return the troubles."""
        return self.troubles

    def late(self) -> tuple[str, ...]:
        """Return the slow sources."""
        return self.slow

    def close(self) -> None:
        """Count."""
        self.closed += 1


class Stage:
    """A monitor and everything around it."""

    def __init__(
        self,
        *trainings: Training,
        wish: Wish | None = None,
        interval_seconds: float = 1.0,
        patience_seconds: float = HANG_SECONDS,
    ) -> None:
        """Make the parts; by default a tick waits for them for as long as a busy machine may take."""
        self.trainings = trainings
        self.clock = FakeClock()
        self.gpus = FakeSource(GpusReading(DriverReading(DriverState.OK), (REAL_GPU,)))
        self.host = FakeHost()
        self.own = FakeOwn()
        self.followings: dict[ProcessId, FakeFollowing] = {}
        self.virtual: dict[str, FakeSource] = {}
        self.scans: list[frozenset[int]] = []
        self.stopped = 0
        parts = Parts(
            clock=self.clock,
            gpus=self.gpus,
            host=self.host,
            own=self.own,
            find=self._find,
            follow=self._follow,
            virtual=self._virtual_gpu,
            hostname="box",
            stop=self._stop,
        )
        self.monitor = Monitor(parts, wish or Wish(), interval_seconds, patience_seconds=patience_seconds)

    def tick(self, count: int = 1, *, seconds: float = 1.0) -> Report:
        """Tick so often, some seconds apart; return the last report."""
        report = self.monitor.tick()
        self.clock.seconds += seconds
        for _ in range(count - 1):
            report = self.monitor.tick()
            self.clock.seconds += seconds
        return report

    def following(self, training: Training) -> FakeFollowing:
        """Return what follows a training."""
        return self.followings[training.id]

    def close(self) -> None:
        """Let everything go that hangs, and close the monitor."""
        self.gpus.free.set()
        self.monitor.close()

    def _find(self, gpu_pids: frozenset[int]) -> Found:
        self.scans.append(gpu_pids)
        return Found(self.trainings)

    def _follow(self, training: Training) -> FakeFollowing:
        self.followings[training.id] = FakeFollowing(training)
        return self.followings[training.id]

    def _virtual_gpu(self, path: str, index: int) -> FakeSource:
        driver = DriverReading(DriverState.OK, "virtual GPU, simulated", simulated=True)
        gpu = replace(REAL_GPU, index=index, uuid=f"GPU-{path}", simulated=True, processes=())
        self.virtual[path] = FakeSource(GpusReading(driver, (gpu,)))
        return self.virtual[path]

    def _stop(self) -> None:
        self.stopped += 1
