"""What a finding costs a training: speed, time until the end of the run, and energy."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Maybe, Missing, number

if TYPE_CHECKING:
    from gpumon.model.finding import Finding
    from gpumon.model.reading import TrainingReading

_HOUR_SECONDS = 3600.0
# A rate without the loss is rate / (1 - share); a share nearer to 1 would make it any number.
_MOST_LOST_RATIO = 0.98


@dataclass(frozen=True, slots=True)
class Cost:
    """What a finding takes from a training as it runs now; all of it is estimated.

    `lost_ratio` is the share of the training's time (0..1). `images_per_second` are those that it would be
    faster without the finding. `lost_seconds` and `lost_joules` are until the end of the run: the energy
    that its GPUs draw in that time at their present power. That is an upper bound, for a GPU that waits
    draws less than its mean.
    """

    lost_ratio: float
    images_per_second: Maybe[float]
    lost_seconds: Maybe[float]
    lost_joules: Maybe[float]

    @property
    def lost_seconds_per_hour(self) -> float:
        """How much of each hour is lost."""
        return self.lost_ratio * _HOUR_SECONDS


def cost_of(finding: Finding, reading: TrainingReading, power_watts: Maybe[float]) -> Cost | None:
    """Return what a finding costs, or None where it costs nothing or nobody knows.

    With the share r lost, a rate of R images/s would be R / (1 - r), so R * r / (1 - r) are lost; of the
    time T until the end, T * r. `power_watts` is what the training's GPUs draw together.
    """
    lost = finding.lost_ratio
    if lost is None or not isfinite(lost) or lost <= 0 or reading.ended is not None:
        return None
    lost = min(lost, _MOST_LOST_RATIO)
    rate, eta_seconds = number(reading.progress.images_per_second), number(reading.progress.eta_seconds)
    images: Maybe[float] = Missing("the rate of images is not known")
    if rate is not None:
        images = rate * lost / (1.0 - lost)
    seconds: Maybe[float] = Missing("the end of the run is not known")
    joules: Maybe[float] = seconds
    if eta_seconds is not None and isfinite(eta_seconds) and eta_seconds >= 0:
        seconds = eta_seconds * lost
        joules = power_watts if isinstance(power_watts, Missing) else seconds * power_watts
    return Cost(lost, images, seconds, joules)


def power_of(reading: TrainingReading, gpus: tuple[GpuReading, ...]) -> Maybe[float]:
    """Return the watts that the GPUs of a training draw now, or why they are not known."""
    used = reading.gpus(gpus)
    if not used:
        return Missing("it is not known which GPUs the training uses")
    watts = [number(gpu.gpu_power_watts) for gpu in used]
    known = [value for value in watts if value is not None]
    if len(known) < len(watts):
        return Missing("the power of its GPUs cannot be read")
    return sum(known)
