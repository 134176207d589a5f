"""A larger batch, and workers for it, beside other programs that take the cores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.advise import report_on
from gpumon.advice.neighbours import shared_cores
from gpumon.advice.throughput import pipeline_of
from gpumon.diagnosis.view import view_of
from gpumon.history.stats import Interval
from gpumon.model.suggestion import Bound, Change, Effect, Suggestion
from tests.unit.starved_scene import StarvedScene
from tests.unit.synthetic_training import GIB, PID

# One worker, for which others leave a tenth of a core, on a GPU with room for twice the batch.
TAKEN = StarvedScene(
    workers=1,
    cores=2,
    wait=0.66,
    idle=0.01,
    cpu=0.12,
    queue=0.46,
    main_cpu=0.08,
    others_cpu=1.8,
    gpu_own=2 * GIB,
    gpu_busy=0.3,
    command=("python", "train.py", "--workers", "1", "--batch-size", "16"),
)
# Three threads that always want one of two cores: the worker, and two of others.
THIRD = replace(TAKEN, cpu=2 / 3, queue=1 / 3, main_cpu=0.0, others_cpu=4 / 3)


def cores_for(scene: StarvedScene, workers: int) -> Interval | None:
    """Return what a rank of the scene gets of the cores with so many workers."""
    view = view_of(scene.window(), PID)
    assert view is not None
    pipeline = pipeline_of(view)
    assert pipeline is not None
    return shared_cores(view, pipeline, workers)


def advised(scene: StarvedScene, setting: str) -> Suggestion:
    """Return the one suggestion for a setting; the verdict must be that others take the cores."""
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == "starved-neighbours"
    (found,) = (one for one in report.suggestions if one.setting == setting)
    return found


def test_a_second_thread_of_four_gets_as_much_as_the_first() -> None:
    """One of three has 0.67 of two cores, two of four have 1: or still 0.67 where groups share them."""
    found = cores_for(THIRD, 2)
    assert found is not None
    assert found.low == pytest.approx(2 / 3)
    assert found.high == pytest.approx(1.0)
    assert found.value == pytest.approx((2 / 3) ** 0.5)


def test_as_many_workers_as_now_get_what_they_have() -> None:
    """Only what others no longer take would be more."""
    found = cores_for(THIRD, 1)
    assert found is not None
    assert found.value == pytest.approx(found.low) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "scene",
    [
        replace(THIRD, others_cpu=0.2),
        replace(THIRD, cores=8),
        replace(THIRD, queue=0.05),
        replace(THIRD, cpu=None, queue=None),
    ],
    ids=["others take little", "cores are free", "nobody queues", "nothing is known"],
)
def test_cores_that_others_leave_are_not_shared(scene: StarvedScene) -> None:
    """Then the cores bound the workers as they do everywhere."""
    assert cores_for(scene, 2) is None


def test_no_thread_gets_more_than_its_affinity() -> None:
    """On one core two of many threads get at most that core."""
    found = cores_for(replace(TAKEN, affinity=1), 64)
    assert found is not None
    assert found.low == pytest.approx(0.2)
    assert found.value < found.high == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("affinity", "bound", "taken"),
    [
        (None, Bound.CORES, "other programs take 1.8 cores of 2"),
        (1, Bound.AFFINITY, "other programs take 0.8 cores of the 1 that it may run on"),
    ],
)
def test_a_batch_with_a_worker_more_may_bring_nothing_beside_neighbours(
    affinity: int | None, bound: Bound, taken: str
) -> None:
    """Its interval begins at the present rate, and the words say what bounds it and what is not known."""
    found = advised(replace(TAKEN, affinity=affinity), "batch_size")
    assert found.together == (Change("workers", 1, 2),)
    assert isinstance(found.speedup, Effect)
    assert found.speedup.low == 1.0
    assert 1.0 < found.speedup.predicted < 0.9 * found.speedup.high
    assert found.speedup.high == pytest.approx(2.1, abs=0.05)
    assert found.bound is bound
    assert f"; {taken}, and what they leave then is not known" in found.text


def test_more_workers_beside_neighbours_are_too_many_for_now_not_ruled_out() -> None:
    """What others leave changes, and the same training may be told of a second worker with a larger batch."""
    found = advised(replace(TAKEN, gpu_own=11 * GIB), "workers")
    assert found.to_value == found.from_value == 1
    assert found.text.endswith("it would take 4, too many for 2 cores, shared with other programs")


def test_a_batch_that_only_dev_shm_rules_out_is_told_so() -> None:
    """The cores are not blamed for it."""
    found = advised(replace(TAKEN, shm_total=200 * 10**6, shm_free=120 * 10**6), "workers")
    assert found.bound is Bound.SHM
    assert "batch 32 would fit the GPU, but a /dev/shm of 191 MiB has room for no worker then" in found.text


def test_workers_alone_are_bounded_by_neighbours_as_a_batch_is() -> None:
    """Too few workers are told to be more all the same, and the interval begins at the present rate."""
    scene = replace(TAKEN, cpu=0.14, queue=0.21, main_cpu=0.15, others_cpu=1.65, wait=0.59)
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == "starved-too-few-workers"
    (found,) = (one for one in report.suggestions if one.setting == "workers")
    assert found.to_value == 2
    assert isinstance(found.speedup, Effect)
    assert found.speedup.low == 1.0
    assert found.speedup.predicted == pytest.approx(1.26, abs=0.02)
    assert found.speedup.high > 2.0
    assert "; other programs take 1.6 cores of 2, and what they leave then is not known" in found.text
