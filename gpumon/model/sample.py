"""One instant with every reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverReading, GpuReading
from gpumon.model.host import HostReading
from gpumon.model.measure import Maybe, Missing

if TYPE_CHECKING:
    from gpumon.model.reading import TrainingReading


@dataclass(frozen=True, slots=True)
class SourceError:
    """A source that could not read something, in one clear sentence."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class SelfReading:
    """What gpumon itself costs: cores, and resident bytes."""

    cpu_ratio: Maybe[float] = Missing("not read")
    memory_bytes: Maybe[int] = Missing("not read")


@dataclass(frozen=True, slots=True)
class Sample:
    """One instant: every reading, which of them are late, and how late the sample itself is.

    `late_sources` names the sources whose reading is older than the interval (a slow driver, a dead
    mount); their last reading stands in the sample. `late_seconds` is how long after its due time the
    sample was taken.
    """

    sequence: int
    instant: Instant
    interval_seconds: float
    hostname: str
    driver: DriverReading
    gpus: tuple[GpuReading, ...]
    host: HostReading
    trainings: tuple[TrainingReading, ...] = ()
    errors: tuple[SourceError, ...] = ()
    late_sources: tuple[str, ...] = ()
    late_seconds: float = 0.0
    self_reading: SelfReading = SelfReading()

    def training(self, pid: int | None = None) -> TrainingReading | None:
        """Return the training with that main PID, or the first one without a PID."""
        for reading in self.trainings:
            if pid is None or reading.training.id.pid == pid:
                return reading
        return None
