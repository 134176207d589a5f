"""Fixtures of real trainings; only one training runs at a time (tests.real.stage)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.environment import RealEnvironment, yolov5_environment
from tests.real.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def real_environment() -> RealEnvironment:
    """The virtual environment that can train; building it takes about a minute the first time."""
    return yolov5_environment()


@pytest.fixture(scope="module")
def stage(real_environment: RealEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where trainings are started: `stage.fresh(recipe)`; put the tests of one training in a row."""
    stage = Stage(real_environment, tmp_path_factory)
    yield stage
    stage.clear()
