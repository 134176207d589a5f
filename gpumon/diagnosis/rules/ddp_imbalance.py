"""One rank waits for its batches, and all others wait for it."""

from __future__ import annotations

from gpumon.diagnosis.ranks import Imbalance, imbalance_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing

# PyTorch's profiler plugin calls communication of more than 10 % of a step too much; what the loader of one
# rank makes all others wait is judged as any wait for data is: from 5 %.
_LEAD_RATIO = 0.05


def judge(view: View) -> Judgement:
    """Fire where the same rank waits for data more than 5 % of the time longer than the others."""
    if view.ranks == 1:
        return Silent("it has one rank")
    if view.steady and view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    found = imbalance_of(view)
    if isinstance(found, Missing):
        return NotJudged(f"the waits of its ranks are not known: {found.reason}")
    if found.lead.low <= _LEAD_RATIO:
        return Silent(f"rank {found.rank} waits {percent(max(0.0, found.lead.value))} longer than others")
    evidence = (
        Evidence(
            "rank_data_wait_spread_ratio",
            found.lead.value,
            _LEAD_RATIO,
            found.lead.low,
            found.lead.high,
            f"rank {found.rank} waits {wait_words(found.lead)} of the time longer than another",
        ),
        Evidence(
            "slowest_rank_data_wait_ratio",
            found.wait_ratio,
            text=f"rank {found.rank} waits {percent(found.wait_ratio)} of the time for its batches",
        ),
    )
    since = since_series(view, "rank_data_wait_spread_ratio", lambda spread: spread > _LEAD_RATIO)
    lost = min(1.0, found.lead.value)
    return Finding(RULE.id, RULE.severity, _text(view, found), since, evidence, lost_ratio=lost)


def _text(view: View, found: Imbalance) -> str:
    least = max(0.0, found.wait_ratio - found.lead.value)
    others = "the other one" if view.ranks == 2 else f"the one of the {view.ranks} ranks that waits least"
    return (
        f"rank {found.rank} waits {percent(found.wait_ratio)} of each step for data and {others} only"
        f" {percent(least)}: all ranks go at the pace of rank {found.rank}"
    )


RULE = Rule(
    "ddp-imbalance",
    Severity.WARNING,
    ("rank_data_wait_spread_ratio", "slowest_rank_data_wait_ratio"),
    judge,
)
