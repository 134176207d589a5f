"""A training without workers is told why it has none, also where it asked for some."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.advise import report_on
from gpumon.diagnosis.diagnose import diagnose
from gpumon.history.history import window_of
from gpumon.model.finding import Finding
from gpumon.model.suggestion import Change, Effect
from gpumon.model.training import Setting
from tests.unit.synthetic_training import GIB, PID, Scene

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


_SINGLE = Scene(workers=0, batch_size=1, gpu_busy=0.4, gpu_own=2 * GIB)


@pytest.mark.parametrize(
    ("scene", "workers"), [(_SINGLE, 5), (replace(_SINGLE, wait=0.5, sees_loading=True), 4)]
)
def test_a_batch_of_one_image_gets_its_workers_with_a_larger_batch(scene: Scene, workers: int) -> None:
    """YOLOv5 starts none for one image, so both come by one command, with one prediction."""
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == "starved-no-workers"
    (found,) = report.suggestions
    assert (found.setting, found.from_value, found.to_value) == ("workers", 0, workers)
    assert found.together == (Change("batch_size", 1, 5),)
    assert found.command == f"cd /data/yolov5 && python train.py --workers {workers} --batch-size 5"
    assert found.text.startswith(f"{workers} workers with batch 5 (about ")
    assert "instead of 1, for which YOLOv5 starts none" in found.text
    assert isinstance(found.gpu_memory_bytes, Effect)
    assert isinstance(found.speedup, Effect)
    assert 1.05 <= found.speedup.low < found.speedup.predicted < found.speedup.high


@pytest.mark.parametrize(
    "scene",
    [
        replace(_SINGLE, gpu_own=int(10.5 * GIB)),
        replace(_SINGLE, losses=(float("nan"), 0.1, 0.1)),
        replace(_SINGLE, device="0,1,2,3,4,5,6,7,8"),
    ],
    ids=["no room", "nothing is learnt", "fewer CPUs than GPUs"],
)
def test_a_batch_of_one_image_that_may_not_grow_gets_no_workers(scene: Scene) -> None:
    """Where two images do not fit, the loss is nan, or YOLOv5 would start none for two images either."""
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == "starved-no-workers"
    assert [found for found in report.suggestions if found.setting == "workers"] == []
