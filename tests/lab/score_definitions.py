"""The definitions of all figures: which traces count, what is taken of each, and how it is summed up.

Definition of the words: a trace's verdict is what is told 60 s after the onset; a fault is a trace that is no
negative control; the factor of an advice is the rate after it per rate before, both from the grid of settings
that the laboratory measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gpumon.history.stats import Interval, mean, quantile
from gpumon.model.measure import Missing, known
from tests.lab.score_figures import Definition, Figure, figure, macro_f1, poisson, ratio
from tests.lab.score_judgement import Advice
from tests.lab.score_labels import family
from tests.lab.score_outcome import Outcome, achieved
from tests.lab.score_truth import HEALTHY

# An advice does harm where the rate falls by more than this: below it is the noise of measuring.
_HARM = 0.02
# A training that stands still has neither a wait nor a gain that means anything.
_HUNG = "hung"
_DATA = "data"


def _pair(outcome: Outcome) -> tuple[str, str]:
    return (outcome.told if outcome.is_right else outcome.truth.main), outcome.told


def _family_pair(outcome: Outcome) -> tuple[str, str]:
    told = family(outcome.told)
    return (told if outcome.is_right_family else family(outcome.truth.main)), told


def _fault(value: Callable[[Outcome], Any]) -> Callable[[Outcome], Any]:
    """Pick of traces with a fault only."""
    return lambda outcome: None if outcome.truth.control else value(outcome)


def _alarms(outcome: Outcome) -> tuple[int, float] | None:
    return (outcome.alarms, outcome.hours) if outcome.truth.control and outcome.hours > 0 else None


def _alarm_share(outcome: Outcome) -> tuple[int, float] | None:
    return (outcome.alarm_seconds, len(outcome.verdicts)) if outcome.truth.control else None


def _opposite(outcome: Outcome) -> float | None:
    """1 where a data wait was told to be healthy or the reverse; only traces of either count."""
    main, told = outcome.truth.main, outcome.told
    if family(main) == _DATA:
        return float(told == HEALTHY)
    return float(family(told) == _DATA) if main == HEALTHY else None


def _wait_error(outcome: Outcome) -> float | None:
    if _HUNG in outcome.truth.labels:
        return None
    told, true = known(outcome.final.wait), outcome.true_wait
    return None if told is None or true is None else told - true


def _fed_error(outcome: Outcome) -> float | None:
    if _HUNG in outcome.truth.labels:
        return None
    told, true = known(outcome.final.fed_speedup), outcome.truth.fed_speedup
    return None if told is None or true is None else told / true - 1


def _promise(outcome: Outcome) -> tuple[Interval, float] | None:
    """Return what an advice promised and what it brings, as factors on the rate."""
    advice, before, after = known(outcome.final.advice), outcome.truth.rate_with({}), achieved(outcome)
    if advice is None or not advice.changes or before is None or after is None:
        return None
    promised = known(advice.speedup)
    return None if promised is None else (promised, after / before)


def _promise_error(outcome: Outcome) -> float | None:
    found = _promise(outcome)
    return None if found is None else abs(found[0].value / found[1] - 1)


def _promise_held(outcome: Outcome) -> float | None:
    found = _promise(outcome)
    return None if found is None else float(found[0].low <= found[1] <= found[0].high)


def _regret(outcome: Outcome) -> float | None:
    best, after = outcome.truth.best, achieved(outcome)
    return None if best is None or after is None else max(0.0, 1 - after / best)


def _small_regret(outcome: Outcome) -> float | None:
    found = _regret(outcome)
    return None if found is None else float(found <= 0.05)


def _beyond_grid(outcome: Outcome) -> float | None:
    """1 where the outcome of an advice is not known, although the trace has a grid."""
    return None if outcome.truth.best is None else float(achieved(outcome) is None)


def _harm(outcome: Outcome) -> float | None:
    advice: Advice | Missing = outcome.final.advice
    before, after = outcome.truth.rate_with({}), achieved(outcome)
    if isinstance(advice, Missing) or not advice.changes or before is None or after is None:
        return None
    return float(after < before * (1 - _HARM))


def _absolute(value: Callable[[Outcome], float | None]) -> Callable[[Outcome], float | None]:
    return lambda outcome: None if (found := value(outcome)) is None else abs(found)


def _mean(name: str, text: str, pick: Callable[[Outcome], float | bool | None]) -> Definition:
    return Definition(name, text, pick, mean)


def _quantile(name: str, text: str, share: float, pick: Callable[[Outcome], float | None]) -> Definition:
    return Definition(name, text, pick, lambda values: quantile(values, share))


_delay, _family_delay = _fault(lambda one: one.delay_seconds), _fault(lambda one: one.family_delay_seconds)
_FAMILIES = "data, host, gpu, placement, memory, run, healthy"

DEFINITIONS: tuple[Definition, ...] = (
    _mean("accuracy", "verdicts that are an injected fault", lambda one: one.is_right),
    Definition("macro_f1", "mean F1 of the injected classes; an abstention is a miss", _pair, macro_f1),
    _mean("top_2", "traces with an injected fault among its two likeliest", lambda one: one.is_in_two),
    _mean("named", "traces with an injected fault among all findings told", lambda one: one.is_named),
    _mean("abstained", "traces without a verdict", lambda one: not one.told),
    _mean("wrong", "verdicts that are no injected fault", lambda one: bool(one.told) and not one.is_right),
    _mean("opposites", "starved traces told to be healthy, and healthy ones told to be starved", _opposite),
    _mean("family_accuracy", f"verdicts of the right family ({_FAMILIES})", lambda one: one.is_right_family),
    Definition("family_macro_f1", "macro_f1 over families", _family_pair, macro_f1),
    _quantile("delay_p50_seconds", "median time from onset to the first right verdict, if any", 0.5, _delay),
    _quantile("delay_p95_seconds", "its 95th percentile", 0.95, _delay),
    _mean("never_found", "faults never told", _fault(lambda one: one.delay_seconds is None)),
    _quantile("family_delay_p50_seconds", "median time to the first of the right family", 0.5, _family_delay),
    _quantile("family_delay_p95_seconds", "its 95th percentile", 0.95, _family_delay),
    _mean("family_never_found", "faults of whose family none was told",
          _fault(lambda one: one.family_delay_seconds is None)),
    Definition("false_alarms_per_hour", "warnings begun on negative controls; less than 60 s apart is one",
               _alarms, ratio, poisson),
    Definition("false_alarm_ratio", "share of the controls' seconds with a warning", _alarm_share, ratio),
    _mean("wait_error_mean", "mean of |told - true| share of time waiting for data", _absolute(_wait_error)),
    _quantile("wait_error_p90", "its 90th percentile", 0.9, _absolute(_wait_error)),
    _mean("wait_bias", "mean of told - true", _wait_error),
    _mean("fed_speedup_error", "mean of |told / true - 1| of the factor with an infinitely fast loader",
          _absolute(_fed_error)),
    _mean("promise_error", "mean of |promised / achieved - 1| of the factor of the advice", _promise_error),
    _mean("promise_held", "promises whose 90 % interval holds what was achieved", _promise_held),
    _mean("regret", "mean of 1 - rate after the advice / best of the grid; none keeps it", _regret),
    _mean("regret_small", "traces whose regret is at most 5 %", _small_regret),
    _mean("harmed", "advice after which the rate falls by more than 2 %", _harm),
    _mean("beyond_grid", "advice whose outcome the grid does not have", _beyond_grid),
)  # fmt: skip


def figures(outcomes: Sequence[Outcome]) -> dict[str, Figure]:
    """Return all figures over the outcomes of one diagnoser, by name."""
    return {definition.name: figure(definition, outcomes) for definition in DEFINITIONS}


def confusion(outcomes: Iterable[Outcome]) -> Counter[tuple[str, str]]:
    """Count (injected, told) pairs; of two injected faults the one that was told, else the main one."""
    return Counter((pair[0], pair[1] or "abstains") for pair in map(_pair, outcomes))
