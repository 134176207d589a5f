"""What can be done about settings: follow gpumon, or one of the rules that are in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean

from gpumon.model.measure import number
from gpumon.model.sample import Sample
from tests.lab.scenario import Machine
from tests.lab.settings_cells import Grid, Measured
from tests.lab.settings_follow import STEPS, Telling, path_from
from tests.lab.settings_scenario import Cell, SettingsScenario

OWN = "gpumon"
_DEFAULT_WORKERS = 8
_FED_BUSY = 0.90


@dataclass(frozen=True, slots=True)
class Situation:
    """A training that runs in one cell of its grid; `busy` is what `nvidia-smi` shows of its GPU."""

    scenario: SettingsScenario
    grid: Grid
    cell: Cell
    busy: float | None = None


# From a situation to the cells that a rule leads through; none keeps the settings.
Policy = Callable[[Situation], tuple[Cell, ...]]


def policies(
    machine: Machine, telling: Telling, busy: Callable[[Measured], float | None]
) -> Mapping[str, Policy]:
    """Return all policies by name, gpumon first."""
    return {
        OWN: partial(_own, telling),
        f"{OWN}, one step": partial(_own, telling, steps=1),
        "keep": lambda _: (),
        "workers = cores": partial(_cores, machine),
        "workers = 8 (YOLOv5's default and cap)": partial(_default, machine),
        "util < 90 %: workers + 2, at most twice": partial(_below_ninety, machine, busy),
        "torch's warning: at most the cores": partial(_torch_warning, machine),
    }


def busy_ratio(samples: tuple[Sample, ...]) -> float | None:
    """Return the mean utilisation of the training's GPU, None where it has none."""
    found = [number(gpu.gpu_busy_ratio) for sample in samples for gpu in sample.gpus]
    known = [value for value in found if value is not None]
    return fmean(known) if known else None


def _own(telling: Telling, situation: Situation, steps: int = STEPS) -> tuple[Cell, ...]:
    return tuple(step.to for step in path_from(situation.cell, situation.grid, telling, steps))


def _cores(machine: Machine, situation: Situation) -> tuple[Cell, ...]:
    return (replace(situation.cell, workers=machine.cores),)


def _default(machine: Machine, situation: Situation) -> tuple[Cell, ...]:
    """YOLOv5 cuts its default to the cores and to the batch (utils/dataloaders.py)."""
    if situation.scenario.plain:
        return (replace(situation.cell, workers=_DEFAULT_WORKERS),)
    batch = situation.cell.batch_size if situation.cell.batch_size > 1 else 0
    return (replace(situation.cell, workers=min(_DEFAULT_WORKERS, machine.cores, batch)),)


def _below_ninety(
    machine: Machine, busy: Callable[[Measured], float | None], situation: Situation
) -> tuple[Cell, ...]:
    """The guide's second step: 2 more workers until utilisation is above 90 %; YOLOv5 cuts to the cores.

    Where the cell it led to was not watched, it ends there.
    """
    found: list[Cell] = []
    cell = situation.cell
    for _ in range(STEPS):
        here = situation.grid.cells.get(cell)
        seen = busy(here) if here is not None and here.recording else None
        if seen is None or seen >= _FED_BUSY:
            break
        more = cell.workers + 2
        workers = more if situation.scenario.plain else min(more, machine.cores)
        if workers <= cell.workers:
            break
        cell = replace(cell, workers=workers)
        found.append(cell)
    return tuple(found)


def _torch_warning(machine: Machine, situation: Situation) -> tuple[Cell, ...]:
    """PyTorch warns above the cores, and suggests them (DataLoader.check_worker_number_rationality)."""
    if situation.cell.workers > machine.cores:
        return (replace(situation.cell, workers=machine.cores),)
    return ()
