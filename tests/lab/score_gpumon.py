"""gpumon's own diagnosis as a diagnoser: the same code as live, fed with the samples of a trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gpumon.advice.advise import report_of
from gpumon.advice.throughput import ceiling
from gpumon.diagnosis.diagnose import examine, likeliest
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
from tests.lab.score_proc_only import without_interpreter
from tests.lab.score_truth import HEALTHY

_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
# What says that nothing is the matter, or not yet known: whatever else is told comes before it.
_LAST = frozenset({HEALTHY, *ABSTENTIONS})


@dataclass
class Gpumon:
    """The findings of a history that grows sample by sample; `seen` is what of a sample gpumon could see."""

    history: History = field(default_factory=History)
    seen: Callable[[Sample], Sample] = lambda sample: sample

    def see(self, sample: Sample) -> Judgement:
        """Judge the past up to `sample`.

        The labels are its findings, the gravest first and the verdict before others of its rank, then the
        causes it holds likeliest after them. Of equal rank, "compute-bound" comes last, as it says that
        nothing is the matter. It abstains where it says "starting" or "unclear" and nothing else.
        """
        self.history.append(self.seen(sample))
        reading = sample.training()
        if reading is None:
            return SILENT
        view = view_of(self.history.window(), reading.training.id.pid)
        if view is None:
            return SILENT
        diagnosis = examine(view)
        report = report_of(view, diagnosis)
        told = [finding.id for finding in sorted(report.findings, key=_rank) if finding.id not in ABSTENTIONS]
        wait = view.wait
        others = [cause.id for cause in likeliest(view, diagnosis)]
        return Judgement(
            labels=(*told, *others[:2]),
            abstains=not told,
            also=tuple(told),
            wait=wait.value if isinstance(wait, Interval) else wait,
            fed_speedup=ceiling(wait.value) if isinstance(wait, Interval) else wait,
            advice=_advice(report, view),
        )


def gpumon_without_interpreter() -> Gpumon:
    """Return gpumon as it is where it may not read the memory of the training: /proc and NVML alone."""
    return Gpumon(seen=without_interpreter)


def _rank(finding: Finding) -> tuple[int, bool]:
    # Sorting keeps the order of equals, in which the verdict comes first.
    return _RANK[finding.severity], finding.id in _LAST


def _advice(report: TrainingReport, view: View) -> Maybe[Advice]:
    """Return the first suggestion; none is the advice to change nothing, once there is a verdict."""
    if not report.settled or view.only_bursts:
        return Missing("there is no settled verdict")
    if not report.suggestions:
        return Advice({})
    first: Suggestion = report.suggestions[0]
    changes = {first.setting: first.to_value}
    changes |= {change.setting: change.to_value for change in first.together}
    effect = known(first.speedup)
    if effect is None:
        return Advice(changes)
    factor = Interval(*(value / effect.now for value in (effect.predicted, effect.low, effect.high)))
    return Advice(changes, factor)
