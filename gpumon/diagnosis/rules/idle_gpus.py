"""The machine has GPUs that nobody uses, as good as those of the training."""

from __future__ import annotations

from gpumon.diagnosis.devices import devices_of, looked_at
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import count_words, percent, wait_words
from gpumon.history.stats import mean
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import Missing, known, number

_IDLE_RATIO = 0.05
# A process that holds more than this is somebody's, although it idles now; a desktop holds less.
_HELD_BYTES = 1 << 30
# Ranks of different GPUs wait for the slowest: one with much less memory is no help.
_MEMORY_SHARE = 0.5


def judge(view: View) -> Judgement:
    """Fire where GPUs beside those of the training were idle in all steady samples."""
    devices = looked_at(view)
    if isinstance(devices, NotJudged):
        return devices
    seen = view.once(_beside)
    if not isinstance(seen, tuple):
        return seen
    return _finding(view, len(devices), [gpu for gpu, _ in seen], mean([busy for _, busy in seen]))


def idle_beside(view: View) -> tuple[GpuReading, ...]:
    """Return the GPUs that the rule calls idle beside those of the training; none where it does not fire."""
    if not devices_of(view):
        return ()
    seen = view.once(_beside)
    return tuple(gpu for gpu, _ in seen) if isinstance(seen, tuple) else ()


def _beside(view: View) -> tuple[tuple[GpuReading, float], ...] | Silent | NotJudged:
    """Return the idle GPUs with how busy they were at most, or why there are none. It needs a device."""
    devices = devices_of(view)
    own = {device.newest.uuid for device in devices}
    taken = {uuid for reading in view.sample.trainings for uuid in reading.gpu_uuids}
    others = [gpu for gpu in view.gpus if gpu.uuid not in own | taken and gpu.state is GpuState.OK]
    if not others:
        return Silent("there is no other GPU that answers")
    least = _MEMORY_SHARE * min(known(device.newest.gpu_memory_total_bytes) or 0 for device in devices)
    idle: list[tuple[GpuReading, float]] = []
    reason = ""
    for gpu in others:
        busy = _busy(view, gpu.uuid)
        if busy is None:
            value = gpu.gpu_busy_ratio
            reason = value.reason if isinstance(value, Missing) else "not read"
        elif busy < _IDLE_RATIO and not _is_held(gpu) and (known(gpu.gpu_memory_total_bytes) or 0) >= least:
            idle.append((gpu, busy))
    if not idle:
        return (
            NotJudged(f"how busy the other GPUs are is not known: {reason}")
            if reason
            else Silent("the other GPUs are in use, or much smaller")
        )
    return tuple(idle)


def _finding(view: View, used: int, idle: list[GpuReading], busy: float) -> Finding:
    total = len(view.gpus)
    named = ", ".join(str(gpu.index) for gpu in idle[:8]) + ("" if len(idle) <= 8 else ", ...")
    text = (
        f"{len(idle)} of {count_words(total, 'GPU')} {'idles' if len(idle) == 1 else 'idle'} ({named}) while"
        f" the training uses {used}"
    )
    wait = view.wait
    if not isinstance(wait, Missing) and wait.low > STARVED_RATIO:
        text += f"; more of them help only once it does not wait {wait_words(wait)} for data any more"
    evidence = Evidence(
        "gpu_busy_ratio", busy, _IDLE_RATIO, text=f"the others are busy {percent(busy)} of the time"
    )

    def holds(value: float) -> bool:
        return value < _IDLE_RATIO

    since = since_series(view, "gpu_busy_ratio", holds, idle[0].uuid)
    return Finding(RULE.id, RULE.severity, text, since, (evidence,))


def _busy(view: View, uuid: str) -> float | None:
    """Return the highest of the readings: a GPU that was used in between is somebody's."""
    values = [
        value
        for sample, _ in view.steady
        for gpu in sample.gpus
        if gpu.uuid == uuid and (value := number(gpu.gpu_busy_ratio)) is not None
    ]
    return max(values) if values else None


def _is_held(gpu: GpuReading) -> bool:
    held = known(gpu.gpu_memory_used_bytes)
    return held is not None and held > _HELD_BYTES


RULE = Rule("idle-gpus", Severity.INFO, ("gpu_busy_ratio",), judge)
