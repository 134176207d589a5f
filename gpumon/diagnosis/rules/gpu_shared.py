"""Another process computes on a GPU of the training."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.devices import Device, looked_at
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, percent
from gpumon.history.phases import Seen
from gpumon.history.stats import mean
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing, known, number

# Chosen: utilisation of the device less the training's own, in points.
_OTHERS_RATIO = 0.15


@dataclass(frozen=True, slots=True)
class _Use:
    """Who used a GPU in one reading: shares of time, PIDs, and bytes that others held."""

    own: float | None
    others: float | None
    pids: tuple[int, ...]
    bytes_held: int


def judge(view: View) -> Judgement:
    """Fire where other processes keep a GPU of the training busy more than 15 % of the time."""
    devices = looked_at(view)
    if isinstance(devices, NotJudged):
        return devices
    members = frozenset(view.reading.training.pids())
    reason = ""
    worst: tuple[float, tuple[_Use, ...], Device] | None = None
    for device in devices:
        found = _others(device, members)
        if isinstance(found, str):
            reason = found
        elif worst is None or found[0] > worst[0]:
            worst = (*found, device)
    if worst is None:
        return NotJudged(f"who else uses the GPU is not known: {reason}")
    share, uses, device = worst
    if share <= _OTHERS_RATIO:
        return Silent(f"others keep {device.words} busy {percent(share)} of the time")
    return _finding(view, device, share, uses, members)


def _finding(
    view: View, device: Device, share: float, uses: tuple[_Use, ...], members: frozenset[int]
) -> Finding:
    pids = sorted({pid for use in uses for pid in use.pids})
    held = uses[-1].bytes_held
    who = f"process {pids[0]}" if len(pids) == 1 else f"{len(pids)} other processes"
    text = f"{who} keeps" if len(pids) == 1 else f"{who} keep"
    text += f" {device.words} busy {percent(share)} of the time"
    if held:
        text += (
            f" and holds {bytes_words(held)} of its memory"
            if len(pids) == 1
            else f" and hold {bytes_words(held)}"
        )
    text += ": every rate of this training is that much lower"
    uuid = device.newest.uuid

    def holds(pair: Seen) -> bool:
        return any(gpu.uuid == uuid and _use(gpu, members).pids for gpu in pair[0].gpus)

    busy = device.mean("gpu_busy_ratio")
    own = [use.own for use in uses if use.own is not None]
    words = f"busy {percent(busy or 0.0)} in all"
    if own:
        words += f", {percent(mean(own))} of it by the training"
    evidence = Evidence("gpu_busy_ratio", busy or 0.0, text=f"{device.words} is {words}")
    return Finding(
        RULE.id, RULE.severity, text, since_seen(view, holds), (evidence,), lost_ratio=min(1.0, share)
    )


def _others(device: Device, members: frozenset[int]) -> tuple[float, tuple[_Use, ...]] | str:
    """Return the share of time others use a GPU, and by reading; or why it is not known."""
    if device.mean("gpu_busy_ratio") is None:
        return device.why_not("gpu_busy_ratio")
    processes = device.newest.processes
    if isinstance(processes, Missing):
        return processes.reason
    if all(process.pid in members for process in processes):
        return 0.0, ()
    uses = tuple(_use(gpu, members) for gpu in device.readings)
    shares = [use.others for use in uses if use.others is not None]
    if not shares:
        return "the driver does not tell how busy each process keeps it"
    return mean(shares), uses


def _use(gpu: GpuReading, members: frozenset[int]) -> _Use:
    processes = known(gpu.processes)
    if processes is None:
        return _Use(None, None, (), 0)
    strangers = [process for process in processes if process.pid not in members]
    if not strangers:
        return _Use(None, 0.0, (), 0)
    mine = [number(process.gpu_busy_ratio) for process in processes if process.pid in members]
    theirs = [number(process.gpu_busy_ratio) for process in strangers]
    own = sum(value or 0.0 for value in mine) if any(value is not None for value in mine) else None
    others = sum(value or 0.0 for value in theirs) if any(value is not None for value in theirs) else None
    busy = number(gpu.gpu_busy_ratio)
    if others is None and own is not None and busy is not None:
        others = max(0.0, busy - own)
    held = sum(known(process.gpu_memory_used_bytes) or 0 for process in strangers)
    busy_pids = tuple(
        process.pid for process in strangers if (number(process.gpu_busy_ratio) or 0.0) > 0 or others is None
    )
    return _Use(own, others, busy_pids or tuple(process.pid for process in strangers), held)


RULE = Rule("gpu-shared", Severity.WARNING, ("gpu_busy_ratio",), judge)
