"""A training without workers is told why it has none, also where it asked for some."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.diagnosis.diagnose import diagnose
from gpumon.history.history import window_of
from gpumon.model.finding import Finding
from gpumon.model.training import Setting
from tests.unit.synthetic_training import PID, Scene

NONE = Scene(workers=0, wait=0.5, sees_loading=True, idle=None, cpu=None, queue=None, gpu_busy=0.45)


def told(scene: Scene, asked: int) -> Finding:
    """Return the verdict on a training that asked for so many workers."""
    samples = []
    for sample in scene.samples():
        reading = sample.trainings[0]
        settings = replace(reading.training.settings, workers_asked=Setting(asked, "argv"))
        training = replace(reading.training, settings=settings)
        samples.append(replace(sample, trainings=(replace(reading, training=training),)))
    found = diagnose(window_of(samples), PID)[0]
    assert found.id == "starved-no-workers"
    return found


@pytest.mark.parametrize(
    ("scene", "asked", "why"),
    [
        (replace(NONE, batch_size=1), 8, "(YOLOv5 starts none at batch 1)"),
        (replace(NONE, framework="ultralytics", gpu=False), 8, "(ultralytics starts none on the CPU)"),
        (NONE, 4, "though 4 were asked for"),
        (NONE, 0, "there are no DataLoader workers, the main process"),
    ],
)
def test_who_asked_for_workers_and_has_none_is_told_why(scene: Scene, asked: int, why: str) -> None:
    """YOLOv5 at batch 1 and ultralytics on the CPU say nothing when they start none."""
    found = told(scene, asked)
    assert why in found.text
    assert found.lost_ratio == pytest.approx(0.5, abs=0.01)
