"""Figures over the outcomes of one diagnoser, and the statistics that make them.

Intervals are 90 %, from a bootstrap over groups of alike traces (all doses and seeds of a scenario are drawn
together) with a fixed seed; below five groups there is none. False alarms are rare events, so their interval
is Poisson's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from gpumon.history.stats import Interval, interval_of, mean, resamples
from tests.lab.score_outcome import Outcome

RESAMPLES = 500
SEED = 20
_LEAST_GROUPS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A number over `count` traces; None where there is none to count, with its interval where it has one."""

    value: float | None
    count: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """How a figure is made: `pick` an item of each trace that counts, `reduce` the items to the number."""

    name: str
    text: str
    pick: Callable[[Outcome], Any]
    reduce: Callable[[Sequence[Any]], float]
    interval: Callable[[Sequence[Any]], Interval] | None = None


def figure(definition: Definition, outcomes: Sequence[Outcome]) -> Figure:
    """Return one figure over the outcomes."""
    groups: dict[str, list[Any]] = {}
    for outcome in outcomes:
        item = definition.pick(outcome)
        if item is not None:
            groups.setdefault(outcome.truth.group, []).append(item)
    items = [item for members in groups.values() for item in members]
    if not items:
        return Figure(None, 0)
    value = definition.reduce(items)
    if definition.interval is not None:
        span = definition.interval(items)
        return Figure(value, len(items), span.low, span.high)
    if len(groups) < _LEAST_GROUPS:
        return Figure(value, len(items))
    members = list(groups.values())
    draws = [
        definition.reduce([item for index in drawn for item in members[index]])
        for drawn in resamples(len(members), RESAMPLES, SEED)
    ]
    span = interval_of(value, draws)
    return Figure(value, len(items), span.low, span.high)


def difference(definition: Definition, ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> Figure:
    """Return our figure minus theirs on the same traces, in the same order; both are drawn together."""
    groups: dict[str, list[tuple[Any, Any]]] = {}
    for one, other in zip(ours, theirs, strict=True):
        pair = (definition.pick(one), definition.pick(other))
        if None not in pair:
            groups.setdefault(one.truth.group, []).append(pair)
    members = list(groups.values())

    def minus(pairs: Sequence[tuple[Any, Any]]) -> float:
        first, second = zip(*pairs, strict=True)
        return definition.reduce(first) - definition.reduce(second)

    pairs = [pair for group in members for pair in group]
    if len(members) < _LEAST_GROUPS:
        return Figure(minus(pairs) if pairs else None, len(pairs))
    drawn = resamples(len(members), RESAMPLES, SEED)
    span = interval_of(minus(pairs), [minus([p for i in picks for p in members[i]]) for picks in drawn])
    return Figure(span.value, len(pairs), span.low, span.high)


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the mean F1 of the classes that were injected; an abstention is a miss of its class."""
    classes = {truth for truth, _ in pairs}
    scores = []
    for label in classes:
        hits = sum(1 for truth, told in pairs if truth == told == label)
        injected = sum(1 for truth, _ in pairs if truth == label)
        said = sum(1 for _, told in pairs if told == label)
        scores.append(2 * hits / (injected + said))
    return mean(scores)


def ratio(items: Sequence[tuple[float, float]]) -> float:
    """Return the sum of the parts per sum of the wholes."""
    return sum(part for part, _ in items) / max(sum(whole for _, whole in items), 1e-12)


def poisson(items: Sequence[tuple[float, float]]) -> Interval:
    """Return the rate of events per hour with its exact interval (Garwood 1936)."""
    events, hours = round(sum(count for count, _ in items)), sum(time for _, time in items)
    low = 0.0 if events == 0 else _poisson_mean(events - 1, 0.95)
    high = _poisson_mean(events, 0.05)
    return Interval(events / hours, low / hours, high / hours)


def _poisson_mean(events: int, probability: float) -> float:
    """Return the mean for which at most so many events have that probability."""
    low, high = 0.0, 10.0 + 3.0 * events
    for _ in range(100):
        middle = (low + high) / 2
        term = total = exp(-middle)
        for count in range(1, events + 1):
            term *= middle / count
            total += term
        if total > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
