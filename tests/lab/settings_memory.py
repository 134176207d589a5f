"""Batches and memory in the laboratory of settings: the largest that lives, and what was said of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import LoopSpec
from tests.lab.memory_fit import lives
from tests.lab.settings_cells import Grid
from tests.lab.settings_follow import Telling
from tests.lab.settings_scenario import Cell, SettingsScenario

# In one step gpumon at most doubles a batch, or leads to a few images where a framework accumulates them.
_LARGEST_STEP, _FEW = 2, 8


@dataclass(frozen=True, slots=True)
class LargestBatch:
    """The largest safe batch that was told in a cell, and the largest that lives as far as a step may lead.

    `calm` is the largest that lives without ever having to flush the allocator's cache, which costs time.
    `reach` is as far as one step may lead.
    """

    scenario: str
    cell: Cell
    told: int
    true: int
    calm: int
    reach: int

    @property
    def ratio(self) -> float:
        """What was told per what is true: above 1 the training would run out of memory."""
        return self.told / self.true


def largest_batches(scenario: SettingsScenario, grid: Grid, telling: Telling) -> tuple[LargestBatch, ...]:
    """Return what was told in all watched cells of a scenario."""
    gpu, found = scenario.spec.gpu, []
    for one in grid.cells.values():
        told = telling(one).largest_safe_batch if one.recording else None
        if told is not None:
            reach = max(_LARGEST_STEP * one.cell.batch_size, 0 if scenario.plain else _FEW)
            true = largest_living(gpu.cost, scenario.spec.loop, gpu.total_bytes, reach)
            calm = largest_living(gpu.cost, scenario.spec.loop, gpu.total_bytes, reach, calm=True)
            found.append(LargestBatch(scenario.name, one.cell, told, true, calm, reach))
    return tuple(found)


@cache
def largest_living(cost: GpuCost, loop: LoopSpec, total_bytes: int, reach: int, *, calm: bool = False) -> int:
    """Return the largest batch, up to `reach`, with which training and validation live; 0 for none.

    With `calm` only those count that never flush.
    """
    low, high = 0, reach + 1
    while high - low > 1:
        middle = (low + high) // 2
        flushes = lives(cost, middle, loop, total_bytes)
        fits = flushes == 0 if calm else flushes is not None
        low, high = (middle, high) if fits else (low, middle)
    return low
