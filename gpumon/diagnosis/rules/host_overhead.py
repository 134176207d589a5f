"""The GPU idles between two steps although a batch is there: the main process itself is at work."""

from __future__ import annotations

from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.step import Step, step_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words, percent, wait_words
from gpumon.model.finding import Evidence, Finding, Severity

# XProf calls "all other" time a bottleneck above 3 % of the step and a severe one above 15 %. YOLOv5 drains
# the GPU in every step, so a healthy step has a gap of some per cent: only the severe one counts here.
_GAP_RATIO = 0.15
# While the GPU idles the main process must be on a core at least half of the time, or it waits for something.
_ON_CPU_SHARE = 0.5
_SATURATED_CORES = 0.9


def judge(view: View) -> Judgement:
    """Fire where the GPU surely idles 15 % of the time, for no batch, and the main process computes."""
    step = step_of(view)
    if isinstance(step, NotJudged):
        return step
    if step.gap.low <= _GAP_RATIO:
        return Silent(f"the GPU idles only {percent(step.gap.value)} of the time besides waiting for data")
    main = view.main_cpu
    if main is None:
        return NotJudged("how busy the main process is is not known")
    if main < _ON_CPU_SHARE * step.gap.value:
        return Silent(
            f"the GPU idles {percent(step.gap.value)} of the time, but the main process sleeps, too"
        )
    return Finding(
        RULE.id,
        RULE.severity,
        _text(view, step, main),
        since_series(view, "gpu_busy_ratio", lambda busy: busy < 1 - _GAP_RATIO, _uuid(view)),
        _evidence(step, main),
        lost_ratio=step.gap.value,
    )


def _text(view: View, step: Step, main: float) -> str:
    text = (
        f"the GPU idles {percent(step.gap.value)} of each step with a batch at hand (it waits only"
        f" {wait_words(step.wait)} for data): the main process runs Python meanwhile, on {cores_words(main)}"
    )
    cores = cores_of(view)
    if main >= _SATURATED_CORES and cores is not None and cores.idle is not None and cores.idle >= 1:
        text += f" while {cores_words(cores.idle)} idle"
    return text


def _evidence(step: Step, main: float) -> tuple[Evidence, ...]:
    gap, wait = step.gap, step.wait
    return (
        Evidence(
            "gpu_busy_ratio",
            step.busy,
            1 - _GAP_RATIO,
            text=f"the GPU is busy {percent(step.busy)}; it idles {percent(gap.value)} (at least"
            f" {percent(gap.low)}) with a batch at hand; the main process uses {cores_words(main)}",
        ),
        Evidence(
            "data_wait_ratio",
            wait.value,
            low=wait.low,
            high=wait.high,
            text=f"{wait_words(wait)} of the time the training loop waits for a batch",
        ),
    )


def _uuid(view: View) -> str:
    return view.reading.gpu_uuids[0] if view.reading.gpu_uuids else ""


RULE = Rule("host-overhead", Severity.WARNING, ("data_wait_ratio", "gpu_busy_ratio"), judge)
