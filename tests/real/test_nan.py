"""A real YOLOv5 that diverges: the nan in its progress bar, in its memory and in results.csv is noticed."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gpumon.model.finding import Finding, Severity
from gpumon.monitor.attaching import Wish
from tests.lab.watch import Look, Watch
from tests.real import recipes
from tests.real.environment import RealEnvironment
from tests.real.stage import Stage
from tests.real.training import Output, RunningTraining

pytestmark = pytest.mark.real

_LR = "1000000.0"
_RESULTS = "results.csv"
# What tells of it besides, by where the output goes.
_SOURCES: dict[Output, str] = {"file": "log", "pty": "the loop's progress bar"}
# For a training to come to its first batch, and for both sources to tell then.
_START_SECONDS, _TOLD_SECONDS = 300.0, 300.0


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


@pytest.fixture(scope="module")
def diverged(
    hyperparameters: Path, real_environment: RealEnvironment, stage: Stage
) -> dict[Output, list[Look]]:
    """All looks at a training in a terminal and at one with a log, which diverge beside each other.

    Nothing is measured, so they may. Each until both of its sources have told of it, or its time is up.
    """
    recipe = replace(recipes.SHORT, epochs=100, flags=("--noplots", "--hyp", str(hyperparameters)))
    stage.clear()
    with contextlib.ExitStack() as stack:
        trainings: dict[Output, RunningTraining] = {}
        watches: dict[Output, Watch] = {}
        for output in _SOURCES:
            training = replace(recipe, output=output).start(real_environment, stage.folder())
            trainings[output] = stack.enter_context(training)
            watches[output] = stack.enter_context(Watch(training.pid, wish=Wish(training.pid)))
        deadlines = dict.fromkeys(watches, time.monotonic() + _START_SECONDS)
        begun: set[Output] = set()
        pending = set(watches)
        while pending:
            for output in sorted(pending):
                watches[output].tick()
                if output not in begun and trainings[output].progress is not None:
                    begun.add(output)
                    deadlines[output] = time.monotonic() + _TOLD_SECONDS
                is_late = time.monotonic() > deadlines[output]
                if is_late or _is_told_whole(watches[output].looks, output):
                    pending.discard(output)
        return {output: watch.looks for output, watch in watches.items()}


def _is_told_whole(looks: list[Look], output: Output) -> bool:
    return all(any(_told_by(look, source) for look in looks) for source in (_SOURCES[output], _RESULTS))


@pytest.mark.parametrize("output", list(_SOURCES))
def test_nan_is_noticed(output: Output, diverged: dict[Output, list[Look]]) -> None:
    """The bar tells of it and, at the end of an epoch, results.csv, whichever is seen first."""
    looks, source = diverged[output], _SOURCES[output]
    finding = next((found for look in looks if (found := _told_by(look, source))), None)
    assert finding is not None, looks[-1:]
    assert finding.severity is Severity.CRITICAL
    assert "_loss" in finding.text
    assert f"says {source}" in finding.text or f"says {_RESULTS}" in finding.text
    assert any(_told_by(look, _RESULTS) for look in looks)
