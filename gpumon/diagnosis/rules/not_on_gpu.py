"""The training computes on the CPU although the machine has a GPU."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import cores_words, count_words
from gpumon.history.phases import Seen, training
from gpumon.history.stats import mean
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import Missing, number


def judge(view: View) -> Judgement:
    """Fire where a training that makes steps is on no GPU, by its setting or by the driver's lists."""
    gpus = [gpu for gpu in view.gpus if gpu.state is GpuState.OK]
    if not gpus:
        return Silent("the machine has no GPU that answers")
    asked = str(view.setting("device")).strip().lower()
    on_cpu = asked == "cpu"
    if view.reading.gpu_uuids and not on_cpu:
        return Silent("the training uses a GPU")
    seen = training(view.seen)
    seconds = sum(sample.interval_seconds for sample, _ in seen)
    if seconds < FIRST_SECONDS:
        return NotJudged(f"only {seconds:.0f} s of training seen: a GPU is taken at the first step")
    if not on_cpu:
        hidden = _hidden(gpus)
        if hidden:
            return NotJudged(f"who uses the GPUs is not known: {hidden}")
        if any(reading.gpu_uuids for _, reading in view.seen):
            return Silent("the training used a GPU before")

    def holds(pair: Seen) -> bool:
        return on_cpu or not pair[1].gpu_uuids

    return Finding(
        RULE.id,
        RULE.severity,
        _text(view, gpus, on_cpu=on_cpu),
        since_seen(view, holds),
        _evidence(view, gpus),
    )


def _hidden(gpus: list[GpuReading]) -> str:
    """Return why a process of the training might be on a GPU unseen, or nothing."""
    for gpu in gpus:
        if isinstance(gpu.processes, Missing):
            return gpu.processes.reason
        for process in gpu.processes:
            # A PID that could not be mapped from another namespace may be the training's.
            if process.note:
                return process.note
    return ""


def _text(view: View, gpus: list[GpuReading], *, on_cpu: bool) -> str:
    there = f"{gpus[0].name} is" if len(gpus) == 1 else f"{count_words(len(gpus), 'GPU')} are"
    why = (
        "it was started with --device cpu"
        if on_cpu
        else "none of its processes is on a GPU, so its PyTorch may be built without CUDA or see no GPU"
    )
    busy = "" if view.main_cpu is None else f" on {cores_words(view.main_cpu)}"
    return f"the training computes on the CPU{busy}, although {there} there: {why}"


def _evidence(view: View, gpus: list[GpuReading]) -> tuple[Evidence, ...]:
    found = []
    ratios = [value for gpu in gpus if (value := number(gpu.gpu_busy_ratio)) is not None]
    if ratios:
        words = f"the GPUs are busy {100 * mean(ratios):.0f} %" if len(gpus) > 1 else ""
        words = words or f"the GPU is busy {100 * ratios[0]:.0f} %"
        found.append(Evidence("gpu_busy_ratio", mean(ratios), text=words))
    if view.rate is not None:
        found.append(Evidence("images_per_second", view.rate, text=f"{view.rate:.1f} images/s on the CPU"))
    return tuple(found)


RULE = Rule("not-on-gpu", Severity.CRITICAL, (), judge)
