"""Advice stays within every bound, is honest about its gain, and comes with a command that fits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.advice.advise import advise, report_on
from gpumon.diagnosis.diagnose import diagnose
from gpumon.history.history import window_of
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Bound, Change, Effect, Suggestion
from gpumon.model.training import Ended, Ending
from tests.unit.synthetic_training import GIB, HEALTHY, PID, Scene
from tests.unit.synthetic_training import STARVED as STARVED_WITH_ROOM
from tests.unit.test_diagnosis import scenes

# A GPU without room for a larger batch: the workers alone are to be advised.
STARVED = replace(STARVED_WITH_ROOM, gpu_own=int(10.5 * GIB))


def suggestions(scene: Scene) -> tuple[Suggestion, ...]:
    """Return the suggestions of a scene."""
    window = scene.window()
    return advise(window, PID, diagnose(window, PID))


def only(scene: Scene) -> Suggestion:
    """Return the one suggestion of a scene."""
    found = suggestions(scene)
    assert len(found) == 1
    return found[0]


def speedup(suggestion: Suggestion) -> Effect:
    """Return the promised factor."""
    assert isinstance(suggestion.speedup, Effect)
    return suggestion.speedup


def test_the_smallest_number_that_feeds_the_gpu_is_advised() -> None:
    """Two busy workers and a wait of 41 % make ceil(1.15 * 2 * 0.98 / 0.59) = 4."""
    found = only(STARVED)
    assert (found.setting, found.from_value, found.to_value, found.bound) == ("workers", 2, 4, Bound.GPU)
    assert found.finding == "starved-too-few-workers"


def test_with_room_on_the_gpu_workers_and_batch_are_changed_in_one_step() -> None:
    """Six workers feed a batch of 32 that gains as much as it may, by one command and one prediction."""
    found = only(STARVED_WITH_ROOM)
    assert (found.setting, found.from_value, found.to_value) == ("workers", 2, 6)
    assert found.together == (Change("batch_size", 16, 32),)
    assert found.command == "cd /data/yolov5 && python train.py --workers 6 --batch-size 32"
    assert isinstance(found.gpu_memory_bytes, Effect)
    alone = speedup(only(STARVED))
    assert speedup(found).predicted == pytest.approx(alone.predicted * 32 / 36 * 20 / 16, rel=0.01)
    assert speedup(found).low >= 1.05
    assert speedup(found).high - speedup(found).low > alone.high - alone.low
    assert dict(found.curve)[4].predicted == pytest.approx(alone.predicted, rel=0.01)
    assert "nothing to change in the learning rate" in " ".join(found.warnings)


@pytest.mark.parametrize(
    "scene",
    [
        replace(STARVED_WITH_ROOM, gpu=False),
        replace(STARVED_WITH_ROOM, cores=4),
        replace(STARVED_WITH_ROOM, batch_size=64),
        replace(STARVED_WITH_ROOM, shm_total=GIB, shm_free=GIB // 2),
    ],
)
def test_a_batch_is_not_raised_without_a_gpu_or_what_feeds_it(scene: Scene) -> None:
    """Without a GPU, without the cores or /dev/shm for it, or for a few per cent only the workers change."""
    assert all(found.together == () for found in suggestions(scene))


def test_the_prediction_is_the_rate_over_what_is_not_waited() -> None:
    """90 images/s at a wait of 41 % can become 152.5, with an interval around it."""
    found = only(STARVED)
    assert isinstance(found.images_per_second, Effect)
    assert found.images_per_second.now == 90.0
    assert found.images_per_second.predicted == pytest.approx(90.0 / 0.59, rel=0.01)
    assert 125 < found.images_per_second.low < 145
    assert 155 < found.images_per_second.high < 180


def test_without_the_rate_the_factor_is_promised_all_the_same() -> None:
    """A training whose images per second are not known gets the factor alone."""
    found = only(replace(STARVED, rate=None))
    assert isinstance(found.images_per_second, Missing)
    assert speedup(found).predicted == pytest.approx(1 / 0.59, rel=0.01)


def test_the_command_is_the_trainings_own_with_the_new_number() -> None:
    """The command changes the flag that stands in argv and nothing else."""
    assert only(STARVED).command == ("cd /data/yolov5 && python train.py --workers 4 --batch-size 16")


def test_a_restart_is_warned_of() -> None:
    """The warnings say what the command loses; how to go on instead is told beside it."""
    assert "the command begins again at the first epoch" in only(STARVED).warnings


@pytest.mark.parametrize(
    ("scene", "most", "bound"),
    [
        (replace(STARVED, cores=3), 3, Bound.CORES),
        (replace(STARVED, affinity=3), 3, Bound.AFFINITY),
        (replace(STARVED, quota=3.0), 3, Bound.QUOTA),
        (replace(STARVED, batch_size=3), 3, Bound.BATCH),
        (replace(STARVED, cores=3, cpu=0.1, sleeping=0.8), 3, Bound.FRAMEWORK),
        (replace(STARVED, memory_available=8 * GIB), 3, Bound.MEMORY),
        (replace(STARVED, shm_total=GIB, shm_free=340 * 2**20), 3, Bound.SHM),
    ],
)
def test_every_bound_holds(scene: Scene, most: int, bound: Bound) -> None:
    """No more workers than cores, affinity, quota, batch, YOLOv5, memory and /dev/shm allow."""
    found = only(scene)
    assert isinstance(found.to_value, int)
    assert found.to_value <= most
    assert found.bound == bound
    assert "the most there can be" in found.text


def test_workers_that_wait_outside_the_cpu_may_outnumber_the_cores() -> None:
    """Sleeping workers of a plain PyTorch training are not bounded by the cores."""
    scene = replace(
        STARVED, framework="torch", cores=2, workers=2, cpu=0.05, sleeping=0.9, wait=0.8, main_cpu=0.2
    )
    found = only(scene)
    assert isinstance(found.to_value, int)
    assert found.to_value > 2
    assert found.bound == Bound.GPU


def test_what_yolov5_would_cut_is_not_advised() -> None:
    """With 8 CPUs and 4 visible GPUs YOLOv5 starts 2 workers, so 4 are no advice."""
    found = only(replace(STARVED, device="0,1,2,3"))
    assert (found.from_value, found.to_value, found.bound) == (2, 2, Bound.FRAMEWORK)
    assert isinstance(found.command, Missing)
    assert speedup(found) == Effect(1.0, 1.0, 1.0, 1.0)


def test_exhausted_cores_get_no_more_workers() -> None:
    """Full cores: no number of workers helps, and the sentence names what rules them out."""
    found = only(Scene(wait=0.5, workers=8, idle=0.01, cpu=0.92, queue=0.3, main_cpu=0.5, batch_size=64))
    assert found.to_value == found.from_value == 8
    assert "no number of workers can feed the GPU" in found.text
    assert found.bound == Bound.CORES


def test_one_worker_on_two_cores_may_become_two() -> None:
    """Where the main process leaves room, the second core is used, and the CPU bounds the promise."""
    scene = Scene(wait=0.81, workers=1, idle=0.0, cpu=0.94, queue=0.04, cores=2, main_cpu=0.2)
    found = only(replace(scene, gpu_own=int(10.5 * GIB)))
    assert (found.to_value, found.bound) == (2, Bound.CORES)
    assert 1.6 < speedup(found).predicted < 1.9


def test_a_small_gain_is_not_worth_a_restart() -> None:
    """Where the lower end of the gain is below 5 %, nothing is advised."""
    assert suggestions(replace(STARVED, wait=0.08, idle=0.2)) == ()


def test_too_many_workers_become_fewer() -> None:
    """4 workers that crowd 2 cores become 2."""
    found = only(Scene(wait=0.68, workers=4, idle=0.04, cpu=0.31, queue=0.64, cores=2, main_cpu=0.32))
    assert (found.from_value, found.to_value, found.bound) == (4, 2, Bound.CORES)


def test_no_workers_become_some() -> None:
    """A GPU that idles while the main process loads gets workers."""
    found = only(Scene(workers=0, gpu_busy=0.43, gpu_own=int(10.5 * GIB)))
    assert (found.from_value, found.to_value) == (0, 2)
    assert speedup(found).high <= 1 / 0.43 + 1e-9


def test_the_measured_wait_bounds_what_workers_bring() -> None:
    """Where the wait without workers is measured, no promise goes beyond a training that never waits."""
    found = only(Scene(workers=0, wait=0.5, sees_loading=True, gpu_busy=0.45, gpu_own=int(10.5 * GIB)))
    assert (found.from_value, found.to_value) == (0, 2)
    gain = speedup(found)
    assert 1.6 <= gain.low <= gain.predicted == pytest.approx(2.0, abs=0.01)
    assert gain.high <= 1 / (1 - 0.56)


def test_full_cores_bound_what_workers_bring() -> None:
    """Workers on cores that are taken bring no more than the rest that idles."""
    scene = Scene(workers=0, wait=0.6, sees_loading=True, gpu_busy=0.4, cores=2, others_cpu=0.7, main_cpu=1.0)
    found = only(scene)
    assert speedup(found).high <= 1.3 + 1e-9
    assert found.bound == Bound.CORES


@pytest.mark.parametrize(
    "scene",
    [
        Scene(workers=0, batch_size=1, gpu_busy=0.4, gpu_own=int(10.5 * GIB)),
        Scene(workers=0, batch_size=1, wait=0.5, sees_loading=True, gpu=False),
        Scene(workers=0, wait=0.5, sees_loading=True, gpu=False, framework="ultralytics"),
        Scene(workers=0, gpu=False, framework="ultralytics"),
        Scene(wait=0.05, idle=0.02, cpu=0.9, cores=4),
        Scene(wait=0.01, gpu_busy=0.6, main_cpu=0.1),
        Scene(wait=None),
        replace(HEALTHY, gpu=False),
    ],
)
def test_nothing_is_advised_where_nothing_helps_or_nothing_is_certain(scene: Scene) -> None:
    """Batch 1 without room for 2, the CPU, unclear verdicts and healthy CPU trainings get no suggestion."""
    assert suggestions(scene) == ()


def test_a_healthy_gpu_with_room_may_take_a_larger_batch() -> None:
    """Half of the memory is free: twice the batch, at most, with an honest interval from no gain."""
    found = only(HEALTHY)
    assert (found.setting, found.from_value, found.to_value) == ("batch_size", 16, 32)
    assert found.together == ()
    assert 1.0 <= speedup(found).low < 1.05
    assert speedup(found).predicted >= 1.05
    assert speedup(found).high <= 2.0
    assert isinstance(found.gpu_memory_bytes, Effect)
    assert found.gpu_memory_bytes.now == 5 * GIB
    assert "nothing to change in the learning rate" in " ".join(found.warnings)


def test_a_batch_that_the_workers_could_not_feed_is_not_advised() -> None:
    """Workers that are busy all the time, on cores that are full, have nothing left for a faster GPU."""
    assert suggestions(replace(HEALTHY, idle=0.02, cpu=0.9, main_cpu=0.4, cores=4)) == ()


def test_memory_at_risk_gets_a_smaller_batch() -> None:
    """At 98 % of the limit with the first validation to come it is advised, never a larger one."""
    found = only(Scene(gpu_own=int(11.8 * GIB), epoch=0))
    assert found.setting == "batch_size"
    assert found.to_value == 14
    assert found.finding == "vram-at-limit"
    assert speedup(found).high <= 1.0


def test_a_full_shared_memory_forbids_a_larger_batch() -> None:
    """A larger batch needs more of /dev/shm, which is full."""
    assert suggestions(Scene(shm_total=64 * 2**20, shm_free=2**20)) == ()


def test_an_ended_training_gets_no_advice() -> None:
    """What has ended cannot be changed."""
    samples = list(STARVED.samples())
    reading = replace(samples[-1].trainings[0], ended=Ended(Ending.KILLED, "killed", 1.7e9))
    window = window_of([*samples[:-1], replace(samples[-1], trainings=(reading,))])
    assert advise(window, PID, diagnose(window, PID)) == ()


def test_the_report_holds_all_parts_of_one_look() -> None:
    """Findings, suggestions, memory and whether they are settled come together."""
    window = STARVED.window()
    report = report_on(window, PID)
    assert report.findings == diagnose(window, PID)
    assert report.suggestions == suggestions(STARVED)
    assert report.settled
    assert report.memory is not None


def test_the_report_of_an_unknown_training_is_empty() -> None:
    """A PID that no sample shows has neither findings nor memory."""
    report = report_on(STARVED.window(), 1)
    assert (report.findings, report.suggestions, report.memory, report.settled) == ((), (), None, False)


@settings(deadline=None, max_examples=200)
@given(scenes)
def test_advice_is_deterministic_and_within_its_bounds(scene: Scene) -> None:
    """Whatever is read: the same advice twice, intervals in order, never beyond a cap."""
    found = suggestions(scene)
    assert found == suggestions(scene)
    for suggestion in found:
        for effect in (suggestion.speedup, suggestion.images_per_second, suggestion.gpu_memory_bytes):
            if isinstance(effect, Effect):
                assert effect.low <= effect.predicted <= effect.high
        assert suggestion.rests_on
        assert isinstance(suggestion.to_value, int)
        assert isinstance(suggestion.from_value, int)
        if suggestion.setting == "workers" and suggestion.to_value > suggestion.from_value:
            assert speedup(suggestion).low >= 1.05
            if scene.framework == "yolov5" and scene.batch_size > 0:
                batches = [change.to_value for change in suggestion.together] or [scene.batch_size]
                assert isinstance(batches[0], int)
                assert suggestion.to_value <= max(1, batches[0] // scene.ranks)
                assert suggestion.to_value <= scene.cores
        if suggestion.setting == "batch_size":
            assert suggestion.to_value <= 2 * suggestion.from_value


@settings(deadline=None, max_examples=100)
@given(wait=st.floats(0.1, 0.95), more=st.floats(0.1, 0.95), workers=st.integers(1, 6))
def test_a_longer_wait_never_needs_fewer_workers(wait: float, more: float, workers: int) -> None:
    """Advice and gain rise with the wait."""
    low, high = sorted((wait, more))
    few, many = (
        suggestions(replace(STARVED, wait=share, workers=workers, cores=256, batch_size=512))
        for share in (low, high)
    )
    if few and many:
        assert isinstance(few[0].to_value, int)
        assert isinstance(many[0].to_value, int)
        assert few[0].to_value <= many[0].to_value
        assert speedup(few[0]).predicted <= speedup(many[0]).predicted + 1e-9
    assert bool(few) <= bool(many)
