"""Ranks that wait for one of them: how much longer one rank waits for its batches than the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gpumon.diagnosis.view import View
from gpumon.history.stats import Interval, interval_of, mean, resamples
from gpumon.model.measure import Maybe, Missing, known, number


@dataclass(frozen=True, slots=True)
class Imbalance:
    """The rank that waits most over the steady samples, its wait, and how much more that is than another's.

    `lead` is the mean over seconds, negative where another rank waited most, with its 90 % interval: noise
    alone makes some rank the slowest of each second, but never the same one.
    """

    rank: int
    wait_ratio: float
    lead: Interval


def imbalance_of(view: View) -> Maybe[Imbalance]:
    """Return how unevenly the ranks wait, or Missing with the reason."""
    return view.once(_imbalance)


def _imbalance(view: View) -> Maybe[Imbalance]:
    found: list[tuple[int, float, float]] = []
    for _, reading in view.steady:
        loader = reading.loader
        rank = known(loader.slowest_rank)
        wait = number(loader.slowest_rank_data_wait_ratio)
        spread = number(loader.rank_data_wait_spread_ratio)
        if rank is not None and wait is not None and spread is not None:
            found.append((rank, wait, spread))
    if not found:
        spread_now = view.reading.loader.rank_data_wait_spread_ratio
        return spread_now if isinstance(spread_now, Missing) else Missing("no steady training seen yet")
    slowest = Counter(rank for rank, _, _ in found).most_common(1)[0][0]
    leads = [spread if rank == slowest else -spread for rank, _, spread in found]
    # Where another rank was the slowest, this one waited by the spread less, or more.
    waits = [wait if rank == slowest else max(0.0, wait - spread) for rank, wait, spread in found]
    draws = [mean([leads[index] for index in indices]) for indices in resamples(len(leads))]
    return Imbalance(slowest, mean(waits), interval_of(mean(leads), draws))
