"""The training has not begun to train: imports, label scan, caching, AutoAnchor, AutoBatch."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.model.finding import Finding, Severity
from gpumon.model.training import Phase


def judge(view: View) -> Judgement:
    """Fire while the phase is start."""
    if view.phase is not Phase.START:
        return Silent(f"the phase is {view.phase.value}")
    source = f" ({view.reading.phase_source})" if view.reading.phase_source else ""
    return Finding(
        RULE.id,
        RULE.severity,
        f"the training is starting{source}: low utilisation is normal now",
        since_seen(view, lambda pair: pair[1].phase is Phase.START),
    )


RULE = Rule("starting", Severity.INFO, (), judge)
