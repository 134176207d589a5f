"""The GPU's memory is the limit, not its arithmetic: a larger batch brings little."""

from __future__ import annotations

from gpumon.diagnosis.devices import devices_of, highest
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.step import step_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.model.finding import Evidence, Finding, Severity

# DCGM: about 80 % of the peak can be reached at all. KempnerPulse calls 50 % with moderate SMs memory-bound;
# from 60 % on it is, whatever the SMs do, as an SM that waits for memory counts as active.
_BANDWIDTH_RATIO, _BANDWIDTH_RATIO_MODERATE = 0.60, 0.50
_SM_RATIO = 0.80
# Where the tensor cores work that much, arithmetic is the limit.
_TENSOR_RATIO = 0.50


def judge(view: View) -> Judgement:
    """Fire where no data is late and the memory moves most of what it can."""
    step = step_of(view)
    if isinstance(step, NotJudged):
        return step
    if step.is_starved:
        return Silent(f"the wait for data is {wait_words(step.wait)}")
    found = highest(devices_of(view), "gpu_memory_bandwidth_ratio")
    if isinstance(found, NotJudged):
        return found
    device, bandwidth = found
    active, tensor = device.mean("gpu_sm_busy_ratio"), device.mean("gpu_tensor_busy_ratio")
    is_moderate = active is not None and active < _SM_RATIO
    threshold = _BANDWIDTH_RATIO_MODERATE if is_moderate else _BANDWIDTH_RATIO
    if bandwidth < threshold:
        return Silent(f"the memory moves only {percent(bandwidth)} of what it can")
    if tensor is not None and tensor >= _TENSOR_RATIO:
        return Silent(f"the tensor cores are at work {percent(tensor)} of the time")
    text = f"the memory of {device.words} is the limit: it moves {percent(bandwidth)} of what it can at most"
    evidence = [
        Evidence(
            "gpu_memory_bandwidth_ratio",
            bandwidth,
            threshold,
            text=f"{percent(bandwidth)} of the memory's peak bandwidth is in use (about 80 % can be reached)",
        )
    ]
    others = []
    if tensor is not None:
        others.append(f"the tensor cores are at work only {percent(tensor)} of the time")
        evidence.append(Evidence("gpu_tensor_busy_ratio", tensor, _TENSOR_RATIO, text=others[-1]))
    if active is not None:
        words = f"{percent(active)} of the SMs are active"
        evidence.append(Evidence("gpu_sm_busy_ratio", active, _SM_RATIO, text=words))
        others.append(words)
    if others:
        text += ", while " + " and ".join(others)

    def holds(value: float) -> bool:
        return value >= threshold

    since = since_series(view, "gpu_memory_bandwidth_ratio", holds, device.newest.uuid)
    return Finding(RULE.id, RULE.severity, text, since, tuple(evidence))


RULE = Rule(
    "memory-bandwidth-bound",
    Severity.INFO,
    ("data_wait_ratio", "gpu_busy_ratio", "gpu_memory_bandwidth_ratio"),
    judge,
)
