"""Following advice that knows the runs on the way, as a database of runs has them.

The score itself follows advice without anything learnt: each watched cell is the first run of its training.
Who follows advice has run the cell before, though, and gpumon keeps its runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gpumon.advice.prior import Prior, SeenMemory, SeenRate
from tests.lab.jpeg.spec import LoopSpec
from tests.lab.settings_advice import Told
from tests.lab.settings_cells import Measured
from tests.lab.settings_follow import STEPS, Step, Telling, path_from
from tests.lab.settings_outcome import Promise, promise_of
from tests.lab.settings_policies import Policy, Situation

# What is told in a cell by one who knows of earlier runs.
LearnedTelling = Callable[[Measured, Prior], Told]


def learned_prior(passed: Sequence[Measured], loop: LoopSpec) -> Prior:
    """Return what runs in these cells leave behind: their rates and their peaks.

    How good predictions were is left out: proofs of any training on the machine would count.
    """
    return Prior(tuple(_peak(one, loop) for one in passed if one.peak_bytes), tuple(map(_rate, passed)))


def learned_path(telling: LearnedTelling, situation: Situation, steps: int = STEPS) -> tuple[Step, ...]:
    """Return the steps that lead from a situation where each knows the cells before it."""
    return path_from(situation.cell, situation.grid, _remembering(telling, situation), steps)


def learned_policy(telling: LearnedTelling) -> Policy:
    """Return the policy of following such advice."""
    return lambda situation: tuple(step.to for step in learned_path(telling, situation))


def second_promises(
    path: Callable[[Situation], Sequence[Step]], situations: Sequence[Situation]
) -> list[Promise]:
    """Return the promises of the second steps from all starts, as far as what came out was measured."""
    told = (
        promise_of(situation.scenario.name, situation.grid, step)
        for situation in situations
        for step in path(situation)[1:]
    )
    return [promise for promise in told if promise is not None]


def _remembering(telling: LearnedTelling, situation: Situation) -> Telling:
    """Return what is told in one cell after another: each is known from then on."""
    passed: list[Measured] = []

    def told(here: Measured) -> Told:
        prior = learned_prior(passed, situation.scenario.spec.loop)
        passed.append(here)
        return telling(here, prior)

    return told


def _peak(one: Measured, loop: LoopSpec) -> SeenMemory:
    """Return what a cell held; a validation was in it where it ran for more than a short epoch."""
    steps = one.seconds * one.images_per_second / one.cell.batch_size
    return SeenMemory(one.cell.batch_size, one.peak_bytes, loop.val_batches > 0 and 0 < loop.batches < steps)


def _rate(one: Measured) -> SeenRate:
    return SeenRate(
        one.cell.workers,
        one.cell.batch_size,
        None,
        one.images_per_second,
        one.low,
        one.high,
        one.data_wait_ratio,
    )
