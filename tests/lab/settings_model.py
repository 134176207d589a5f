"""Model runs of machines with 8 to 64 cores: gpumon's advice on what it would see of a simulated training.

Nothing real ran here: the pipeline is simulated, and so are the readings. They say whether the advice is
right where the model of `settings_pipeline` holds, and nothing about the machines themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from gpumon.history.window import Window
from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import LabSpec
from tests.lab.memory_table import reserved
from tests.lab.scenario import Machine
from tests.lab.settings_advice import Told, told_in
from tests.lab.settings_cells import Grid, Measured
from tests.lab.settings_follow import STEPS
from tests.lab.settings_machines import GPU_BYTES, Host, hosts, scene_of
from tests.lab.settings_outcome import Outcome, Promise, curve_promises, outcome, promises
from tests.lab.settings_pipeline import Load, Ran, simulate
from tests.lab.settings_policies import OWN, Situation, policies
from tests.lab.settings_scenario import Cell, SettingsScenario
from tests.lab.settings_tables import policy_table, promise_table

_WORKERS, _BATCHES = (1, 2, 4, 8, 16, 32), (16, 32, 64)
_STARTS = (Cell(1, 16), Cell(2, 16), Cell(4, 32), Cell(8, 16), Cell(8, 64), Cell(16, 32))
# What the last step of an epoch takes is drawn so often: by one draw a gain near 5 % is advised, or is not.
_DRAWS = 3
# A GPU that takes about 600 images a second with 16 at a time, and one on which launches are most of a step.
_FULL = GpuCost().taking(16, 112, 16 / 600)
_LAUNCH = GpuCost(image_seconds=0.0006, launch_seconds=0.02, full_batch=40.0, wave_images=16)


@dataclass(frozen=True, slots=True)
class ModelRun:
    """A simulated training by its name."""

    name: str
    text: str
    host: Host
    load: Load


@dataclass(frozen=True, slots=True)
class ModelScore:
    """What all policies bring in the model runs, and what was promised."""

    outcomes: dict[str, list[Outcome]]
    promises: list[Promise]
    curve: list[Promise]


def model_runs() -> tuple[ModelRun, ...]:
    """Return the simulated trainings on all machines."""
    kinds = (
        ("light", "8 ms of a core an image", 0.008, 0.0, _FULL),
        ("heavy", "25 ms of a core an image", 0.025, 0.0, _FULL),
        ("remote", "5 ms of a core and 20 ms of latency an image", 0.005, 0.020, _FULL),
        ("launches", "8 ms of a core an image, a GPU that a small batch does not fill", 0.008, 0.0, _LAUNCH),
    )
    return tuple(
        ModelRun(f"{name}, {host.name}", text, host, host.load(cpu, off, gpu))
        for host in hosts()
        for name, text, cpu, off, gpu in kinds
    )


def model_score(runs: tuple[ModelRun, ...] | None = None) -> ModelScore:
    """Follow the advice in all model runs, in each with several draws of what is known with an error."""
    found = ModelScore({}, [], [])
    for run in model_runs() if runs is None else runs:
        for draw in range(_DRAWS):
            _add(run, draw, found)
    return found


def model_tables() -> str:
    """Return the tables of all model runs, with the advice by machine."""
    machines = {
        host.name: model_score(tuple(run for run in model_runs() if run.host == host)) for host in hosts()
    }
    whole = _joined(machines.values())
    outcomes = whole.outcomes | {f"{OWN}, {name}": one.outcomes[OWN] for name, one in machines.items()}
    kinds = {"advised changes": whole.promises, "curve over workers": whole.curve}
    kinds |= {f"advised changes, {name}": one.promises for name, one in machines.items()}
    return (
        "Model runs (8 to 64 cores; simulated pipelines and readings, nothing ran):\n\n"
        f"{policy_table(outcomes)}\n\n{promise_table(kinds)}"
    )


def _joined(scores: Iterable[ModelScore]) -> ModelScore:
    """Return what several scores hold, as one."""
    found = ModelScore({}, [], [])
    for score in scores:
        for name, outcomes in score.outcomes.items():
            found.outcomes.setdefault(name, []).extend(outcomes)
        found.promises.extend(score.promises)
        found.curve.extend(score.curve)
    return found


def _add(run: ModelRun, draw: int, score: ModelScore) -> None:
    cores = run.host.cores
    scenario = SettingsScenario(
        run.name,
        run.text,
        LabSpec(),
        tuple(workers for workers in _WORKERS if workers <= cores),
        _BATCHES,
        tuple(start for start in _STARTS if start.workers <= cores),
    )
    cells = {cell: _measured(run, cell) for cell in scenario.cells}

    @cache
    def telling(one: Measured) -> Told:
        return told_in(_window(run, one.cell, draw), one.cell)

    for start in scenario.starts:
        cell = start
        for _ in range(STEPS):
            if cells[cell].out_of_memory:
                break
            cell = telling(cells[cell]).to or cell
            cells.setdefault(cell, replace(_measured(run, cell), followed=True))
    grid = Grid(cells)
    machine = Machine(run.host.allowed, run.load.cpu_seconds)
    situations = [Situation(scenario, grid, start) for start in scenario.starts]
    rules = policies(machine, telling, lambda one: _ran(run, one.cell).gpu_busy_ratio)
    for name, policy in rules.items():
        score.outcomes.setdefault(name, []).extend(outcome(policy, one) for one in situations)
    steps = {
        (one.start, one.to): one
        for situation in situations
        for one in promises(run.name, situation.cell, grid, telling)
    }
    score.promises.extend(steps.values())
    for start in scenario.starts:
        score.curve.extend(curve_promises(run.name, cells[start], grid, telling))


def _measured(run: ModelRun, cell: Cell) -> Measured:
    """Return the cell as if it had been measured."""
    if _memory_bytes(run.load.gpu, cell.batch_size) > GPU_BYTES:
        return Measured(run.name, cell, out_of_memory=True)
    return Measured(
        run.name, cell, images_per_second=_ran(run, cell).images_per_second, recording="simulated"
    )


@cache
def _ran(run: ModelRun, cell: Cell) -> Ran:
    return simulate(run.load, cell)


@cache
def _memory_bytes(cost: GpuCost, batch_size: int) -> int:
    return cost.context_bytes + reserved(cost, batch_size)


def _window(run: ModelRun, cell: Cell, draw: int) -> Window:
    """Return what gpumon would see of a model run."""
    held = _memory_bytes(run.load.gpu, cell.batch_size)
    return scene_of(run.host, run.load, cell, _ran(run, cell), held, draw).window()
