"""What bounds the workers of one rank: all GPUs of the machine, watched or not, and the framework."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.advice.bounds import bounds_of, framework_cap, validation_workers, visible_gpus
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import window_of
from gpumon.model.suggestion import Bound
from tests.unit.synthetic_training import GIB, PID, STARVED, Scene


def seen(scene: Scene, **changes: Any) -> View:
    """Return the view of a scene whose training differs in some fields."""
    samples = [
        replace(
            sample,
            trainings=tuple(
                replace(reading, training=replace(reading.training, **changes))
                for reading in sample.trainings
            ),
        )
        for sample in scene.samples()
    ]
    view = view_of(window_of(samples), PID)
    assert view is not None
    return view


def most(view: View) -> dict[Bound, int]:
    """Return the workers that each kind of bound allows."""
    return {bound.bound: bound.workers for bound in bounds_of(view)}


ALL_GPUS = replace(STARVED, device="", cores=32)


def test_a_choice_of_gpus_is_none_of_the_training() -> None:
    """`gpumon --gpu 0` shows one of 8: YOLOv5 divides the 32 CPUs by all of them."""
    view = seen(ALL_GPUS, visible_gpus=8)
    assert len(view.sample.gpus) == 1
    assert (visible_gpus(view), framework_cap(view)) == (8, 4)
    assert most(view)[Bound.FRAMEWORK] == 4


@pytest.mark.parametrize(
    ("device", "environment", "gpus"),
    [
        ("", (), 1),
        ("0,1", (), 2),
        ("cpu", (), 0),
        ("cuda", (), 1),
        ("", (("CUDA_VISIBLE_DEVICES", "2,3,5"),), 3),
        ("", (("CUDA_VISIBLE_DEVICES", "-1"),), 0),
        ("", (("CUDA_VISIBLE_DEVICES", "NoDevFiles"),), 0),
    ],
)
def test_a_recording_of_before_says_it_by_settings_and_environment(
    device: str, environment: tuple[tuple[str, str], ...], gpus: int
) -> None:
    """Else the GPUs that are in it count."""
    view = seen(replace(ALL_GPUS, device=device), environment=environment)
    assert (visible_gpus(view), framework_cap(view)) == (gpus, 32 // max(1, gpus))


@pytest.mark.parametrize(
    ("version", "now", "with_four_ranks"), [("v7.0", 4, 8), ("v6.0", 32, 32), ("v5.0", 32, 8)]
)
def test_each_version_divides_the_cpus_in_its_own_way(version: str, now: int, with_four_ranks: int) -> None:
    """By the visible GPUs, by nothing, by the ranks."""
    view = seen(ALL_GPUS, visible_gpus=8, framework_version=version)
    assert (framework_cap(view), framework_cap(view, ranks=4)) == (now, with_four_ranks)


@pytest.mark.parametrize("batch", [1, 2])
def test_only_yolov5_cuts_workers_to_the_batch(batch: int) -> None:
    """What ultralytics cuts to is the number of batches of an epoch."""
    yolov5 = replace(STARVED, batch_size=batch)
    ultralytics = replace(yolov5, framework="ultralytics", command=("yolo", "detect", "train"))
    assert most(seen(yolov5))[Bound.BATCH] == (batch if batch > 1 else 0)
    assert Bound.BATCH not in most(seen(ultralytics))


@pytest.mark.parametrize(
    ("framework", "name", "version", "factor"),
    [
        ("yolov5", "train.py", "v7.0", 2),
        ("yolov5", "train.py", "v6.0", 1),
        ("yolov5", "classify/train.py", "v7.0", 1),
        ("ultralytics", "yolo detect train", "8.4.190", 2),
        ("ultralytics", "yolo classify train", "8.4.190", 1),
        ("torch", "main.py", "2.9", 0),
    ],
)
def test_validation_has_workers_of_its_own(framework: str, name: str, version: str, factor: int) -> None:
    """As many or twice as many as a rank's train workers; nothing is known of other trainers."""
    view = seen(STARVED, framework=framework, name=name, framework_version=version)
    assert validation_workers(view, 2) == 2 * factor


@pytest.mark.parametrize(
    ("framework", "version", "cores", "batch", "workers", "validating"),
    [
        ("yolov5", "v7.0", 2, 16, 2, 2),
        ("yolov5", "v7.0", 8, 16, 8, 8),
        ("yolov5", "v7.0", 64, 2, 8, 4),
        ("yolov5", "v7.0", 64, 16, 8, 16),
        ("yolov5", "v6.0", 64, 16, 8, 8),
        ("ultralytics", "8.4.190", 8, 2, 8, 8),
        ("ultralytics", "8.4.190", 64, 2, 8, 16),
    ],
)
def test_the_cap_holds_for_validation_too(  # noqa: PLR0917 - a row of the table
    framework: str, version: str, cores: int, batch: int, workers: int, validating: int
) -> None:
    """YOLOv5: the CPUs per GPU, and twice a rank's batch; ultralytics: the CPUs per GPU alone."""
    scene = replace(STARVED, cores=cores, batch_size=batch)
    view = seen(scene, framework=framework, framework_version=version, visible_gpus=1)
    assert validation_workers(view, workers) == validating


def test_a_larger_batch_lets_more_of_them_start() -> None:
    """16 for 8 workers at batch 8 of 64 cores, where batch 2 allows 4."""
    view = seen(replace(STARVED, cores=64, batch_size=2), visible_gpus=1)
    assert (validation_workers(view, 8), validation_workers(view, 8, 8)) == (4, 16)


def test_capped_validation_leaves_room_in_shared_memory() -> None:
    """2 of 8 workers run; 0.78 GB more are room for 8 of them and 8 for validation, not for 16 of those."""
    scene = replace(STARVED, cores=8, batch_size=16, shm_total=0, shm_free=780_000_000)
    few = seen(scene, visible_gpus=1)
    many = seen(replace(scene, cores=64), visible_gpus=1)
    assert most(few)[Bound.SHM] > most(many)[Bound.SHM]
    assert most(few)[Bound.SHM] >= 8


def test_capped_validation_takes_no_more_memory() -> None:
    """On 4 cores all 4 of validation run beside 2 workers: 13.6 GiB are room for 13 more of 1 GiB each."""
    scene = replace(STARVED, worker_pss=GIB, memory_total=64 * GIB, memory_available=20 * GIB, cores=4)
    view = seen(scene, framework="ultralytics", framework_version="8.4.190", visible_gpus=1)
    assert most(view)[Bound.MEMORY] == STARVED.workers + 13
    (bound,) = (bound for bound in bounds_of(view) if bound.bound is Bound.MEMORY)
    assert "for validation" not in bound.text


def test_the_validation_workers_of_ultralytics_take_memory_too() -> None:
    """Each train worker brings two more: 13.6 GiB above what is kept are room for 4 of 1 GiB each."""
    tight = replace(STARVED, worker_pss=GIB, memory_total=64 * GIB, memory_available=20 * GIB, cores=64)
    view = seen(tight, framework="ultralytics", framework_version="8.4.190")
    assert most(view)[Bound.MEMORY] == STARVED.workers + 4
