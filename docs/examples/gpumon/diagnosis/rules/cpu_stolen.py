"""The hypervisor takes time of the cores that the machine believes to have."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.history.stats import mean
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.host import CoreReading
from gpumon.model.measure import known
from gpumon.model.sample import Sample

# Chosen: a twentieth is more than the ticks of a quiet host, and is felt.
_SHARE = 0.05


def judge(view: View) -> Judgement:
    """Fire where the hypervisor took more than 5 % of the time of all cores, over the steady seconds."""
    shares = [share for sample, _ in view.steady if (share := _stolen(sample)) is not None]
    if not shares:
        return NotJudged("what the hypervisor takes is not known")
    share = mean(shares)
    if share <= _SHARE:
        return Silent(f"the hypervisor takes {percent(share)} of the cores' time")
    words = f"the hypervisor takes {percent(share)} of the cores' time"
    evidence = Evidence("cpu_steal_ratio", share, _SHARE, text=words)
    since = since_seen(view, lambda seen: (_stolen(seen[0]) or 0.0) > _SHARE)
    return Finding(RULE.id, RULE.severity, f"{words}: the host is overcommitted", since, (evidence,))


def _stolen(sample: Sample) -> float | None:
    cores: tuple[CoreReading, ...] = known(sample.host.cores) or ()
    return mean([core.cpu_steal_ratio for core in cores]) if cores else None


RULE = Rule("cpu-stolen", Severity.INFO, ("cpu_steal_ratio",), judge)
