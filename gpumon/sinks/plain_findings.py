"""Findings as plain lines: the sentence, what it costs, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterator

from gpumon.advice.amount import amount
from gpumon.advice.cost_words import cost_words
from gpumon.model.cost import Cost
from gpumon.model.finding import Evidence, Finding, Severity

_WORDS = {Severity.INFO: "info", Severity.WARNING: "WARNING", Severity.CRITICAL: "CRITICAL"}


def finding_line(finding: Finding) -> str:
    """Return the finding in one line."""
    word = "ok" if finding.id == "compute-bound" else _WORDS[finding.severity]
    return f"  {word} {finding.id}: {finding.text}"


def evidence_lines(finding: Finding, cost: Cost | None) -> Iterator[str]:
    """Return what stands below it: what it costs, and each number with its interval and threshold."""
    if cost is not None:
        yield f"    costs {', '.join(cost_words(cost))}"
    for item in finding.evidence:
        yield f"    {_evidence(item)}"


def _evidence(item: Evidence) -> str:
    text = f"{item.metric} {amount(item.metric, item.value)}"
    if item.low is not None and item.high is not None:
        text += f" ({amount(item.metric, item.low)} to {amount(item.metric, item.high)})"
    if item.threshold is not None:
        text += f", threshold {amount(item.metric, item.threshold)}"
    return f"{text}: {item.text}" if item.text else text
