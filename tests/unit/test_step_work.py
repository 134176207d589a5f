"""Work that is done once a step: a larger batch shares it out, and leaves more cores to the workers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.advise import report_on
from gpumon.advice.fed_batch import FedBatch, fed_batch
from gpumon.advice.step_work import prepared, saved_cores, step_work
from gpumon.advice.terms import ORDINARY_TERMS
from gpumon.advice.throughput import Pipeline
from gpumon.diagnosis.view import View, view_of
from gpumon.model.process import ProcessReading, Role
from gpumon.model.suggestion import Change, Effect, Suggestion
from tests.unit.synthetic_training import GIB, PID, Scene
from tests.unit.test_advice_curve import pipelines


@dataclass(frozen=True)
class QueueingScene(Scene):
    """A scene whose main process waits for a core for a share of the time."""

    main_queue: float = 0.0

    def processes(self) -> tuple[ProcessReading, ...]:
        """Return main and workers."""
        return tuple(
            replace(one, run_queue_wait_ratio=self.main_queue) if one.role is Role.MAIN else one
            for one in super().processes()
        )


# Two workers and a main process that sleeps while the GPU computes, on two cores that are full.
FULL = QueueingScene(
    wait=0.38,
    workers=2,
    idle=0.02,
    cpu=0.83,
    queue=0.15,
    cores=2,
    main_cpu=0.34,
    gpu_busy=0.46,
    batch_size=8,
    batch_rate=50.0,
    rate=400.0,
    gpu_own=2 * GIB,
    command=("python", "train.py", "--workers", "2", "--batch-size", "8"),
)


def view(scene: Scene) -> View:
    """Return the view of a scene."""
    found = view_of(scene.window(), PID)
    assert found is not None
    return found


def fed(scene: Scene, batch: int) -> FedBatch:
    """Return what a larger batch of a rank is predicted to bring."""
    found = fed_batch(view(scene), ORDINARY_TERMS, scene.batch_size, batch)
    assert found is not None
    return found


def batch_advice(scene: Scene, verdict: str) -> list[Suggestion]:
    """Return the suggestions that raise the batch, by itself or with workers, under that verdict."""
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == verdict
    return [
        one
        for one in report.suggestions
        if one.setting == "batch_size" or any(more.setting == "batch_size" for more in one.together)
    ]


def test_all_that_a_sleeping_main_process_uses_is_work_of_the_steps() -> None:
    """It is on a core for less time than the GPU computes, so it does not spin; workers add 5 ms a step."""
    work = step_work(view(FULL))
    assert work.low == 0.0
    assert work.value == pytest.approx(0.34 + 50 * 0.0050)
    assert work.high == pytest.approx(0.34 + 50 * 0.0059)


def test_a_main_process_that_may_spin_counts_for_what_is_left_of_it() -> None:
    """On a core, or queueing for one, as long as the GPU computes: it spins or launches, nobody can tell."""
    spins = step_work(view(replace(FULL, main_cpu=0.6)))
    assert spins.low == pytest.approx(0.14)
    assert spins.value == pytest.approx(0.14 + 50 * 0.0050)
    queues = step_work(view(replace(FULL, main_queue=0.2)))
    assert queues.low == 0.0
    assert queues.value == pytest.approx(50 * 0.0050)
    assert queues.high == pytest.approx(0.34 + 50 * 0.0059)


def test_a_main_process_that_is_not_seen_or_computes_itself_has_no_such_work() -> None:
    """On the CPU its own time goes with the images."""
    assert step_work(view(replace(FULL, gpu=False))).high == 0.0


def test_half_of_the_work_is_left_with_twice_the_batch() -> None:
    """At the same rate there are half as many steps; at the same batch there are as many."""
    scene = view(FULL)
    assert saved_cores(scene, 8, 16).value == pytest.approx(0.59 / 2)
    assert saved_cores(scene, 8, 32).value == pytest.approx(0.59 * 3 / 4)
    assert saved_cores(scene, 8, 8).high == 0.0


def test_on_full_cores_the_rate_grows_as_the_time_of_an_image_shrinks() -> None:
    """X (a + m / B) = C: a batch of 16 saves 0.30 of 2.00 cores, so the rate grows by 2.00 / 1.70."""
    found = fed(FULL, 16)
    assert found.gain.value == pytest.approx(2.0 / (2.0 - 0.59 / 2))
    assert found.gain.low == 1.0
    assert found.gain.high == pytest.approx(2.0 / (2.0 - 0.635 / 2))
    assert "as the work of each step leaves them about 0.3 cores more" in found.basis


def test_full_cores_are_told_to_share_out_the_work_of_a_step() -> None:
    """No number of workers helps, the larger batch does; why is said, and how much it may be."""
    (found,) = batch_advice(FULL, "starved-cpu-exhausted")
    assert (found.from_value, found.to_value, found.together) == (8, 16, ())
    assert found.command == "cd /data/yolov5 && python train.py --workers 2 --batch-size 16"
    assert "as what is done once a step is shared by more images" in found.text
    assert "; more workers are ruled out by 2 cores" in found.text
    assert isinstance(found.data_wait_ratio, Effect)
    assert 0.05 < found.data_wait_ratio.predicted < 0.62


@pytest.mark.parametrize(
    "scene",
    [
        replace(FULL, main_cpu=0.1, batch_rate=10.0, rate=80.0),
        replace(FULL, main_queue=0.4, batch_rate=25.0, rate=200.0),
        replace(FULL, gpu_own=int(10.5 * GIB)),
        replace(FULL, losses=(float("nan"), 0.1, 0.1)),
    ],
    ids=["a main process with little to do", "one that may spin", "no memory", "nothing is learnt"],
)
def test_full_cores_get_no_larger_batch_that_brings_nothing_or_is_a_risk(scene: Scene) -> None:
    """Below 5 % it is not worth a restart; memory and a loss that is no number come first."""
    assert batch_advice(scene, report_on(scene.window(), PID).findings[0].id) == []


def test_a_second_worker_that_fills_the_cores_comes_with_a_larger_batch() -> None:
    """One worker on two cores: two of them fill these, and the larger batch leaves them 0.15 more."""
    scene = replace(
        FULL,
        wait=0.7,
        workers=1,
        cpu=0.95,
        queue=0.02,
        main_cpu=0.2,
        gpu_busy=0.25,
        batch_rate=20.0,
        rate=160.0,
        command=("python", "train.py", "--workers", "1", "--batch-size", "8"),
    )
    (found,) = batch_advice(scene, "starved-too-few-workers")
    assert (found.from_value, found.to_value, found.together) == (1, 2, (Change("batch_size", 8, 16),))
    assert isinstance(found.speedup, Effect)
    assert found.speedup.predicted == pytest.approx(2.0 / (1.15 - (0.2 + 20 * 0.0050) / 2))
    assert found.speedup.low >= 1.05
    assert "as far as they can: more are ruled out by 2 cores" in found.text
    alone = report_on(replace(scene, gpu_own=int(10.5 * GIB)).window(), PID).suggestions[0]
    assert isinstance(alone.speedup, Effect)
    assert alone.speedup.predicted == pytest.approx(2.0 / 1.15)


def test_workers_that_wait_for_a_disk_prepare_no_more_with_more_cores() -> None:
    """Only who queues for a core can use one that is left: a hundredth of the time of each, here."""
    scene = replace(FULL, cpu=0.5, queue=0.01, disk=0.45)
    assert fed(scene, 16).gain.value == pytest.approx(1.96 / (1.96 - 0.02))
    assert batch_advice(scene, report_on(scene.window(), PID).findings[0].id) == []


_WIDE = Scene(
    workers=8,
    cores=16,
    idle=0.6,
    cpu=0.3,
    batch_size=32,
    batch_rate=20.0,
    rate=640.0,
    gpu_own=4 * GIB,
    gpu_total=24 * GIB,
    shm_total=4 * GIB,
    shm_free=3 * GIB,
    command=("python", "train.py", "--workers", "8", "--batch-size", "32"),
)


def test_larger_batches_that_fill_the_shared_memory_come_with_fewer_workers() -> None:
    """Eight workers hold twice the bytes in 64 images; five fit, and feed the GPU where eight idle."""
    (found,) = batch_advice(_WIDE, "compute-bound")
    assert (found.to_value, found.together) == (64, (Change("workers", 8, 5),))
    assert found.command == "cd /data/yolov5 && python train.py --workers 5 --batch-size 64"
    assert "ruled out by a /dev/shm of 4.0 GiB" in found.text
    assert batch_advice(replace(_WIDE, idle=0.02, cpu=0.9), "compute-bound") == []


def test_a_larger_batch_gets_the_workers_for_the_most_it_may_gain_but_no_more_than_cores() -> None:
    """A step of 50 ms may be nothing but launches: twice the images need twice what four workers do."""
    scene = replace(_WIDE, workers=4, idle=0.1, cpu=0.85, shm_total=64 * GIB, shm_free=64 * GIB)
    found = fed(scene, 64)
    assert found.gpu.high == pytest.approx(2.0)
    assert found.workers == 8
    assert fed(replace(scene, cores=6, main_cpu=0.1), 64).workers == 6


_NEAR = Scene(wait=0.05)


def test_a_wait_near_the_threshold_with_workers_to_spare_gets_a_larger_batch() -> None:
    """Whether it starves is unclear; batches are there all the same, and larger ones are waited for less."""
    (found,) = batch_advice(_NEAR, "unclear")
    assert (found.from_value, found.to_value, found.together) == (16, 32, ())
    assert isinstance(found.speedup, Effect)
    assert found.speedup.low < 1.05 < found.speedup.predicted


@pytest.mark.parametrize(
    "scene",
    [
        replace(_NEAR, idle=0.02, cpu=0.9, cores=4),
        Scene(wait=0.01, gpu_busy=0.6, main_cpu=0.1),
        replace(_NEAR, wait=None),
    ],
    ids=["workers that are busy", "a GPU that idles for another reason", "a wait that is not known"],
)
def test_what_is_unclear_for_another_reason_gets_no_larger_batch(scene: Scene) -> None:
    """It is advised only where it helps whichever of the causes it is."""
    assert batch_advice(scene, "unclear") == []


_ALONE = Scene(
    workers=0,
    wait=0.68,
    sees_loading=True,
    gpu_busy=0.26,
    cores=2,
    main_cpu=0.74,
    batch_size=8,
    batch_rate=31.0,
    rate=250.0,
    gpu_own=2 * GIB,
)


def test_the_first_workers_come_with_a_larger_batch_where_it_brings_more() -> None:
    """Handing batches over takes cores, half as much with half as many of them."""
    (found,) = batch_advice(_ALONE, "starved-no-workers")
    assert (found.setting, found.to_value, found.together) == ("workers", 2, (Change("batch_size", 8, 16),))
    assert "2 workers with batch 16 (about" in found.text
    assert "instead of 8 would prepare batches" in found.text
    assert isinstance(found.speedup, Effect)
    # Two cores, of which 0.74 are used and 8 ms in each of 15.5 batches a second are to be.
    assert found.speedup.predicted == pytest.approx(2.0 / (0.74 + 15.5 * 0.008), rel=0.01)
    alone = report_on(replace(_ALONE, gpu_own=int(10.5 * GIB)).window(), PID).suggestions[0]
    assert (alone.to_value, alone.together) == (2, ())
    assert isinstance(alone.speedup, Effect)
    assert alone.speedup.predicted == pytest.approx(2.0 / (0.74 + 31 * 0.008), rel=0.01)


@given(pipeline=pipelines, more=st.integers(0, 8), saved=st.floats(0.0, 1.0), rest=st.floats(0.0, 1.0))
def test_cores_that_are_saved_never_make_workers_slower(
    pipeline: Pipeline, more: int, saved: float, rest: float
) -> None:
    """Nor do further workers; what there are prepare at least the present rate."""
    less, most = sorted((saved, saved * rest))
    few, many = pipeline.workers, pipeline.workers + more
    assert 1.0 - 1e-9 <= prepared(pipeline, few, less) <= prepared(pipeline, few, most) + 1e-9
    assert prepared(pipeline, few, less) <= prepared(pipeline, many, less) + 1e-9
