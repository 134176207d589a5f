"""The diagnosis names the cause of a wait, abstains where it cannot, and never raises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.diagnosis.diagnose import diagnose, settled
from gpumon.history.history import History, window_of
from gpumon.model.finding import Finding, Severity
from gpumon.model.measure import Certainty, Measure
from gpumon.model.training import Ended, Ending, Phase
from tests.unit.synthetic_training import GIB, HEALTHY, PID, STARVED, Scene


def verdict(scene: Scene) -> Finding | None:
    """Return the first finding of a scene."""
    findings = diagnose(scene.window(), PID)
    return findings[0] if findings else None


def verdict_id(scene: Scene) -> str:
    """Return the id of the verdict, or "none"."""
    found = verdict(scene)
    return found.id if found else "none"


def test_the_sentence_carries_the_numbers() -> None:
    """The verdict says how long is waited, how busy the workers are, and which cores idle."""
    found = verdict(STARVED)
    assert found is not None
    expected = "the GPU waits 41 % ±4 of each step for data: its 2 workers are busy 98 %, 5 cores idle"
    assert found.text == expected


@pytest.mark.parametrize(
    ("name", "scene"),
    [
        ("compute-bound", HEALTHY),
        ("compute-bound", Scene(workers=1, cpu=0.88, idle=0.13, wait=0.0)),
        ("starved-too-few-workers", Scene(wait=0.80, workers=1, idle=0.0, cpu=0.94, queue=0.04, cores=4)),
        ("starved-too-few-workers", replace(STARVED, cpu=0.07, sleeping=0.82)),
        ("starved-remote-storage", replace(STARVED, cpu=0.07, remote=0.8)),
        ("starved-local-disk", replace(STARVED, cpu=0.23, disk=0.62, device_busy=0.3)),
        ("starved-local-disk", replace(STARVED, cpu=0.23, disk=0.62, device_busy=0.97)),
        ("starved-lock", replace(STARVED, cpu=0.43, lock=0.38)),
        ("unclear", replace(STARVED, idle=0.7)),
        ("starved-too-many-workers", Scene(wait=0.68, workers=4, idle=0.04, cpu=0.31, queue=0.64, cores=2)),
        ("starved-cpu-exhausted", Scene(wait=0.7, workers=2, idle=0.02, cpu=0.81, queue=0.16, cores=2)),
        ("starved-neighbours", replace(STARVED, cpu=0.5, queue=0.4, main_cpu=0.2, others_cpu=7.0)),
        ("starved-too-few-workers", replace(STARVED, cpu=0.15, queue=0.1, sleeping=0.7, others_cpu=7.5)),
        ("starved-no-workers", Scene(workers=0, gpu_busy=0.4)),
        ("compute-bound", Scene(workers=0, gpu_busy=0.97)),
        ("host-overhead", Scene(wait=0.0, gpu_busy=0.3)),
        ("unclear", Scene(wait=0.0, gpu_busy=0.3, main_cpu=0.05)),
        ("compute-bound", Scene(wait=0.045, idle=0.88)),
        ("unclear", Scene(wait=0.06, idle=0.88)),
        ("unclear", Scene(wait=0.06, idle=0.72)),
        ("unclear", Scene(wait=None)),
    ],
)
def test_measured_states_get_their_verdict(name: str, scene: Scene) -> None:
    """The states measured on real loaders are called what they were."""
    assert verdict_id(scene) == name


def test_a_cpu_quota_counts_as_the_usable_cores() -> None:
    """On a host with idle cores a training at its quota has none to spare, and the text says quota."""
    found = verdict(
        Scene(wait=0.5, workers=2, idle=0.02, cpu=0.8, queue=0.2, main_cpu=0.4, quota=2.0, cores=16)
    )
    assert found is not None
    assert found.id == "starved-cpu-exhausted"
    assert "its CPU quota of 2 cores is busy" in found.text


def test_other_programs_on_the_cores_are_named() -> None:
    """Where others take the cores the finding says how many."""
    found = verdict(replace(STARVED, cpu=0.5, queue=0.4, main_cpu=0.2, others_cpu=7.0))
    assert found is not None
    assert "other programs take 7 cores of 8" in found.text


def test_a_training_on_the_cpu_is_not_told_of_a_gpu() -> None:
    """Sentences about a training without GPU do not speak of one."""
    for scene in (replace(HEALTHY, gpu=False), replace(STARVED, gpu=False), Scene(workers=0, gpu=False)):
        found = verdict(scene)
        assert found is not None
        assert "GPU" not in found.text


def test_no_workers_on_the_cpu_is_information_only() -> None:
    """Where nothing proves a wait, no warning is given."""
    found = verdict(Scene(workers=0, gpu=False, framework="ultralytics"))
    assert found is not None
    assert (found.id, found.severity) == ("starved-no-workers", Severity.INFO)


def test_without_workers_the_measured_wait_is_the_proof() -> None:
    """Where frames show how long the main process loads, the finding has the number and the most to gain."""
    found = verdict(Scene(workers=0, wait=0.5, sees_loading=True, gpu_busy=0.55))
    assert found is not None
    assert (found.id, found.severity) == ("starved-no-workers", Severity.WARNING)
    assert "the GPU waits 50 % ±4 of each step for data: there are no DataLoader workers" in found.text
    assert found.text.endswith("workers would make it at most 2.2 times as fast")
    assert [evidence.metric for evidence in found.evidence] == ["data_wait_ratio", "gpu_busy_ratio"]


def test_without_workers_a_measured_wait_counts_on_the_cpu_too() -> None:
    """A training without GPU waits for its own loading as much as one with it."""
    found = verdict(Scene(workers=0, wait=0.3, sees_loading=True, gpu=False))
    assert found is not None
    assert (found.id, found.severity) == ("starved-no-workers", Severity.WARNING)
    assert found.text.startswith("the training waits 30 %")


@pytest.mark.parametrize(("wait", "name"), [(0.0, "compute-bound"), (0.05, "unclear")])
def test_without_workers_a_short_wait_is_no_starvation(wait: float, name: str) -> None:
    """Images that cost nothing need no workers, although the GPU idles a little."""
    found = verdict(Scene(workers=0, wait=wait, sees_loading=True, gpu_busy=0.9))
    assert found is not None
    assert found.id == name
    assert name != "unclear" or "starved-no-workers" in found.text


def test_a_clear_wait_is_called_after_four_seconds() -> None:
    """Before 4 s there is no verdict, then a clear one stands."""
    assert verdict(replace(STARVED, seconds=3)) is None
    assert not settled(replace(STARVED, seconds=3).window(), PID)
    assert verdict_id(replace(STARVED, seconds=4)) == "starved-too-few-workers"
    assert settled(replace(STARVED, seconds=4).window(), PID)


def test_a_wait_near_the_threshold_is_unclear_and_may_settle_later() -> None:
    """After 8 s an interval that holds 5 % is called unclear; it settles when the window is full."""
    assert verdict(Scene(wait=0.05, seconds=7)) is None
    assert verdict_id(Scene(wait=0.05, seconds=9)) == "unclear"
    assert not settled(Scene(wait=0.05, seconds=9).window(), PID)
    assert settled(Scene(wait=0.05, seconds=25).window(), PID)


def test_unclear_names_two_causes_and_a_signal() -> None:
    """The two likeliest causes stand in the sentence, with what would tell them apart."""
    found = verdict(replace(STARVED, idle=0.45, cpu=0.5))
    assert found is not None
    assert "starved-slow-samples or starved-too-few-workers" in found.text
    assert "would tell them apart" in found.text


def test_the_verdict_stays_during_validation() -> None:
    """A validation of 30 s leaves the verdict of the training before it."""
    phases = (*([Phase.TRAIN] * 20), *([Phase.VALIDATE] * 30))
    assert verdict_id(replace(STARVED, seconds=50, phases=phases)) == "starved-too-few-workers"


def test_short_epochs_that_are_all_burst_are_judged_in_the_end() -> None:
    """Where no steady sample ever comes, 30 s of training stand in for them."""
    phases = (Phase.VALIDATE, Phase.TRAIN, Phase.TRAIN) * 20
    scene = replace(STARVED, seconds=60, phases=phases, workers=8, batch_rate=2.0, cores=32)
    assert verdict_id(scene) == "starved-too-few-workers"


def test_a_start_is_never_an_alarm() -> None:
    """While the training starts, only that is said."""
    findings = diagnose(Scene(phases=(Phase.START,) * 20, gpu_busy=0.0).window(), PID)
    assert [(finding.id, finding.severity) for finding in findings] == [("starting", Severity.INFO)]


def test_dangers_come_after_the_verdict_the_worst_first() -> None:
    """A full /dev/shm and a full GPU stand behind the verdict, critical before warning."""
    scene = Scene(gpu_own=int(11.8 * GIB), shm_total=64 * 2**20, shm_free=2**20)
    ids = [finding.id for finding in diagnose(scene.window(), PID)]
    assert ids == ["compute-bound", "shm-nearly-full", "vram-at-limit"]


def test_a_large_shared_memory_is_not_full_at_nine_tenths() -> None:
    """Gigabytes free are room, whatever their share."""
    assert verdict_id(Scene(shm_total=64 * GIB, shm_free=5 * GIB)) == "compute-bound"
    assert len(diagnose(Scene(shm_total=64 * GIB, shm_free=5 * GIB).window(), PID)) == 1


def test_a_shared_memory_that_will_be_too_small_is_told_at_the_start() -> None:
    """Batches in flight that need more than there is are a danger before the first step."""
    scene = Scene(phases=(Phase.START,) * 20, shm_total=64 * 2**20, shm_free=63 * 2**20, shm_needed=1e9)
    assert "shm-nearly-full" in [finding.id for finding in diagnose(scene.window(), PID)]


def test_since_reaches_back_beyond_the_full_samples() -> None:
    """After ten minutes of starvation the finding says ten minutes, not three."""
    scene = replace(STARVED, seconds=600)
    found = diagnose(scene.window(), PID)[0]
    now = 1.7e9 + 599
    assert 580 <= now - found.since_unix_seconds <= 610


def test_since_begins_with_the_change() -> None:
    """A training that turned from healthy to starved two minutes ago is starved since then."""
    history = History()
    for index in range(300):
        history.append(HEALTHY.sample(index))
    for index in range(300, 420):
        history.append(replace(STARVED, workers=4).sample(index))
    found = diagnose(history.window(), PID)[0]
    assert 100 <= 1.7e9 + 419 - found.since_unix_seconds <= 135


def test_an_unknown_pid_has_no_findings() -> None:
    """A training that no sample shows is not judged."""
    assert diagnose(HEALTHY.window(), 1) == ()
    assert not settled(HEALTHY.window(), 1)


def test_an_ended_training_keeps_its_verdict() -> None:
    """The end of a training leaves the verdict, and settles it."""
    samples = list(STARVED.samples())
    reading = replace(samples[-1].trainings[0], phase=Phase.END, ended=Ended(Ending.FINISHED, "done", 1.7e9))
    window = window_of([*samples[:-1], replace(samples[-1], trainings=(reading,))])
    assert diagnose(window, PID)[0].id == "starved-too-few-workers"
    assert settled(window, PID)


def test_an_estimated_wait_is_never_counted_as_none() -> None:
    """Another user's training has looks without wait channels: its estimate counts, with its bounds."""
    hidden = Measure(0.6, Certainty.ESTIMATED, "sleep of the main thread", low=0.4, high=0.8)
    samples = []
    for sample in STARVED.samples():
        reading = sample.trainings[0]
        loader = replace(reading.loader, data_wait_ratio=hidden, main_waiting_samples=0)
        samples.append(replace(sample, trainings=(replace(reading, loader=loader),)))
    found = diagnose(window_of(samples), PID)[0]
    assert found.id == "starved-too-few-workers"
    assert (found.evidence[0].low, found.evidence[0].high) == pytest.approx((0.4, 0.8))


ratios = st.none() | st.floats(0.0, 1.0)
scenes = st.builds(
    Scene,
    seconds=st.integers(1, 30),
    wait=ratios,
    workers=st.integers(0, 12),
    idle=ratios,
    cpu=ratios,
    queue=ratios,
    disk=st.floats(0.0, 1.0),
    lock=st.floats(0.0, 1.0),
    cores=st.integers(1, 16),
    quota=st.none() | st.floats(0.1, 8.0),
    affinity=st.none() | st.integers(1, 4),
    main_cpu=st.floats(0.0, 2.0),
    gpu=st.booleans(),
    gpu_busy=ratios,
    gpu_own=st.none() | st.integers(0, 13 * GIB),
    gpu_mig=st.booleans(),
    rate=st.none() | st.floats(0.0, 1e4),
    batch_rate=st.none() | st.floats(0.0, 100.0),
    framework=st.sampled_from(["yolov5", "ultralytics", "torch"]),
    batch_size=st.integers(-1, 300),
    imgsz=st.integers(0, 1280),
    multi_scale=st.booleans(),
    ranks=st.integers(1, 4),
    epoch=st.integers(0, 5),
    epochs=st.integers(0, 100),
    batch=st.integers(0, 100),
    batches=st.integers(0, 100),
    shm_total=st.integers(0, GIB),
    shm_free=st.integers(0, GIB),
    phases=st.lists(st.sampled_from(list(Phase)), max_size=30).map(tuple),
)


@settings(deadline=None, max_examples=150)
@given(scenes)
def test_diagnosis_is_the_same_every_time_and_never_raises(scene: Scene) -> None:
    """Any numbers, any of them missing: findings come out, and twice the same."""
    first, second = diagnose(scene.window(), PID), diagnose(scene.window(), PID)
    assert first == second
    assert len({finding.id for finding in first}) == len(first)


@settings(deadline=None, max_examples=60)
@given(wait=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0), idle=st.floats(0.0, 1.0))
def test_a_longer_wait_never_turns_starved_into_healthy(wait: float, more: float, idle: float) -> None:
    """With everything else the same, compute-bound does not come back as the wait grows."""
    low, high = sorted((wait, more))
    if verdict_id(Scene(wait=high, idle=idle)) == "compute-bound":
        assert verdict_id(Scene(wait=low, idle=idle)) == "compute-bound"
