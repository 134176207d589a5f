"""Real trainings that several test files look at: each runs once, watched, and is over then."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from gpumon.model.training import Phase
from tests.lab.watch import Look, Watch
from tests.real import recipes
from tests.real.stage import Stage
from tests.real.training import RunningTraining

_LOADING_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class WatchedTraining:
    """A training with everything that gpumon told of it, oldest first."""

    training: RunningTraining
    looks: list[Look]


def to_its_end(stage: Stage) -> WatchedTraining:
    """Watch a short console script in a pipe until it has ended, and its log is whole."""
    training = stage.fresh(dataclasses.replace(recipes.SHORT, launch="console", output="pipe"))
    with Watch(training.pid) as watch:
        watch.until_ended(120)
    assert training.until_finished() == 0
    training.until_logged("epochs completed")
    return WatchedTraining(training, watch.looks)


def without_workers(stage: Stage) -> WatchedTraining:
    """Watch a training that loads in its main process, past its start and until there is a verdict."""
    training = stage.fresh(dataclasses.replace(recipes.STARVED, workers=0, output="pty"))
    with Watch(training.pid) as watch:
        watch.until(lambda look: look.reading.phase is Phase.TRAIN, 180)
        watch.for_seconds(_LOADING_SECONDS)
        if not any(is_settled(look) for look in watch.looks):
            watch.until(is_settled, 120)
    stage.clear()
    return WatchedTraining(training, watch.looks)


def is_settled(look: Look) -> bool:
    """Tell whether there is a verdict that stands."""
    return look.judged.settled and look.verdict is not None
