"""The laboratory of settings: its table, its data, following advice through a grid, and what is scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.suggestion import Effect
from tests.lab.jpeg.spec import read_spec
from tests.lab.scenario import Machine
from tests.lab.settings_advice import Told, told_by
from tests.lab.settings_cells import CellFile, CellsError, Grid, Measured
from tests.lab.settings_follow import needed, path_from
from tests.lab.settings_grid import cell_named, listed
from tests.lab.settings_memory import largest_living
from tests.lab.settings_outcome import Promise, curve_promises, outcome, promises
from tests.lab.settings_policies import Policy, Situation, policies
from tests.lab.settings_rate import rate_of
from tests.lab.settings_scenario import Cell, SettingsScenario
from tests.lab.settings_scenarios import settings_scenarios
from tests.lab.settings_score import main
from tests.lab.settings_tables import outcome_table, policy_table, promise_table
from tests.real.truth import LoaderWait
from tests.unit.synthetic_training import HEALTHY, STARVED

MACHINE = Machine(2, 0.004)
FEW, MORE, CROWDED = Cell(1, 8), Cell(2, 8), Cell(8, 8)


@pytest.fixture(scope="module")
def table() -> tuple[SettingsScenario, ...]:
    """The scenarios on a machine with two cores."""
    return settings_scenarios(MACHINE)


def measured(cell: Cell, rate: float, *, watched: bool = True, name: str = "few") -> Measured:
    """Return a cell that ran at a rate."""
    return Measured(name, cell, images_per_second=rate, recording=f"{name}-{cell}" if watched else "")


def grid(*cells: Measured) -> Grid:
    """Return a grid of them."""
    return Grid({one.cell: one for one in cells})


GRID = grid(measured(FEW, 100.0), measured(MORE, 190.0), measured(CROWDED, 150.0, watched=False))
UP = Effect(1.0, 1.8, 1.6, 1.95)


def telling(told: Mapping[Cell, Told], one: Measured) -> Told:
    """Return what is told in a cell."""
    return told.get(one.cell, Told("compute-bound", settled=True))


ADVISED = {FEW: Told("starved-too-few-workers", settled=True, to=MORE, speedup=UP, curve=((CROWDED, UP),))}


def told(one: Measured) -> Told:
    """Return the advice of ADVISED."""
    return telling(ADVISED, one)


def situation(cell: Cell, cells: Grid = GRID) -> Situation:
    """Return a training in a cell of the scenario `few`."""
    scenario = replace(settings_scenarios(MACHINE)[0], name="few")
    return Situation(scenario, cells, cell)


def rules() -> Mapping[str, Policy]:
    """Return all policies; the GPU is busy for half of the time with one worker, else always."""
    return policies(MACHINE, told, lambda one: 0.5 if one.cell.workers == 1 else 0.97)


def test_there_are_at_most_twelve_scenarios_of_three_by_three(table: tuple[SettingsScenario, ...]) -> None:
    """Each cell is a training of its own: more would take longer than a machine can be kept quiet."""
    assert len(table) <= 12
    assert {9} == {len(set(scenario.cells)) for scenario in table}


def test_every_start_is_a_cell_of_its_grid_and_is_watched(table: tuple[SettingsScenario, ...]) -> None:
    """Advice is asked for in cells whose rate is known."""
    for scenario in table:
        assert set(scenario.starts) <= set(scenario.cells)
        assert len(set(scenario.starts)) == len(scenario.starts) >= 3
        assert all(scenario.is_recorded(start) for start in scenario.starts)


def test_sets_of_images_leave_a_smaller_batch(table: tuple[SettingsScenario, ...]) -> None:
    """Where an epoch has a number of images, its last batch has fewer than any batch of the grid but 1."""
    sets = [scenario for scenario in table if scenario.spec.loop.images]
    assert {"launches", "slow-gpu", "batch-one"} == {scenario.name for scenario in sets}
    for scenario in sets:
        images = scenario.spec.loop.images
        assert all(images % batch for batch in scenario.batches if batch > 1)


def test_names_are_unique_and_specs_are_read_as_written(
    table: tuple[SettingsScenario, ...], tmp_path: Path
) -> None:
    """A trace's name is its file's, and the training gets what the table says."""
    assert len({scenario.name for scenario in table}) == len(table)
    for scenario in table:
        assert scenario.spec == read_spec(scenario.spec.write(tmp_path / "spec"))


def test_grids_of_yolov5_have_no_workers_that_it_would_cut(table: tuple[SettingsScenario, ...]) -> None:
    """With two cores YOLOv5 starts two workers at most."""
    assert {2} == {max(scenario.workers) for scenario in table if not scenario.plain}


def test_memory_scenarios_end_where_their_names_say(table: tuple[SettingsScenario, ...]) -> None:
    """By the allocator alone, with validation."""
    for scenario in table:
        if scenario.name.startswith("memory-of-"):
            gpu, most = scenario.spec.gpu, int(scenario.name.rpartition("-")[2])
            found = largest_living(gpu.cost, scenario.spec.loop, gpu.total_bytes, 32)
            assert most == found
            assert max(scenario.batches) > most


def test_the_grid_fits_into_forty_minutes(table: tuple[SettingsScenario, ...], tmp_path: Path) -> None:
    """As --list estimates it, with the cells that advice leads to."""
    text = listed(table, CellFile(tmp_path / "none.jsonl"))
    words = text.splitlines()[-1].split()
    assert words[0] == "about"
    assert int(words[1]) <= 40


def test_a_cell_is_named_with_its_scenario(table: tuple[SettingsScenario, ...]) -> None:
    """Also one that is in no grid; what is none is refused with an example."""
    scenario, cell = cell_named("memory-of-11-12x4", table)
    assert (scenario.name, cell) == ("memory-of-11", Cell(12, 4))
    for name in ("memory-of-11", "memory-of-12-1x4", "batch-one-x4", "1x4"):
        with pytest.raises(ValueError, match="few-workers-1x8"):
            cell_named(name, table)


def stamps(step: float, count: int, *, wait: float = 0.0, start: float = 100.0) -> list[LoaderWait]:
    """Return the waits of a training whose steps all take that long."""
    return [
        LoaderWait(start + number * step, start + number * step + wait, 0, 8, 2) for number in range(count)
    ]


@given(step=st.floats(0.02, 0.4), offset=st.floats(0.0, 0.5), seconds=st.floats(3.0, 9.0))
def test_the_rate_of_even_steps_is_exact_wherever_the_window_lies(
    step: float, offset: float, seconds: float
) -> None:
    """No part of a batch is counted twice or lost."""
    found = rate_of(stamps(step, int(12 / step)), 100.0 + offset, 100.0 + offset + seconds)
    assert found is not None
    assert found.mean == pytest.approx(8 / step, rel=1e-6)
    assert found.median == pytest.approx(8 / step, rel=1e-6)
    assert found.low <= found.mean <= found.high


def test_the_rate_leaves_validation_out() -> None:
    """Half a second of validation every two seconds changes nothing."""
    waits: list[LoaderWait] = []
    start = 100.0
    for _ in range(4):
        waits += stamps(0.1, 20, start=start)
        waits.append(LoaderWait(start + 2.0, start + 2.1, 1, 16, 2))
        start += 2.5
    found = rate_of(waits, 100.0, 110.0)
    assert found is not None
    assert found.mean == pytest.approx(80.0, rel=0.01)


def test_the_rate_counts_the_images_of_smaller_batches() -> None:
    """Each fourth of these batches has two of eight images: 6.5 on average every tenth of a second."""
    waits = [
        replace(wait, batch_size=2) if number % 4 == 3 else wait
        for number, wait in enumerate(stamps(0.1, 81))
    ]
    found = rate_of(waits, 100.0, 109.0)
    assert found is not None
    assert found.mean == pytest.approx(65.0, rel=0.03)


def test_two_batches_have_no_rate() -> None:
    """A training that hardly ran is told from one that is slow."""
    assert rate_of(stamps(1.0, 2), 100.0, 109.0) is None


@given(
    rate=st.floats(0.1, 1e4),
    cell=st.builds(Cell, st.integers(0, 64), st.integers(1, 512)),
    followed=st.booleans(),
    name=st.sampled_from(["", "few-1x8"]),
)
def test_cells_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rate: float, cell: Cell, followed: bool, name: str
) -> None:
    """The file holds all of a cell."""
    file = CellFile(tmp_path_factory.mktemp("cells") / "cells.jsonl")
    one = Measured("few", cell, rate, recording=name, followed=followed)
    file.write_machine(MACHINE, {"kernel": "6"})
    file.add(one)
    assert file.machine() == MACHINE
    assert {"few": grid(one)} == file.grids()


def test_of_a_cell_that_ran_twice_the_last_counts(tmp_path: Path) -> None:
    """Where advice leads to a cell that nobody watched, it runs again."""
    file = CellFile(tmp_path / "cells.jsonl")
    file.add(measured(FEW, 90.0, watched=False))
    file.add(measured(FEW, 95.0))
    assert measured(FEW, 95.0) == file.grids()["few"].cells[FEW]


@pytest.mark.parametrize("line", ["{", "[]", '{"scenario": "few"}', '{"scenario": "few", "cell": "1xmany"}'])
def test_a_broken_file_of_cells_is_one_sentence(tmp_path: Path, line: str) -> None:
    """Data that cannot be used is not scored."""
    path = tmp_path / "cells.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(CellsError):
        CellFile(path).grids()
    assert 2 == main(["--cells", str(path)])


def test_without_cells_nothing_is_scored(tmp_path: Path) -> None:
    """That is an error of its own."""
    assert 1 == main(["--cells", str(tmp_path / "none.jsonl")])


def test_rates_are_interpolated_between_numbers_of_workers_alone() -> None:
    """Another batch is another training."""
    assert GRID.rate(Cell(5, 8)) == pytest.approx(170.0)
    assert GRID.rate(Cell(5, 16)) is None
    assert GRID.rate(Cell(9, 8)) is None


def test_a_cell_out_of_memory_has_no_rate_and_is_not_the_best() -> None:
    """Nothing is faster than a training that lives."""
    dead = Measured("few", Cell(2, 32), out_of_memory=True)
    cells = grid(*GRID.cells.values(), dead)
    assert cells.rate(dead.cell) == 0.0
    assert cells.best == measured(MORE, 190.0)


def test_where_advice_alone_led_is_no_best_of_the_grid() -> None:
    """The best is that of the cells which all are compared with."""
    beyond = replace(measured(Cell(2, 16), 300.0), followed=True)
    assert grid(*GRID.cells.values(), beyond).best == measured(MORE, 190.0)


def test_a_path_follows_the_advice_until_nothing_is_to_be_changed() -> None:
    """From one worker to two, and there it stays."""
    assert [MORE] == [step.to for step in path_from(FEW, GRID, told)]
    assert () == path_from(MORE, GRID, told)


def test_a_path_has_two_steps_at_most() -> None:
    """Advice in a circle ends as well."""
    circle = {FEW: Told("a", settled=True, to=MORE), MORE: Told("b", settled=True, to=FEW)}
    assert [MORE, FEW] == [step.to for step in path_from(FEW, GRID, lambda one: telling(circle, one))]


def test_cells_that_advice_leads_to_must_run_where_they_are_missing() -> None:
    """After the first step gpumon watches again; after the second it is only measured."""
    away, further = Cell(3, 8), Cell(3, 16)
    chain = {FEW: Told("a", settled=True, to=away), away: Told("b", settled=True, to=further)}
    cells = grid(measured(FEW, 100.0))
    assert [(away, True)] == needed((FEW,), cells, lambda one: telling(chain, one))
    cells = grid(measured(FEW, 100.0), measured(away, 120.0))
    assert [(further, False)] == needed((FEW,), cells, lambda one: telling(chain, one))
    cells = grid(measured(FEW, 100.0), measured(away, 120.0), measured(further, 130.0, watched=False))
    assert [] == needed((FEW,), cells, lambda one: telling(chain, one))


def test_outcomes_of_the_policies_on_one_grid() -> None:
    """The advice reaches the best; keeping does not; 8 workers, which YOLOv5 would cut, are 2."""
    found = {name: outcome(policy, situation(FEW)).rate for name, policy in rules().items()}
    assert found["gpumon"] == found["workers = cores"] == 190.0
    assert found["keep"] == found["torch's warning: at most the cores"] == 100.0
    assert found["workers = 8 (YOLOv5's default and cap)"] == 190.0
    assert found["util < 90 %: workers + 2, at most twice"] == 190.0


def test_eight_workers_of_a_plain_training_are_eight() -> None:
    """Nothing cuts them: they crowd the cores."""
    here = situation(MORE)
    plain = replace(here, scenario=replace(here.scenario, plain=True))
    found = outcome(rules()["workers = 8 (YOLOv5's default and cap)"], plain)
    assert (150.0, True) == (found.rate, found.harmed)


def test_a_change_that_runs_out_of_memory_is_told() -> None:
    """It counts as nothing, and as harm."""
    dead = Measured("few", MORE, out_of_memory=True)
    found = outcome(rules()["gpumon"], situation(FEW, grid(measured(FEW, 100.0), dead)))
    assert (0.0, True, True) == (found.rate, found.harmed, found.ran_out)


def test_what_nobody_measured_is_not_known() -> None:
    """It is neither good nor bad."""
    found = outcome(rules()["gpumon"], situation(FEW, grid(measured(FEW, 100.0))))
    assert (None, None, None) == (found.rate, found.share_of_best, found.harmed)


def test_promises_are_held_against_what_came_out() -> None:
    """1.9 came out of 1.8: within the interval, 5 % off."""
    (found,) = promises("few", FEW, GRID, told)
    assert found.is_kept
    assert found.error == pytest.approx(1.8 / 1.9 - 1)
    (other,) = curve_promises("few", GRID.cells[FEW], GRID, told)
    assert (CROWDED, False) == (other.to, other.is_kept)


def test_tables_count_what_held() -> None:
    """One of two intervals held: Wilson's interval is around a half."""
    kept, broken = Promise("few", FEW, MORE, UP, 1.9), Promise("few", FEW, CROWDED, UP, 1.5)
    text = promise_table({"advised changes": [kept, broken], "none": []})
    assert "1 of 2: 50% (" in text
    outcomes = {name: [outcome(policy, situation(FEW))] for name, policy in rules().items()}
    assert "| gpumon | 1 | 1 of 1 (100%) | 1.00 | 1.00 | 0 of 1 | 0 | 0 |" in policy_table(outcomes)
    assert "| few | 1x8 -> 2x8 | 100.0 | 190.0 | 190.0 | 1.00 |" in outcome_table(outcomes["gpumon"])


def test_advice_of_a_starved_training_leads_to_more_workers() -> None:
    """From the samples alone, as a trace holds them, with the larger batch that they feed."""
    found = told_by(STARVED.samples(), Cell(2, 16))
    assert found.to is not None
    assert (found.verdict, found.to.batch_size) == ("starved-too-few-workers", 32)
    assert found.to.workers > 2
    assert found.speedup is not None
    assert found.speedup.low <= found.speedup.predicted <= found.speedup.high


def test_a_healthy_training_keeps_its_workers() -> None:
    """Nothing is told of workers where they keep up."""
    found = told_by(HEALTHY.samples(), Cell(4, 16))
    assert (found.to or Cell(4, 16)).workers == 4
