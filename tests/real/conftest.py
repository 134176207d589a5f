"""Fixtures of real trainings. Only one training runs at a time: two would slow each other on two cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real import recipes
from tests.real.environment import RealEnvironment, yolov5_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.recipes import Recipe
    from tests.real.training import RunningTraining


class Stage:
    """The place of the one training that runs; the next one ends it."""

    def __init__(self, environment: RealEnvironment, folders: pytest.TempPathFactory) -> None:
        self._environment = environment
        self._folders = folders
        self._recipe: Recipe | None = None
        self._training: RunningTraining | None = None

    def fresh(self, recipe: Recipe) -> RunningTraining:
        """A training of the recipe that has just been started."""
        self.clear()
        self._training = recipe.start(self._environment, self.folder())
        self._recipe = recipe
        return self._training

    def steady(self, recipe: Recipe) -> RunningTraining:
        """A training of the recipe that is past its start phase: the one on stage if it is of the recipe."""
        current = self._training
        if current is None or self._recipe != recipe or current.process.poll() is not None:
            current = self.fresh(recipe)
        current.until_batch()
        return current

    def folder(self) -> Path:
        """A new, empty working directory."""
        return self._folders.mktemp("training")

    def clear(self) -> None:
        """End the training on stage, if there is one."""
        if self._training is not None:
            self._training.end()
            self._training = None


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
