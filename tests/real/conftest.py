"""Fixtures of real trainings; where something is measured one runs at a time (tests.real.stage).

A training that is shared runs when it is first asked for; where it fails, all tests that look at it do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.environment import RealEnvironment, yolov5_environment
from tests.real.stage import Stage
from tests.real.watched import WatchedTraining, to_its_end, without_workers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def real_environment() -> RealEnvironment:
    """The virtual environment that can train; building it takes about a minute the first time."""
    return yolov5_environment()


@pytest.fixture(scope="session")
def only_stage(
    real_environment: RealEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """The stage of all tests."""
    stage = Stage(real_environment, tmp_path_factory)
    yield stage
    stage.clear()


@pytest.fixture(scope="module")
def stage(only_stage: Stage) -> Iterator[Stage]:
    """Where trainings are started: `stage.fresh(recipe)`; put the tests of one training in a row."""
    yield only_stage
    only_stage.clear()


@pytest.fixture(scope="session")
def finished_in_a_pipe(only_stage: Stage) -> WatchedTraining:
    """A short `yolov5 train ... | tee`, watched to its own end; what else is on the stage is ended."""
    return to_its_end(only_stage)


@pytest.fixture(scope="session")
def loading_in_main(only_stage: Stage) -> WatchedTraining:
    """A starved YOLOv5 without workers in a terminal, watched until its verdict has settled, and ended."""
    return without_workers(only_stage)
