"""A GPU of the training does not answer any more."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.history.phases import Seen
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import DriverState, GpuReading, GpuState
from gpumon.model.measure import Missing, number

# How far back the training's GPUs, and their last words, are looked for.
_LOOKED_THROUGH = 600
# The driver itself cannot start while one of its GPUs is off the bus.
_TELLING = frozenset({DriverState.OK, DriverState.FAILED})


def judge(view: View) -> Judgement:
    """Fire where a GPU that the training used is lost, or one is lost and the training has none."""
    driver = view.sample.driver
    lost = [gpu for gpu in view.sample.gpus if gpu.state is GpuState.LOST]
    if not lost:
        return Silent("all GPUs answer")
    if driver.state not in _TELLING:
        return NotJudged(driver.text or "the driver does not answer")
    used = {uuid for _, reading in view.seen[-_LOOKED_THROUGH:] for uuid in reading.gpu_uuids}
    own = [gpu for gpu in lost if gpu.uuid in used]
    if not own and not view.reading.gpu_uuids and str(view.setting("device")).strip().lower() != "cpu":
        own = lost
    if not own:
        return Silent("a GPU that this training does not use is lost")
    first = own[0]

    def holds(pair: Seen) -> bool:
        return any(gpu.uuid == first.uuid and gpu.state is GpuState.LOST for gpu in pair[0].gpus)

    others = "" if len(own) == 1 else f" and {len(own) - 1} more"
    text = (
        f"GPU {first.index} ({first.name}){others} does not answer any more: {_reason(first)}; the training"
        " cannot go on without it, and it needs a reset"
    )
    return Finding(
        RULE.id, RULE.severity, text, since_seen(view, holds), _evidence(view, first), lost_ratio=1.0
    )


def _evidence(view: View, lost: GpuReading) -> tuple[Evidence, ...]:
    """Return what the GPU said last: heat and load before the end are what one asks for first."""
    for sample, _ in reversed(view.seen[-_LOOKED_THROUGH:]):
        for gpu in sample.gpus:
            if gpu.uuid != lost.uuid or gpu.state is not GpuState.OK:
                continue
            found = []
            celsius, busy = number(gpu.gpu_temperature_celsius), number(gpu.gpu_busy_ratio)
            if celsius is not None:
                words = f"when it last answered it had {celsius:.0f} °C"
                found.append(Evidence("gpu_temperature_celsius", celsius, text=words))
            if busy is not None:
                words = f"when it last answered it was busy {100 * busy:.0f} %"
                found.append(Evidence("gpu_busy_ratio", busy, text=words))
            return tuple(found)
    return ()


def _reason(gpu: GpuReading) -> str:
    found = gpu.gpu_busy_ratio
    return found.reason if isinstance(found, Missing) else "the driver says it is lost"


RULE = Rule("gpu-lost", Severity.CRITICAL, (), judge)
