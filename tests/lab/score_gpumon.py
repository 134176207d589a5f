"""gpumon's own diagnosis as a diagnoser: the same code as live, fed with the samples of a trace."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpumon.advice.advise import report_on
from gpumon.advice.throughput import ceiling
from gpumon.diagnosis.candidates import candidates
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import History
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding, Severity
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.report import TrainingReport
from gpumon.model.sample import Sample
from gpumon.model.suggestion import Suggestion
from tests.lab.score_judgement import SILENT, Advice, Judgement
from tests.lab.score_labels import ABSTENTIONS

_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass
class Gpumon:
    """The findings of a history that grows sample by sample."""

    history: History = field(default_factory=History)

    def see(self, sample: Sample) -> Judgement:
        """Judge the past up to `sample`.

        The labels are its findings, the gravest first and the verdict before others of its rank, then the
        causes it holds likeliest after them. It abstains where it says "starting" or "unclear".
        """
        self.history.append(sample)
        reading = sample.training()
        if reading is None:
            return SILENT
        window, pid = self.history.window(), reading.training.id.pid
        view = view_of(window, pid)
        if view is None:
            return SILENT
        report = report_on(window, pid)
        findings = sorted(report.findings, key=_rank)
        told = [finding.id for finding in findings if finding.id not in ABSTENTIONS]
        wait = view.wait
        measured = not isinstance(wait, Missing)
        others = [cause.id for cause in candidates(view) if cause.id not in told] if measured else []
        return Judgement(
            labels=(*told, *others[:2]),
            abstains=not findings or findings[0].id in ABSTENTIONS,
            also=tuple(told),
            wait=wait.value if isinstance(wait, Interval) else wait,
            fed_speedup=ceiling(wait.value) if isinstance(wait, Interval) else wait,
            advice=_advice(report, view),
        )


def _rank(finding: Finding) -> int:
    # Sorting keeps the order of equals, in which the verdict comes first.
    return _RANK[finding.severity]


def _advice(report: TrainingReport, view: View) -> Maybe[Advice]:
    """Return the first suggestion; none is the advice to change nothing, once there is a verdict."""
    if not report.settled or view.only_bursts:
        return Missing("there is no settled verdict")
    if not report.suggestions:
        return Advice({})
    first: Suggestion = report.suggestions[0]
    effect = known(first.speedup)
    if effect is None:
        return Advice({first.setting: first.to_value})
    factor = Interval(*(value / effect.now for value in (effect.predicted, effect.low, effect.high)))
    return Advice({first.setting: first.to_value}, factor)
