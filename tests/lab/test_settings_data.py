"""What was measured in the laboratory of settings is whole, and the advice on it keeps what the docs say."""

from __future__ import annotations

from statistics import fmean

import pytest

from tests.lab.library import ENDING, entries
from tests.lab.settings_cells import CELLS, CellFile, Grid
from tests.lab.settings_scenario import SettingsScenario
from tests.lab.settings_scenarios import settings_scenarios
from tests.lab.settings_score import Score, score
from tests.lab.settings_tables import GOOD_SHARE
from tests.lab.settings_traces import Traces

FILE = CellFile(CELLS)
# All traces together: they are in every checkout.
_MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def scenarios() -> tuple[SettingsScenario, ...]:
    """The scenarios for the machine of the data."""
    machine = FILE.machine()
    assert machine is not None
    return settings_scenarios(machine)


@pytest.fixture(scope="module")
def grids() -> dict[str, Grid]:
    """What was measured."""
    return FILE.grids()


@pytest.fixture(scope="module")
def scored(scenarios: tuple[SettingsScenario, ...], grids: dict[str, Grid]) -> Score:
    """The score of the advice as it is now."""
    return score(FILE, list(scenarios), grids, Traces(CELLS.parent))


def test_all_scenarios_were_measured(scenarios: tuple[SettingsScenario, ...], grids: dict[str, Grid]) -> None:
    """Those of the table and no others: what follows says something of all of them."""
    assert {scenario.name for scenario in scenarios} == set(grids)


def test_every_cell_of_every_grid_was_measured(
    scenarios: tuple[SettingsScenario, ...], grids: dict[str, Grid]
) -> None:
    """With a rate, or with the word that it runs out of memory."""
    for scenario in scenarios:
        cells = grids[scenario.name].cells
        assert set() == set(scenario.cells) - set(cells), scenario.name
        for one in cells.values():
            assert one.out_of_memory or one.low <= one.images_per_second <= one.high, str(one.cell)


def test_every_start_was_watched(scenarios: tuple[SettingsScenario, ...], grids: dict[str, Grid]) -> None:
    """A start that does not live is none."""
    for scenario in scenarios:
        for start in scenario.starts:
            assert grids[scenario.name].cells[start].recording, f"{scenario.name} {start}"


def test_the_traces_are_there_and_small() -> None:
    """Each that a cell names, and no other."""
    named = {one.recording for grid in FILE.grids().values() for one in grid.cells.values() if one.recording}
    assert named == {entry.name for entry in entries(CELLS.parent)}
    sizes = [(CELLS.parent / f"{name}{ENDING}").stat().st_size for name in named]
    assert sum(sizes) < _MOST_BYTES


def test_rates_of_cells_are_steady(scenarios: tuple[SettingsScenario, ...], grids: dict[str, Grid]) -> None:
    """The 90 % interval and the median second are within a tenth; slow samples come in bursts."""
    unsteady = []
    for scenario in scenarios:
        most = 0.3 if scenario.spec.loader.slow_every else 0.1
        for one in grids[scenario.name].cells.values():
            rate = one.images_per_second
            if not one.out_of_memory and max(one.high - rate, abs(one.median - rate)) > most * rate:
                unsteady.append(f"{scenario.name} {one.cell}")
    assert [] == unsteady


def test_the_machine_was_quiet(grids: dict[str, Grid]) -> None:
    """Other programs used less than a quarter of a core during every cell."""
    assert [] == [
        f"{name} {one.cell}"
        for name, grid in grids.items()
        for one in grid.cells.values()
        if one.other_cores > 0.25
    ]


def test_no_advice_runs_out_of_memory(scored: Score) -> None:
    """From no start, and no largest safe batch that was told lies above what lives."""
    assert len(scored.outcomes["gpumon"]) >= 3 * len(FILE.grids())
    assert scored.batches
    known = [one for one in scored.outcomes["gpumon"] if one.rate is not None]
    # Advice that has changed since may lead where nobody measured: then the grid is to be run again.
    assert len(known) >= 0.9 * len(scored.outcomes["gpumon"])
    assert not any(one.ran_out for one in scored.outcomes["gpumon"])
    assert [] == [one for one in scored.batches if one.ratio > 1]


def test_most_starts_end_near_the_best_and_none_gets_slower(scored: Score) -> None:
    """As docs/accuracy-advice.md says: two steps end at 95 % of the best from 90 %, and none slows down."""
    known = [one for one in scored.outcomes["gpumon"] if one.share_of_best is not None]
    near = [one for one in known if one.share_of_best is not None and one.share_of_best >= GOOD_SHARE]
    assert len(near) >= 0.9 * len(known)
    assert [] == [(one.scenario, str(one.start)) for one in known if one.harmed]


def test_who_knows_the_first_run_predicts_the_second_better(scored: Score) -> None:
    """A batch that was doubled once says what doubling it again brings."""
    blind, knowing = (fmean(abs(one.error) for one in found) for found in scored.second.values())
    assert knowing < blind
