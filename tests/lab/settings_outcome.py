"""What a policy brings from one start, and how good the promises on the way were."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.suggestion import Effect
from tests.lab.settings_cells import Grid, Measured
from tests.lab.settings_follow import Step, Telling, path_from
from tests.lab.settings_policies import Policy, Situation
from tests.lab.settings_scenario import Cell

# A rate is known to about that much: less is no loss.
NOISE_RATIO = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a policy leads from a start. `rate` is None where nobody measured it, 0 out of memory."""

    scenario: str
    start: Cell
    path: tuple[Cell, ...]
    before: float
    rates: tuple[float | None, ...]
    best: float

    @property
    def rate(self) -> float | None:
        """Images per second in the end."""
        return self.rates[-1] if self.rates else self.before

    @property
    def share_of_best(self) -> float | None:
        """The rate in the end per the best of the grid; above 1 where it found something better."""
        return None if self.rate is None else self.rate / self.best

    @property
    def ran_out(self) -> bool:
        """Whether it ran out of memory on the way."""
        return 0.0 in self.rates

    @property
    def harmed(self) -> bool | None:
        """Whether it was slower than before at any step, None where that is not known."""
        known = [rate for rate in self.rates if rate is not None]
        if any(rate < self.before * (1 - NOISE_RATIO) for rate in known):
            return True
        return None if len(known) < len(self.rates) else False


@dataclass(frozen=True, slots=True)
class Promise:
    """A factor on the rate, or bytes, as predicted with an interval, and as it came out."""

    scenario: str
    start: Cell
    to: Cell
    predicted: Effect
    achieved: float

    @property
    def error(self) -> float:
        """The relative error of the prediction, with its sign."""
        return self.predicted.predicted / self.achieved - 1

    @property
    def is_kept(self) -> bool:
        """Whether the interval holds what came out."""
        return self.predicted.low <= self.achieved <= self.predicted.high


def outcome(policy: Policy, situation: Situation) -> Outcome:
    """Return where a policy leads. Raises ValueError where the grid does not hold the start."""
    grid, start = situation.grid, situation.cell
    before, best = grid.rate(start), grid.best
    if not before or best is None:
        raise ValueError(f"{situation.scenario.name} was not measured at {start}")
    path = policy(situation)
    rates = tuple(map(grid.rate, path))
    return Outcome(situation.scenario.name, start, path, before, rates, best.images_per_second)


def promises(name: str, start: Cell, grid: Grid, telling: Telling) -> tuple[Promise, ...]:
    """Return the promises of all steps that lead from a start, as far as what came out was measured."""
    found = (promise_of(name, grid, step) for step in path_from(start, grid, telling))
    return tuple(one for one in found if one is not None)


def curve_promises(name: str, watched: Measured, grid: Grid, telling: Telling) -> tuple[Promise, ...]:
    """Return the predictions for other numbers of workers than the advised one, where those were measured."""
    told = telling(watched)
    found = []
    for cell, effect in told.curve:
        there = grid.cells.get(cell)
        if there is not None and not there.out_of_memory and cell not in (watched.cell, told.to):
            achieved = there.images_per_second / watched.images_per_second
            found.append(Promise(name, watched.cell, cell, effect, achieved))
    return tuple(found)


def memory_promises(name: str, start: Cell, grid: Grid, telling: Telling) -> tuple[Promise, ...]:
    """Return the peaks in bytes that were predicted for other batches on the way from a start."""
    found = []
    for step in path_from(start, grid, telling):
        there, effect = grid.cells.get(step.to), step.told.memory
        if there is not None and there.peak_bytes and effect is not None:
            found.append(Promise(name, step.start, step.to, effect, float(there.peak_bytes)))
    return tuple(found)


def promise_of(name: str, grid: Grid, step: Step) -> Promise | None:
    """Return the promise of one step, None where nothing was promised or what came out was not measured."""
    before, after, effect = grid.rate(step.start), grid.rate(step.to), step.told.speedup
    if not before or not after or effect is None or effect.now <= 0:
        return None
    factors = (1.0, *(value / effect.now for value in (effect.predicted, effect.low, effect.high)))
    return Promise(name, step.start, step.to, Effect(*factors), after / before)
