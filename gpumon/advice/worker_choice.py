"""A number of workers that is chosen, as a suggestion."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpumon.advice.bounds import CORE_KINDS, WorkerBound, rank_batch
from gpumon.advice.curve import Curve, worker_curve
from gpumon.advice.effects import LEAST_GAIN, SAME, rate_effect, speedup_effect
from gpumon.advice.rates import SeenGain, rates_like, seen_gain
from gpumon.advice.restart import restart_warnings
from gpumon.advice.scaling import Scaling
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import Pipeline, needed_workers, wait_after
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import count_words, rate_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Bound, Effect, Suggestion

# Of the numbers that earlier runs had, the curve shows no more.
_MOST_SEEN = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """A number of workers of one rank: what it brings, what bounds it, and what that rests on.

    `least_gain` is what it is judged by where the low end of `gain` holds more than the model knows.
    """

    now: int
    workers: int
    gain: Interval
    text: str
    bound: Bound
    basis: str
    least_gain: float | None = None

    @property
    def is_worth_it(self) -> bool:
        """Whether it surely brings the 5 % that a restart is worth."""
        return (self.gain.low if self.least_gain is None else self.least_gain) >= LEAST_GAIN


@dataclass(frozen=True, slots=True)
class Case:
    """A training whose workers are judged, and what follows from it.

    `may_raise_batch` tells that nothing speaks against a larger batch along with the workers.
    """

    view: View
    finding: Finding
    terms: Terms
    pipeline: Pipeline
    bounds: tuple[WorkerBound, ...]
    scaling: Scaling | None = None
    may_raise_batch: bool = True

    @property
    def tightest(self) -> WorkerBound | None:
        """What allows the fewest workers."""
        return self.bounds[0] if self.bounds else None

    @property
    def core_bound(self) -> WorkerBound | None:
        """The tightest bound that the cores set."""
        return next((bound for bound in self.bounds if bound.bound in CORE_KINDS), None)


def suggested(
    view: View, finding: Finding, terms: Terms, choice: Choice, case: Case | None = None
) -> tuple[Suggestion, ...]:
    """Return the suggestion of a choice, or nothing where its gain may be below 5 %.

    What an earlier run reached with exactly these settings replaces the prediction.
    """
    seen = seen_gain(view, terms.prior, choice.workers, rank_batch(view))
    if seen is not None:
        choice = replace(choice, gain=seen.factor, basis=seen.basis, least_gain=None)
        if seen.factor.low < LEAST_GAIN:
            return (unchanged(view, finding, _seen_no_faster(view, choice, seen)),)
    if not choice.is_worth_it:
        return ()
    changes = {"workers": choice.workers}
    return (
        Suggestion(
            setting="workers",
            from_value=choice.now,
            to_value=choice.workers,
            text=choice.text,
            finding=finding.id,
            bound=choice.bound,
            rests_on=choice.basis,
            speedup=speedup_effect(choice.gain),
            images_per_second=rate_effect(view, choice.gain),
            data_wait_ratio=_wait(view, choice.gain),
            command=terms.rewrite(view.reading.training, changes),
            warnings=restart_warnings(view),
            curve=() if case is None else curve_for(case, choice.workers, choice.gain),
            go_on=terms.go_on(view.reading, changes),
        ),
    )


def unchanged(view: View, finding: Finding, choice: Choice) -> Suggestion:
    """Return the suggestion to leave the number of workers as it is, and why."""
    return Suggestion(
        setting="workers",
        from_value=choice.now,
        to_value=choice.now,
        text=choice.text,
        finding=finding.id,
        bound=choice.bound,
        rests_on=choice.basis,
        speedup=speedup_effect(SAME),
        images_per_second=rate_effect(view, SAME),
        command=Missing("no other number of workers would help"),
    )


def _seen_no_faster(view: View, choice: Choice, seen: SeenGain) -> Choice:
    text = (
        f"{count_words(choice.workers, 'worker')} would feed {view.waiter} by the model, but an earlier run"
        f" with them reached {rate_words(seen.rate)} images/s, against {rate_words(view.rate or 0.0)} now"
    )
    return replace(choice, text=text, bound=Bound.NONE)


def _wait(view: View, gain: Interval) -> Effect | Missing:
    wait = view.wait
    return wait if isinstance(wait, Missing) else wait_after(wait.value, gain)


def curve_for(case: Case, workers: int, gain: Interval | None = None) -> Curve:
    """Return the factors for numbers of workers alone, `gain` that of the advised one where it is known.

    They go up to twice what the GPU needs, or to what forbids more than the cores do.
    """
    pipeline, prior = case.pipeline, case.terms.prior
    most = 2 * max(needed_workers(pipeline), workers)
    hard = [bound.workers for bound in case.bounds if bound.bound not in CORE_KINDS]
    most = max(min([most, *hard]), workers, pipeline.workers)
    better = {}
    batch = rank_batch(case.view)
    others = {rate.workers for rate in rates_like(case.view, prior) if 0 < rate.workers <= most}
    for count in sorted(others - {pipeline.workers})[:_MOST_SEEN]:
        seen = seen_gain(case.view, prior, count, batch)
        if seen is not None:
            better[count] = seen.factor
    if gain is not None:
        better[workers] = gain
    return worker_curve(pipeline, most, better, case.scaling)
