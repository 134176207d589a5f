"""Following advice that knows the runs on the way: what it is told of them, and which promises count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.prior import NOTHING_KNOWN, Prior, SeenRate
from gpumon.model.suggestion import Effect
from tests.lab.jpeg.spec import LoopSpec
from tests.lab.scenario import Machine
from tests.lab.settings_advice import Told
from tests.lab.settings_cells import Grid, Measured
from tests.lab.settings_policies import Situation
from tests.lab.settings_scenario import Cell
from tests.lab.settings_scenarios import settings_scenarios
from tests.lab.settings_score_learned import learned_path, learned_policy, learned_prior, second_promises

START, NEXT, LAST = Cell(1, 8), Cell(2, 8), Cell(2, 16)
GAIN = Effect(1.0, 1.5, 1.2, 1.8)


def measured(cell: Cell, rate: float) -> Measured:
    """Return a watched cell that ran for ten seconds."""
    return Measured(
        "few",
        cell,
        rate,
        rate - 10.0,
        rate + 10.0,
        peak_bytes=2_000_000_000,
        seconds=10.0,
        recording=str(cell),
    )


GRID = Grid({one.cell: one for one in (measured(START, 100.0), measured(NEXT, 180.0), measured(LAST, 200.0))})
SITUATION = Situation(replace(settings_scenarios(Machine(2, 0.004))[0], name="few"), GRID, START)


def test_the_first_step_knows_nothing_and_the_second_the_first_cell() -> None:
    """Each cell that is left is an earlier run from then on, with its rate and its interval."""
    told: list[tuple[Cell, Prior]] = []

    def telling(one: Measured, prior: Prior) -> Told:
        told.append((one.cell, prior))
        return Told("", settled=True, to={START: NEXT, NEXT: LAST}.get(one.cell), speedup=GAIN)

    path = learned_path(telling, SITUATION)
    assert [step.to for step in path] == [NEXT, LAST]
    (first, nothing), (second, prior) = told
    assert (first, nothing.rates, second) == (START, NOTHING_KNOWN.rates, NEXT)
    assert prior.rates == (SeenRate(1, 8, None, 100.0, 90.0, 110.0, 0.0),)


def test_two_starts_do_not_know_of_each_other() -> None:
    """Each path begins without anything learnt."""
    known: list[int] = []

    def telling(_: Measured, prior: Prior) -> Told:
        known.append(len(prior.rates))
        return Told("", settled=True, to=NEXT)

    policy = learned_policy(telling)
    assert policy(SITUATION) == policy(SITUATION) == (NEXT,)
    assert known == [0, 1, 0, 1]


def test_a_peak_counts_as_validated_where_the_cell_outlived_an_epoch() -> None:
    """Ten seconds at 100 images/s are 125 batches of 8."""
    cells = (measured(START, 100.0),)
    assert learned_prior(cells, LoopSpec(batches=124, val_batches=2)).memory[0].has_validation
    assert not learned_prior(cells, LoopSpec(batches=126, val_batches=2)).memory[0].has_validation
    assert not learned_prior(cells, LoopSpec(batches=124, val_batches=0)).memory[0].has_validation
    assert not learned_prior(cells, LoopSpec(val_batches=2)).memory[0].has_validation


def test_promises_of_second_steps_leave_the_first_out() -> None:
    """From 180 to 200 images/s: 1.11 came where 1.5 was promised."""

    def telling(one: Measured, _: Prior) -> Told:
        return Told("", settled=True, to={START: NEXT, NEXT: LAST}.get(one.cell), speedup=GAIN)

    (promise,) = second_promises(lambda one: learned_path(telling, one), [SITUATION])
    assert (promise.start, promise.to) == (NEXT, LAST)
    assert promise.achieved == pytest.approx(200 / 180)
