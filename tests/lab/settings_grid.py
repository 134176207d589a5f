"""A script: runs the laboratory of settings, cell by cell, and what gpumon advises in it.

usage: python -m tests.lab.settings_grid [--list] [--only NAME ...] [--again CELL ...] [--minutes M] [--busy]
                                         [--out FILE]

Every cell of a grid runs once; in the cells that a scenario starts from gpumon watches, and the trace is kept
beside FILE. Then its advice is followed: where it leads to a cell that has not run or was not watched, that
cell runs too. A cell that is in FILE is not run again, so a broken run goes on where it stopped. NAME is the
beginning of a scenario's name. A CELL as memory-of-11-1x4 is run and watched although it is in FILE, or in no
grid. The machine must be quiet: with --busy a cell is kept although it was not.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import gpumon
from tests.lab.library import keep
from tests.lab.looking import RunFailedError
from tests.lab.scenario import Machine
from tests.lab.settings_advice import told_by
from tests.lab.settings_cells import CELLS, CellFile, Grid
from tests.lab.settings_follow import STEPS, needed
from tests.lab.settings_run import MEASURED_SECONDS, WARM_SECONDS, WATCHED_SECONDS, CellRun
from tests.lab.settings_scenario import Cell, SettingsScenario
from tests.lab.settings_scenarios import settings_scenarios
from tests.lab.settings_traces import Traces

if TYPE_CHECKING:
    from tests.lab.settings_stage import SettingsStage

# Until torch and OpenCV are there and the first batch came; what gpumon needs around its looks.
_START_SECONDS, _LOOK_SECONDS = 2.5, 2.5
# Beyond that other programs took part of the machine: the cell runs again.
_OTHER_CORES = 0.25
_TRIES = 3
# Where nothing has been measured yet, for --list alone.
_NOMINAL = Machine(2, 0.0045)


@dataclass
class Laboratory:
    """What runs: where it is written, and until when a cell may begin (time.monotonic)."""

    stage: SettingsStage
    file: CellFile
    deadline: float
    is_busy: bool = False
    failed: list[str] = field(default_factory=list)

    def run(self, scenario: SettingsScenario) -> None:
        """Run what is missing of a scenario: its grid, then what is advised."""
        for cell in scenario.cells:
            self._run(scenario, cell, watched=scenario.is_recorded(cell))
        for _ in range(STEPS):
            for cell, watched in self._advised(scenario):
                self._run(scenario, cell, watched=watched)

    def again(self, scenario: SettingsScenario, cell: Cell) -> None:
        """Run and watch a cell, whatever there is of it."""
        self._try(CellRun(scenario, cell, self.stage), watched=True)

    def _grid(self, scenario: SettingsScenario) -> Grid:
        return self.file.grids().get(scenario.name, Grid({}))

    def _advised(self, scenario: SettingsScenario) -> list[tuple[Cell, bool]]:
        traces = Traces(self.file.path.parent)
        return needed(
            scenario.starts,
            self._grid(scenario),
            lambda one: told_by(traces.samples(one.recording), one.cell),
        )

    def _run(self, scenario: SettingsScenario, cell: Cell, *, watched: bool) -> None:
        there = self._grid(scenario).cells.get(cell)
        if there is not None and (there.out_of_memory or there.recording or not watched):
            return
        self._try(CellRun(scenario, cell, self.stage), watched=watched)

    def _try(self, run: CellRun, *, watched: bool) -> None:
        for _ in range(_TRIES):
            if time.monotonic() > self.deadline:
                return
            if self._is_kept(run, watched=watched):
                return
        self.failed.append(run.name)

    def _is_kept(self, run: CellRun, *, watched: bool) -> bool:
        start, trace = time.monotonic(), self.stage.stage.home / f"{run.name}.gpumon"
        trace.unlink(missing_ok=True)
        try:
            found = run.watch(trace) if watched else run.measure()
        except (RunFailedError, OSError) as error:
            print(f"{run.name}: failed: {error}", flush=True)
            return False
        if found.other_cores > _OTHER_CORES and not self.is_busy:
            print(f"{run.name}: not kept, other programs used {found.other_cores:.2f} cores", flush=True)
            return False
        if found.recording:
            keep(trace, run.name, self._provenance(run), self.file.path.parent)
            trace.unlink()
        self.file.add(replace(found, followed=run.cell not in run.scenario.cells))
        shown = (
            "out of memory"
            if found.out_of_memory
            else f"{found.images_per_second:.1f} images/s ({found.low:.1f} to {found.high:.1f}, median"
            f" {found.median:.1f}), wait {found.data_wait_ratio:.2f}"
        )
        print(f"{run.name}: {shown}; {time.monotonic() - start:.0f} s", flush=True)
        return True

    def _provenance(self, run: CellRun) -> dict[str, object]:
        return {
            "set": "test",
            "scenario": run.scenario.name,
            "cell": str(run.cell),
            "made_by": "python -m tests.lab.settings_grid",
            "gpumon": gpumon.__version__,
            "made_unix_seconds": round(time.time()),  # noqa: TID251 - when it was made
        }


def main() -> int:
    """Run what is missing; 1 where a cell could not be run."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.settings_grid", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the cells and run nothing")
    parser.add_argument("--only", nargs="*", default=[""], help="beginnings of names of scenarios")
    parser.add_argument("--again", nargs="*", default=[], help="cells to run and to watch once more")
    parser.add_argument("--minutes", type=float, default=600.0, help="start no cell after so many minutes")
    parser.add_argument("--busy", action="store_true", help="keep also what ran beside other programs")
    parser.add_argument("--out", type=Path, default=CELLS, help="the file of the cells")
    options = parser.parse_args()
    file = CellFile(options.out)
    if options.list:
        print(listed(_named(settings_scenarios(file.machine() or _NOMINAL), options.only), file))
        return 0
    stage = _stage()
    every = settings_scenarios(_machine(stage, file))
    try:
        again = [cell_named(name, every) for name in options.again]
    except ValueError as error:
        parser.error(str(error))
    scenarios = _named(every, options.only)
    laboratory = Laboratory(stage, file, time.monotonic() + 60 * options.minutes, options.busy)
    for scenario, cell in again:
        laboratory.again(scenario, cell)
    for scenario in scenarios:
        laboratory.run(scenario)
    stage.clear()
    print(f"{sum(len(grid.cells) for grid in file.grids().values())} cells; not run: {laboratory.failed}")
    return 1 if laboratory.failed else 0


def listed(scenarios: tuple[SettingsScenario, ...], file: CellFile) -> str:
    """Return the scenarios with their cells, those that are missing, and how long they would take."""
    grids, lines, seconds = file.grids(), [], 0.0
    for scenario in scenarios:
        there = grids.get(scenario.name, Grid({})).cells
        missing = [cell for cell in scenario.cells if cell not in there]
        seconds += sum(cell_seconds(watched=scenario.is_recorded(cell)) for cell in missing)
        # Advice leads to about one cell more for every two starts.
        seconds += cell_seconds(watched=True) * (len(scenario.starts) / 2 if missing else 0)
        shown = " ".join(f"{cell}{'*' if scenario.is_recorded(cell) else ''}" for cell in scenario.cells)
        lines.append(f"{scenario.name}: {scenario.text}\n  {shown}; {len(missing)} to run")
    return "\n".join(
        [*lines, "* is watched by gpumon", f"about {seconds / 60:.0f} minutes, with what is advised"]
    )


def cell_named(name: str, scenarios: Iterable[SettingsScenario]) -> tuple[SettingsScenario, Cell]:
    """Return the scenario and the cell of a name as memory-of-11-1x4; raises ValueError."""
    beginning, _, cell = name.rpartition("-")
    workers, _, batch = cell.partition("x")
    scenario = next((one for one in scenarios if one.name == beginning), None)
    if scenario is None or not (workers.isdecimal() and batch.isdecimal()):
        raise ValueError(f"{name} is no cell of the laboratory; one is few-workers-1x8")
    return scenario, Cell(int(workers), int(batch))


def cell_seconds(*, watched: bool) -> float:
    """Return about how long a cell takes: an estimate for --list, not a measurement."""
    watching = WATCHED_SECONDS + _LOOK_SECONDS if watched else MEASURED_SECONDS
    return _START_SECONDS + WARM_SECONDS + watching


def _named(scenarios: tuple[SettingsScenario, ...], beginnings: list[str]) -> tuple[SettingsScenario, ...]:
    return tuple(one for one in scenarios if any(one.name.startswith(name) for name in beginnings))


def _stage() -> SettingsStage:
    from tests.lab.settings_stage import SettingsStage
    from tests.lab.stage import Stage
    from tests.real.environment import yolov5_environment

    stage = SettingsStage(Stage(yolov5_environment()))
    stage.prepare()
    return stage


def _machine(stage: SettingsStage, file: CellFile) -> Machine:
    """Return the machine of the cells that are there, or measure this one."""
    there = file.machine()
    if there is not None:
        return there
    from tests.lab.make import _decode_seconds

    machine = Machine(os.cpu_count() or 1, _decode_seconds(stage.stage))
    more = {"python": platform.python_version(), "kernel": platform.release().partition("-")[0]}
    file.write_machine(machine, more)
    return machine


if __name__ == "__main__":
    sys.exit(main())
