"""The GPU launches kernels faster than they fill it: a larger batch costs hardly more time."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.devices import Device, devices_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.step import Step, step_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_of_words, count_words, percent, wait_words
from gpumon.history.stats import mean
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import known

# DCGM's guide: SMs active less than 50 % use the GPU ineffectively.
_SM_RATIO = 0.50
# Gao et al. (ICSE 2024): an improper batch leaves at least half of the memory unused at its peak.
_MEMORY_RATIO = 0.50
# Without hardware counters: published rates double from batch to batch below 8 images (YOLOv5s at 640 px
# on an A100: 24, 53, 104, 200 img/s with 1, 2, 4, 8; YOLOv5m at 416 px on a 3070: 17, 59, 108, 199), and
# their steps, which are mere launches, take 34 to 59 ms. Twice that covers slower hosts.
_IMAGES = 8
_STEP_SECONDS = 0.12
# Where nobody tells the time of a step, so little memory shows that its images are small.
_SMALL_RATIO = 0.25


@dataclass(frozen=True, slots=True)
class _Room:
    """The most that was held on a GPU of the training, and what it could hold, in bytes."""

    held: int
    limit: int

    @property
    def ratio(self) -> float:
        return self.held / self.limit

    @property
    def words(self) -> str:
        return f"{bytes_of_words(self.held, self.limit)} ({percent(self.ratio)}) of its memory"


def judge(view: View) -> Judgement:
    """Fire where no data is late, half of the memory is free, and the SMs are hardly filled."""
    step = step_of(view)
    if isinstance(step, NotJudged):
        return step
    if step.is_starved:
        return Silent(f"the wait for data is {wait_words(step.wait)}")
    devices = devices_of(view)
    room = _room(view, devices)
    if isinstance(room, NotJudged):
        return room
    if room.ratio > _MEMORY_RATIO:
        return Silent(f"it takes {percent(room.ratio)} of the GPU's memory")
    active = _sm_busy(devices)
    reason = _full_enough(active) if active is not None else _large_enough(step, room)
    if reason is not None:
        return reason
    return Finding(
        RULE.id,
        RULE.severity,
        _text(step, room, active),
        since_series(view, "data_wait_ratio", lambda wait: wait < STARVED_RATIO),
        _evidence(step, room, active),
    )


def _full_enough(active: float) -> Judgement | None:
    return Silent(f"{percent(active)} of the SMs are active") if active >= _SM_RATIO else None


def _large_enough(step: Step, room: _Room) -> Judgement | None:
    if step.images is None:
        return NotJudged("neither the activity of the SMs nor the size of the batch is known")
    if step.images >= _IMAGES:
        return Silent(f"a step has {step.images} images for each GPU")
    if step.seconds is None:
        small = room.ratio <= _SMALL_RATIO
        return None if small else NotJudged("neither the activity of the SMs nor the time of a step is known")
    if step.seconds > _STEP_SECONDS:
        return Silent(f"a step takes {1000 * step.seconds:.0f} ms: its images cost more than the launches")
    return None


def _room(view: View, devices: tuple[Device, ...]) -> _Room | NotJudged:
    """Return the memory of the GPU that is fullest while it trains."""
    found: list[_Room] = []
    own = [held for _, reading in view.steady if (held := known(reading.gpu_memory_used_bytes)) is not None]
    for device in devices:
        gpu = device.newest
        total = known(gpu.gpu_memory_total_bytes)
        if known(gpu.gpu_mig_mode) or not total:
            return NotJudged("how much memory its part of the GPU has is not known")
        used = [held for each in device.readings if (held := known(each.gpu_memory_used_bytes)) is not None]
        limit = total - (known(gpu.gpu_memory_reserved_bytes) or 0)
        if own:
            found.append(_Room(max(own) // len(devices), limit))
        elif used:
            # Not told by process: all that is held on the GPU is an upper bound.
            found.append(_Room(max(used), limit))
    if not found:
        return NotJudged("how much of the GPU's memory it takes is not known")
    return max(found, key=lambda room: room.ratio)


def _text(step: Step, room: _Room, active: float | None) -> str:
    images = "the batch" if step.images is None else f"a batch of {count_words(step.images, 'image')}"
    if active is not None:
        return (
            f"{images} is too small for the GPU: the loop waits only {percent(step.wait.value)} for data,"
            f" yet only {percent(active)} of the SMs are active, and it takes {room.words}"
        )
    seconds = "" if step.seconds is None else f" in {1000 * step.seconds:.0f} ms"
    steps = "such small steps" if step.seconds is None else "steps that short"
    return (
        f"{images} for each GPU{seconds} is too small: {steps} are launches rather than work;"
        f" it waits only {percent(step.wait.value)} for data and takes {room.words}"
    )


def _evidence(step: Step, room: _Room, active: float | None) -> tuple[Evidence, ...]:
    found = [
        Evidence(
            "training_gpu_memory_used_bytes",
            float(room.held),
            _MEMORY_RATIO * room.limit,
            text=f"{percent(room.ratio)} of the GPU's memory is in use at most",
        ),
        Evidence(
            "gpu_busy_ratio",
            step.busy,
            text=f"the GPU counts as busy {percent(step.busy)} of the time, with however few kernels",
        ),
    ]
    if active is not None:
        words = f"{percent(active)} of the SMs are active"
        found.insert(0, Evidence("gpu_sm_busy_ratio", active, _SM_RATIO, text=words))
    elif step.seconds is not None:
        words = f"a step takes {1000 * step.seconds:.0f} ms"
        found.insert(0, Evidence("batches_per_second", 1 / step.seconds, 1 / _STEP_SECONDS, text=words))
    return tuple(found)


def _sm_busy(devices: tuple[Device, ...]) -> float | None:
    found = [value for each in devices if (value := each.mean("gpu_sm_busy_ratio")) is not None]
    return mean(found) if found else None


RULE = Rule("batch-too-small", Severity.WARNING, ("data_wait_ratio", "gpu_busy_ratio"), judge)
