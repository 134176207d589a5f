"""The GPUs of a training: what each of them said while it trained steadily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from gpumon.diagnosis.rule import NotJudged
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.history.stats import mean
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing, known

_NO_DEVICES = NotJudged("the training uses no GPU, or which one is not known")


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU of a training.

    `readings` are those of the steady samples, oldest first (at least one); `is_alone` tells that the
    training uses no other GPU.
    """

    readings: tuple[GpuReading, ...]
    is_alone: bool

    @property
    def newest(self) -> GpuReading:
        """Its newest reading."""
        return self.readings[-1]

    @property
    def words(self) -> str:
        """What it is called in a sentence."""
        return "the GPU" if self.is_alone else f"GPU {self.newest.index}"

    def mean(self, measure: str) -> float | None:
        """Return the mean of one of its measures, by its name, or None where no reading has it."""
        read = attrgetter(measure)
        # One look at the class costs a third of `number`: there may be 8 GPUs with 20 readings each.
        values = [value for value in map(read, self.readings) if isinstance(value, (float, int))]
        return mean(values) if values else None

    def why_not(self, measure: str) -> str:
        """Return why the newest reading lacks a measure."""
        value = getattr(self.newest, measure)
        return value.reason if isinstance(value, Missing) else "not read"

    @property
    def clock_ratio(self) -> float | None:
        """The mean SM clock as a share of the highest the GPU can do."""
        clock, highest = self.mean("gpu_sm_clock_hertz"), known(self.newest.gpu_sm_clock_max_hertz)
        return clock / highest if clock is not None and highest else None


def devices_of(view: View) -> tuple[Device, ...]:
    """Return the GPUs that a training used in its steady samples, by index."""
    return view.once(_devices)


def looked_at(view: View) -> tuple[Device, ...] | NotJudged:
    """Return the GPUs of a training, or why there is nothing to judge yet."""
    if view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    found = devices_of(view)
    return found or _NO_DEVICES


def highest(devices: Sequence[Device], measure: str) -> tuple[Device, float] | NotJudged:
    """Return the GPU with the highest mean of a measure, and the mean; or why none of them has it."""
    if not devices:
        return _NO_DEVICES
    found = [
        (value, -index) for index, each in enumerate(devices) if (value := each.mean(measure)) is not None
    ]
    if not found:
        return NotJudged(f"{measure} is not known: {devices[0].why_not(measure)}")
    value, place = max(found)
    return devices[-place], value


def _devices(view: View) -> tuple[Device, ...]:
    found: dict[str, list[GpuReading]] = {}
    for sample, reading in view.steady:
        for gpu in reading.gpus(sample.gpus):
            found.setdefault(gpu.uuid, []).append(gpu)
    is_alone = len(found) == 1
    every = [Device(tuple(readings), is_alone) for readings in found.values()]
    return tuple(sorted(every, key=lambda device: device.newest.index))
