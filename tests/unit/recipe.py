"""A made-up training with its view, findings, suggestions and plan, for the tests of the recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpumon.advice.amp import advise_amp
from gpumon.advice.golden_rule import plan_of
from gpumon.advice.idle_gpus import advise_idle_gpus
from gpumon.advice.launcher import advise_ddp
from gpumon.advice.learning_rate_change import learning_rate_suggestions
from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.advice.terms import ORDINARY_TERMS
from gpumon.diagnosis.diagnose import examine
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import window_of
from gpumon.model.finding import Finding
from gpumon.model.measure import Missing
from gpumon.model.plan import PlanStep
from gpumon.model.reading import TrainingReading
from gpumon.model.suggestion import Bound, MemoryOutlook, Suggestion
from gpumon.model.training import Setting
from tests.unit.synthetic_training import PID, Scene

_UNSEEN = Missing("no training step seen yet")
NO_OUTLOOK = MemoryOutlook(_UNSEEN, _UNSEEN, _UNSEEN, _UNSEEN)


@dataclass(frozen=True)
class Seen:
    """A scene whose newest reading has other settings, environment, version or progress."""

    scene: Scene
    settings: tuple[tuple[str, int | float | str | bool | None], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    accumulate: float | None = None
    framework_version: str = "v7.0"

    def view(self) -> View:
        """Return the view of it."""
        samples = [
            replace(sample, trainings=tuple(map(self._changed, sample.trainings)))
            for sample in self.scene.samples()
        ]
        view = view_of(window_of(samples), PID)
        assert view is not None
        return view

    def _changed(self, reading: TrainingReading) -> TrainingReading:
        told = {name: Setting(value, "made up") for name, value in self.settings}
        settings = replace(reading.training.settings, **told)
        training = replace(
            reading.training,
            settings=settings,
            environment=self.environment,
            framework_version=self.framework_version,
        )
        progress = reading.progress
        if self.accumulate is not None:
            progress = replace(progress, accumulate=self.accumulate)
        return replace(reading, training=training, progress=progress)


def findings_of(view: View) -> tuple[Finding, ...]:
    """Return the findings of a view."""
    return examine(view).findings


def recipe(seen: Seen) -> tuple[Suggestion, ...]:
    """Return what the recipe beside workers and batch suggests."""
    view = seen.view()
    findings = findings_of(view)
    return (
        *advise_amp(view, findings, ORDINARY_TERMS),
        *advise_ddp(view, findings, ORDINARY_TERMS),
        *advise_idle_gpus(view, findings, ORDINARY_TERMS),
    )


def only(seen: Seen) -> Suggestion:
    """Return the one suggestion of the recipe."""
    found = recipe(seen)
    assert len(found) == 1, found
    return found[0]


def changed(setting: str, start: int | str, end: int | str, finding: str = "made-up") -> Suggestion:
    """Return a suggestion that some other part of the advice could have made."""
    same = Missing("made up")
    return Suggestion(setting, start, end, f"{setting} {end}", finding, Bound.NONE, "nothing", same)


def beside(seen: Seen, *suggestions: Suggestion) -> tuple[Suggestion, ...]:
    """Return what becomes of the learning rate beside these suggestions."""
    view = seen.view()
    return learning_rate_suggestions(view, findings_of(view), suggestions, ORDINARY_TERMS)


def plan(
    seen: Seen, *suggestions: Suggestion, outlook: MemoryOutlook = NO_OUTLOOK, prior: Prior = NOTHING_KNOWN
) -> dict[str, PlanStep]:
    """Return the steps of the plan by their names."""
    view = seen.view()
    steps = plan_of(view, findings_of(view), suggestions, outlook, prior)
    return {step.name: step for step in steps}
