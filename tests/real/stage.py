"""The place of the one real training that is measured: another beside it would slow it on two cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.real.environment import RealEnvironment
    from tests.real.recipes import Recipe
    from tests.real.training import RunningTraining


class Stage:
    """Holds the training that runs; starting the next one ends it."""

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
