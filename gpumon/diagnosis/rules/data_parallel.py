"""One process feeds several GPUs (DataParallel) where a process for each (DDP) would be faster."""

from __future__ import annotations

from gpumon.diagnosis.devices import Device, devices_of, looked_at
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, percent
from gpumon.history.phases import Seen
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import known, number

# A CUDA context takes 0.3 to 0.5 GB (measured), up to 1 GB before CUDA 11.7: only more is a replica of the
# model; a process that touched another GPU once has a context there, too.
_REPLICA_BYTES = 1 << 30
_BUSY_RATIO = 0.05


def judge(view: View) -> Judgement:
    """Fire where the main process of a training without ranks works on two GPUs or more."""
    devices = looked_at(view)
    if isinstance(devices, NotJudged):
        return devices
    if view.ranks > 1:
        return Silent(f"it has {view.ranks} ranks")
    working = driven_by_one(view)
    if len(working) < 2:
        return Silent("its process works on one GPU")

    def holds(pair: Seen) -> bool:
        return len(pair[1].gpu_uuids) > 1

    text = (
        f"one process drives {len(working)} GPUs (DataParallel): it copies the model and gathers the results"
        " in every step, which a process for each GPU (DDP) need not do"
    )
    held = [_held(view, device.newest) for device in working]
    evidence = [
        Evidence(
            "gpu_busy_ratio",
            busy,
            text=f"GPU {device.newest.index} is busy {percent(busy)}{_words(bytes_held)}",
        )
        for device, bytes_held in zip(working, held, strict=True)
        if (busy := device.mean("gpu_busy_ratio")) is not None
    ]
    return Finding(RULE.id, RULE.severity, text, since_seen(view, holds), tuple(evidence))


def driven_by_one(view: View) -> tuple[Device, ...]:
    """Return the GPUs that the main process works on, by index."""
    return tuple(device for device in devices_of(view) if _works_on(view, device))


def _works_on(view: View, device: Device) -> bool:
    held = _held(view, device.newest)
    if held is not None and held >= _REPLICA_BYTES:
        return True
    for process in known(device.newest.processes) or ():
        if process.pid == view.pid and (number(process.gpu_busy_ratio) or 0.0) > _BUSY_RATIO:
            return True
    return False


def _held(view: View, gpu: GpuReading) -> int | None:
    for process in known(gpu.processes) or ():
        if process.pid == view.pid:
            return known(process.gpu_memory_used_bytes)
    return None


def _words(held: int | None) -> str:
    return "" if held is None else f", {bytes_words(held)} held by the training"


RULE = Rule("data-parallel", Severity.INFO, (), judge)
