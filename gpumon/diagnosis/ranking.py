"""Which findings are told beside the verdict, and in which order."""

from __future__ import annotations

from collections.abc import Iterable

from gpumon.diagnosis.order import STANDSTILLS, WAITS
from gpumon.model.finding import Finding, Severity

_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
_WAIT_IDS = frozenset(rule.id for rule in WAITS)
_STANDSTILL_IDS = frozenset(rule.id for rule in STANDSTILLS)
# What follows from a training that does not compute, or not on a GPU: idle GPUs and everything about speed.
_OF_A_STANDSTILL = frozenset(
    {
        *_WAIT_IDS,
        "host-overhead",
        "batch-too-small",
        "compute-bound",
        "amp-off",
        "transfer-bound",
        "memory-bandwidth-bound",
        "ddp-imbalance",
        "idle-gpus",
        "data-parallel",
        "gpu-shared",
        "power-capped",
        "thermal-throttle",
        "validation-share",
        "checkpoint-stall",
        "workers-respawned",
    }
)
# What follows from a loop that waits for data: a GPU that idles, and gains that the wait would eat up.
_OF_A_WAIT = frozenset({"amp-off", "memory-bandwidth-bound", "power-capped"})
# What ends the run within minutes, or has ended it, comes before what slows it, where it is critical.
_ENDING = frozenset({"vram-growth", "vram-at-limit"})
_CHILDREN: dict[str, frozenset[str]] = {
    **dict.fromkeys(_STANDSTILL_IDS, _OF_A_STANDSTILL),
    **dict.fromkeys(_WAIT_IDS, _OF_A_WAIT),
    # A GPU that is gone does nothing any more.
    "gpu-lost": frozenset({"idle-gpus", "thermal-throttle", "power-capped", "gpu-shared"}),
    # One process that feeds several GPUs leaves them unequal.
    "data-parallel": frozenset({"ddp-imbalance", "idle-gpus"}),
}


def ranked(verdict: Finding | None, beside: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that are told: the verdict first, then one for each other cause.

    GPU memory that is critical comes even before a verdict on the speed: it has minutes, or was the end.
    Those that only follow from another one are left out. The rest: critical ones first, then by what they
    cost, then by severity (what could be saved says more than a word for it).
    """
    others = [finding for finding in beside if verdict is None or finding.id != verdict.id]
    everything = others if verdict is None else [verdict, *others]
    followed = frozenset().union(*(_CHILDREN.get(finding.id, ()) for finding in everything))
    told = sorted((finding for finding in others if finding.id not in followed), key=_urgency)
    if verdict is None:
        return tuple(told)
    first = [finding for finding in told if _comes_first(finding, verdict)]
    return (*first, verdict, *(finding for finding in told if finding not in first))


def _comes_first(finding: Finding, verdict: Finding) -> bool:
    is_ending = finding.id in _ENDING and finding.severity is Severity.CRITICAL
    return is_ending and verdict.id not in _STANDSTILL_IDS


def _urgency(finding: Finding) -> tuple[bool, float, int]:
    return (
        finding.severity is not Severity.CRITICAL,
        -(finding.lost_ratio or 0.0),
        _RANK[finding.severity],
    )
