"""The table of all scenarios, for a machine."""

from __future__ import annotations

from tests.lab.scenario import Machine, Scenario
from tests.lab.scenarios_data import data_scenarios
from tests.lab.scenarios_gpu import gpu_scenarios
from tests.lab.scenarios_healthy import healthy_scenarios
from tests.lab.scenarios_lookalikes import lookalike_scenarios
from tests.lab.scenarios_run import run_scenarios


def scenarios(machine: Machine) -> tuple[Scenario, ...]:
    """Return the scenarios, those that need the machine for themselves first."""
    found = (
        *data_scenarios(machine),
        *run_scenarios(machine),
        *gpu_scenarios(),
        *healthy_scenarios(machine),
        *lookalike_scenarios(machine),
    )
    return tuple(sorted(found, key=lambda scenario: not scenario.alone))
