"""Fixtures of real trainings; only one training runs at a time (tests.real.stage)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real import recipes
from tests.real.environment import RealEnvironment, yolov5_environment
from tests.real.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.training import RunningTraining


@pytest.fixture(scope="session")
def real_environment() -> RealEnvironment:
    """The virtual environment that can train; building it takes about a minute the first time."""
    return yolov5_environment()


@pytest.fixture(scope="module")
def stage(real_environment: RealEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where trainings of other recipes than the fixtures' are started: `stage.fresh(recipe)`."""
    stage = Stage(real_environment, tmp_path_factory)
    yield stage
    stage.clear()


# The next ones are asked for by each test and reuse what is on stage: put tests of one training in a row.


@pytest.fixture
def starved_yolov5(stage: Stage) -> RunningTraining:
    """A YOLOv5 past its start whose main thread waits most of the time for its one worker."""
    return stage.steady(recipes.STARVED)


@pytest.fixture
def compute_bound_yolov5(stage: Stage) -> RunningTraining:
    """A YOLOv5 past its start that computes nearly all the time, with two workers."""
    return stage.steady(recipes.COMPUTE_BOUND)


@pytest.fixture
def short_yolov5(stage: Stage) -> RunningTraining:
    """A YOLOv5 just started that ends by itself after two epochs; a new one for each test."""
    return stage.fresh(recipes.SHORT)


@pytest.fixture
def ultralytics_training(stage: Stage) -> RunningTraining:
    """An ultralytics training past its start, by `yolo detect train`."""
    return stage.steady(recipes.ULTRALYTICS)
