"""The last seconds of a training as the baselines see it: what tools without gpumon's sources have."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from gpumon.history.stats import mean
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Phase

Seen = tuple[Sample, TrainingReading]


def gpus_of(seen: Seen) -> tuple[GpuReading, ...]:
    """Return the GPUs of the training, or all of the machine where it is not known on which it is."""
    sample, reading = seen
    return reading.gpus(sample.gpus) or sample.gpus


def busy_values(seen: Seen) -> list[float]:
    """Return the GPU's busy ratios of one second: the driver's finer samples where there are any."""
    found: list[float] = []
    for gpu in gpus_of(seen):
        fine = [sample.gpu_busy_ratio for sample in gpu.busy_samples]
        whole = number(gpu.gpu_busy_ratio)
        found += fine or ([whole] if whole is not None else [])
    return found


def busy_of(seen: Seen) -> float | None:
    """Return the GPU's busy ratio of one second, the mean over the training's GPUs."""
    values = [value for gpu in gpus_of(seen) if (value := number(gpu.gpu_busy_ratio)) is not None]
    return mean(values) if values else None


def memory_of(seen: Seen) -> float | None:
    """Return the used share of the fullest GPU of the training."""
    shares = [
        used / total
        for gpu in gpus_of(seen)
        if (used := number(gpu.gpu_memory_used_bytes)) is not None
        and (total := number(gpu.gpu_memory_total_bytes))
    ]
    return max(shares, default=None)


@dataclass(frozen=True, slots=True)
class Recent:
    """The seconds seen so far, the newest of them; with `only_training` those of training alone."""

    seen: deque[Seen]
    only_training: bool = False

    @classmethod
    def of(cls, seconds: int, *, only_training: bool = False) -> Recent:
        """Return an empty one for at most so many."""
        return cls(deque(maxlen=seconds), only_training)

    def add(self, sample: Sample) -> TrainingReading | None:
        """Add a sample and return its training, or None where it shows none."""
        reading = sample.training()
        if reading is not None and (reading.phase is Phase.TRAIN or not self.only_training):
            self.seen.append((sample, reading))
        return reading

    def busy(self) -> float | None:
        """Return the mean busy ratio."""
        values = [value for seen in self.seen if (value := busy_of(seen)) is not None]
        return mean(values) if values else None

    def wait(self) -> float | None:
        """Return the mean share of time waiting for data, as gpumon measures it."""
        values = [
            value for _, reading in self.seen if (value := number(reading.loader.data_wait_ratio)) is not None
        ]
        return mean(values) if values else None

    def __len__(self) -> int:
        """Return how many seconds there are."""
        return len(self.seen)

    def __iter__(self) -> Iterator[Seen]:
        """Yield them, oldest first."""
        return iter(self.seen)


def cores_of(reading: TrainingReading, sample: Sample) -> int | None:
    """Return the cores a training may run on, as `len(os.sched_getaffinity(0))` within it would say."""
    cores = number(reading.affinity_cores)
    if cores is None:
        host = known(sample.host.cores)
        cores = float(len(host)) if host else None
    return int(cores) if cores else None
