"""Runs of PyPI's real YOLOv5 on the CPU, recorded like those of the laboratory."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.jpeg.spec import LabSpec
from tests.lab.looking import Looking
from tests.lab.scenario import Dose, Scenario
from tests.lab.stage import Stage
from tests.real.recipes import COMPUTE_BOUND, STARVED, Recipe

_NAMELESS = LabSpec()


@dataclass(frozen=True, slots=True)
class RealRun:
    """One training of a recipe, without any GPU."""

    scenario: Scenario
    dose: Dose
    recipe: Recipe
    stage: Stage

    @property
    def name(self) -> str:
        """The name of its trace."""
        return f"{self.scenario.name}-{self.dose.name}"

    def record(self, path: Path) -> dict[str, Any]:
        """Write the recording to `path`; return its truth. Raises RunFailedError."""
        folder = self.stage.home / "runs" / self.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with self.recipe.start(self.stage.neutral(), folder) as training:
            training.until_batch()
            looking = Looking(training.pid, self.scenario.seconds, training.waits_record, os.environ)
            return looking.record(self._known(), path, lambda: None)

    def _known(self) -> dict[str, Any]:
        return {
            "scenario": self.name,
            "labels": list(self.scenario.labels),
            "set": self.scenario.set_of(self.dose),
            "group": self.scenario.name,
            "control": self.scenario.control,
            "proof": self.scenario.proof.value,
            "dose": self.dose.name,
            "settings": {"workers": self.recipe.workers, "batch_size": self.recipe.batch_size},
        }


def real_runs(stage: Stage) -> list[RealRun]:
    """Return the runs: one training that starves, one that computes."""
    starved = Scenario("yolov5-starved", ("starved-too-few-workers",), (Dose("real", _NAMELESS),))
    computes = Scenario("yolov5-computes", ("compute-bound",), (Dose("real", _NAMELESS),), control=True)
    return [
        RealRun(scenario, scenario.doses[0], recipe, stage)
        for scenario, recipe in ((starved, STARVED), (computes, COMPUTE_BOUND))
    ]
