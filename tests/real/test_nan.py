"""A real YOLOv5 that diverges: the nan in its progress bar, in its memory and in results.csv is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gpumon.model.finding import Finding, Severity
from gpumon.monitor.attaching import Wish
from tests.lab.watch import Look, Watch
from tests.real import recipes
from tests.real.environment import RealEnvironment
from tests.real.stage import Stage
from tests.real.training import Output

pytestmark = pytest.mark.real

_LR = "1000000.0"


def _told_by(look: Look, source: str) -> Finding | None:
    """Return the finding once `source` is among those that told of it."""
    found = next((finding for finding in look.judged.findings if finding.id == "nan-loss"), None)
    told = found is not None and any(source in evidence.text for evidence in found.evidence)
    return found if told else None


@pytest.fixture(scope="module")
def hyperparameters(real_environment: RealEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """YOLOv5's own hyperparameters with a learning rate that no training survives."""
    package = next(real_environment.root.glob("venv/lib/python*/site-packages/yolov5"))
    lines = (package / "data" / "hyps" / "hyp.scratch-low.yaml").read_text(encoding="utf-8").splitlines()
    changed = [f"lr0: {_LR}" if line.startswith("lr0:") else line for line in lines]
    path = tmp_path_factory.mktemp("hyp") / "hyp.yaml"
    path.write_text("\n".join(changed), encoding="utf-8")
    return path


@pytest.mark.parametrize(("output", "source"), [("file", "log"), ("pty", "the loop's progress bar")])
def test_nan_is_noticed(output: Output, source: str, hyperparameters: Path, stage: Stage) -> None:
    """The bar tells of it and, at the end of an epoch, results.csv, whichever is seen first."""
    recipe = replace(
        recipes.SHORT,
        epochs=100,
        output=output,
        flags=("--noplots", "--hyp", str(hyperparameters)),
    )
    training = stage.fresh(recipe)
    with Watch(training.pid, wish=Wish(training.pid)) as watch:
        training.until(lambda training: training.progress is not None, 120)
        look = watch.until(lambda look: _told_by(look, source), 60)
        finding = _told_by(look, source)
        assert finding is not None
        assert finding.severity is Severity.CRITICAL
        assert "_loss" in finding.text
        assert f"says {source}" in finding.text or "says results.csv" in finding.text
        watch.until(lambda look: _told_by(look, "results.csv"), 60)
