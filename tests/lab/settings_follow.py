"""Following advice through a grid: where it leads in at most two steps, and which cells that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.lab.settings_advice import Told
from tests.lab.settings_cells import Grid, Measured
from tests.lab.settings_scenario import Cell

STEPS = 2
Telling = Callable[[Measured], Told]


@dataclass(frozen=True, slots=True)
class Step:
    """One change that was advised: from where, to where, and all that was told."""

    start: Cell
    told: Told

    @property
    def to(self) -> Cell:
        """The cell it leads to, the same one where nothing is to be changed."""
        return self.told.to or self.start


def path_from(start: Cell, grid: Grid, telling: Telling, steps: int = STEPS) -> tuple[Step, ...]:
    """Return the steps that lead from `start`, as far as they are known.

    They end where nothing is to be changed, where the training would run out of memory, and where a cell has
    not been watched.
    """
    found: list[Step] = []
    cell = start
    for _ in range(steps):
        here = grid.cells.get(cell)
        if here is None or not here.recording:
            break
        told = telling(here)
        if told.to is None or told.to == cell:
            break
        found.append(Step(cell, told))
        cell = told.to
    return tuple(found)


def needed(starts: Iterable[Cell], grid: Grid, telling: Telling) -> list[tuple[Cell, bool]]:
    """Return the cells that advice leads to and that are missing, and whether they must be watched.

    The cell after the last step is only measured: no advice is asked for there.
    """
    found: dict[Cell, bool] = {}
    for start in starts:
        path = path_from(start, grid, telling)
        if not path:
            continue
        end = path[-1].to
        there = grid.cells.get(end)
        watched = len(path) < STEPS
        if there is None or (watched and not there.recording and not there.out_of_memory):
            found[end] = found.get(end, False) or watched
    return list(found.items())
