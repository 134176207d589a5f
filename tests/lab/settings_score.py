"""A script: how good the advice on settings is, from the cells and traces of the laboratory of settings.

usage: python -m tests.lab.settings_score [--cells FILE] [--model] [--all]

It prints Markdown. The advice is computed anew from the traces, so it is that of the code as it is. `--model`
adds model runs of machines with more cores, where nothing real ran. `--all` adds every start and promise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from gpumon.advice.prior import Prior
from gpumon.advice.terms import Terms
from tests.lab.settings_advice import Told, told_by
from tests.lab.settings_cells import CELLS, CellFile, CellsError, Grid, Measured
from tests.lab.settings_follow import Telling, path_from
from tests.lab.settings_memory import LargestBatch, largest_batches
from tests.lab.settings_outcome import (
    Outcome,
    Promise,
    curve_promises,
    memory_promises,
    outcome,
    promises,
)
from tests.lab.settings_policies import Situation, busy_ratio, policies
from tests.lab.settings_scenario import Cell, SettingsScenario
from tests.lab.settings_scenarios import settings_scenarios
from tests.lab.settings_score_learned import learned_path, learned_policy, second_promises
from tests.lab.settings_tables import (
    batch_table,
    grid_table,
    outcome_table,
    policy_table,
    promise_list,
    promise_table,
)
from tests.lab.settings_traces import Traces


@dataclass(frozen=True, slots=True)
class Score:
    """Everything that is scored, before it is printed."""

    outcomes: dict[str, list[Outcome]]
    promises: list[Promise]
    curve: list[Promise]
    memory: list[Promise]
    batches: list[LargestBatch]
    second: dict[str, list[Promise]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Score and print; 1 where nothing was measured, 2 for data that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.settings_score", description=__doc__)
    parser.add_argument("--cells", type=Path, default=CELLS, help="the file of the cells")
    parser.add_argument("--model", action="store_true", help="model runs of larger machines, too")
    parser.add_argument("--all", action="store_true", help="every start and every promise, too")
    options = parser.parse_args(arguments)
    file = CellFile(options.cells)
    try:
        machine, grids = file.machine(), file.grids()
    except CellsError as error:
        print(f"cannot score: {error}", file=sys.stderr)
        return 2
    if machine is None or not grids:
        print(f"nothing was measured in {options.cells.name}", file=sys.stderr)
        return 1
    scenarios = [one for one in settings_scenarios(machine) if one.name in grids]
    traces = Traces(options.cells.parent)
    found = score(file, scenarios, grids, traces)
    print(_where(file.machine_words()) + "\n")
    print(grid_table(scenarios, grids))
    print("\n" + policy_table(found.outcomes))
    kinds = {
        "gain of advised changes": found.promises,
        "gain for other numbers of workers": found.curve,
        "peak memory of advised batches": found.memory,
        **found.second,
    }
    print("\n" + promise_table(kinds))
    print("\n" + batch_table(found.batches))
    if options.all:
        print("\n" + outcome_table(next(iter(found.outcomes.values()))))
        print("\n" + promise_list([*found.promises, *found.curve]))
    if options.model:
        from tests.lab.settings_model import model_tables

        print("\n" + model_tables())
    return 0


def _where(machine: Mapping[str, Any]) -> str:
    """Return what the cells ran on."""
    return (
        f"Measured on {machine['cores']} cores, Linux {machine.get('kernel', '?')}, Python"
        f" {machine.get('python', '?')}; decoding an image takes {1e3 * machine['decode_seconds']:.2f} ms."
    )


def score(file: CellFile, scenarios: list[SettingsScenario], grids: dict[str, Grid], traces: Traces) -> Score:
    """Return the outcomes of every policy from every start, and all that was promised."""
    machine = file.machine()
    if machine is None:
        raise CellsError("the machine of the cells is not known")

    @cache
    def telling(one: Measured) -> Told:
        return told_by(traces.samples(one.recording), one.cell)

    @cache
    def learned(one: Measured, prior: Prior) -> Told:
        return told_by(traces.samples(one.recording), one.cell, Terms(prior))

    @cache
    def busy(one: Measured) -> float | None:
        return busy_ratio(traces.samples(one.recording))

    situations = [
        Situation(scenario, grids[scenario.name], start)
        for scenario in scenarios
        for start in scenario.starts
        if grids[scenario.name].rate(start)
    ]
    own, *others = policies(machine, telling, busy).items()
    known = dict([own, (f"{own[0]}, which knows the first run", learned_policy(learned)), *others])
    found = {name: [outcome(policy, one) for one in situations] for name, policy in known.items()}
    second = {
        "gain of second steps": second_promises(
            lambda one: path_from(one.cell, one.grid, telling), situations
        ),
        "the same, knowing the first run": second_promises(partial(learned_path, learned), situations),
    }
    return Score(found, *_told(scenarios, grids, situations, telling), second)


def _told(
    scenarios: list[SettingsScenario], grids: dict[str, Grid], situations: list[Situation], telling: Telling
) -> tuple[list[Promise], list[Promise], list[Promise], list[LargestBatch]]:
    """Return all that was promised, each step once, and the largest batches."""

    def once(told: Callable[[str, Cell, Grid, Telling], Sequence[Promise]]) -> list[Promise]:
        found = {
            (one.scenario, one.start, one.to): one
            for situation in situations
            for one in told(situation.scenario.name, situation.cell, situation.grid, telling)
        }
        return list(found.values())

    watched = [(name, one) for name, grid in grids.items() for one in grid.cells.values() if one.recording]
    curve = [one for name, cell in watched for one in curve_promises(name, cell, grids[name], telling)]
    batches = [
        one for scenario in scenarios for one in largest_batches(scenario, grids[scenario.name], telling)
    ]
    return once(promises), curve, once(memory_promises), batches


if __name__ == "__main__":
    sys.exit(main())
