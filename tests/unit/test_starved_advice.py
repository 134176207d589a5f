"""What is advised to a training whose workers wait for storage, for a quota or for neighbours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.advise import report_on
from gpumon.model.suggestion import Change, Effect, Suggestion
from tests.unit.starved_scene import StarvedScene
from tests.unit.synthetic_training import GIB, PID, Scene

# GPUs without room for a larger batch.
_REMOTE = StarvedScene(workers=2, cpu=0.2, remote=0.7, cores=16, gpu_own=int(10.5 * GIB))
_DISK = StarvedScene(
    workers=2, cpu=0.3, disk=0.6, read=4e8, characters=4e8, cores=16, gpu_own=int(10.5 * GIB)
)


def advised(scene: StarvedScene, finding: str) -> list[Suggestion]:
    """Return the suggestions on workers that follow from a finding, which must be the verdict."""
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == finding
    return [item for item in report.suggestions if item.setting == "workers"]


def test_more_workers_are_advised_while_the_storage_is_elsewhere() -> None:
    """Each waits for one file at a time, so more of them wait for more files."""
    (suggestion,) = advised(_REMOTE, "starved-remote-storage")
    assert (suggestion.to_value, suggestion.together) == (4, ())
    (both,) = advised(replace(_REMOTE, gpu_own=5 * GIB), "starved-remote-storage")
    assert (both.to_value, both.together) == (7, (Change("batch_size", 16, 32),))


def test_a_disk_with_room_bounds_the_workers() -> None:
    """Twice the workers fill a disk that is half busy."""
    (suggestion,) = advised(replace(_DISK, device_busy=0.3), "starved-local-disk")
    assert suggestion.to_value == 4
    (bound,) = advised(replace(_DISK, device_busy=0.6, wait=0.6), "starved-local-disk")
    assert bound.to_value == 3
    assert "ruled out by the disk nvme0n1, which is busy 60 %" in bound.text


def test_a_full_disk_gets_no_more_workers() -> None:
    """The advice is to change nothing, and says why."""
    (suggestion,) = advised(replace(_DISK, device_busy=0.97), "starved-local-disk")
    assert suggestion.to_value == suggestion.from_value
    assert "the disk nvme0n1, which is busy 97 %" in suggestion.text


@pytest.mark.parametrize(
    ("finding", "scene"),
    [
        (
            "starved-cpu-quota",
            StarvedScene(workers=2, quota=0.8, throttled=1.0, cpu=0.36, queue=0.62, main_cpu=0.06),
        ),
        (
            "starved-neighbours",
            StarvedScene(workers=2, cores=2, cpu=0.46, queue=0.52, main_cpu=0.06, others_cpu=1.0),
        ),
    ],
)
def test_no_number_of_workers_helps_without_a_core(finding: str, scene: StarvedScene) -> None:
    """Who has no core for the workers there are is told so."""
    (suggestion,) = advised(scene, finding)
    assert suggestion.to_value == suggestion.from_value


_SLOW = StarvedScene(
    cores=8, workers=4, idle=0.45, cpu=0.5, waits=(0.1, 0.6, 0.2, 0.7), works=(1.3, 0.8, 1.2, 0.7)
)


@pytest.mark.parametrize(
    ("finding", "scene"),
    [
        (
            "starved-neighbours",
            StarvedScene(
                workers=1,
                cores=2,
                wait=0.13,
                cpu=0.51,
                queue=0.24,
                main_cpu=0.21,
                others_cpu=1.2,
                gpu_own=2 * GIB,
            ),
        ),
        (
            "starved-too-few-workers",
            StarvedScene(workers=2, cores=4, wait=0.53, cpu=0.83, queue=0.13, main_cpu=0.6, batch_size=2),
        ),
    ],
)
def test_workers_that_come_with_a_batch_are_not_called_impossible(finding: str, scene: StarvedScene) -> None:
    """Where a larger batch brings more of them nothing says beside it that no number of them would help."""
    report = report_on(scene.window(), PID)
    (larger,) = [found for found in report.suggestions if found.setting == "batch_size"]
    (brought,) = larger.together

    assert (finding, "workers") == (report.findings[0].id, brought.setting)
    assert brought.to_value != brought.from_value
    assert [] == [found.text for found in report.suggestions if found.setting == "workers"]


def test_single_slow_images_are_bridged_by_a_few_more_workers() -> None:
    """Each worker keeps two batches ready; what cures it is said, and what it brings is a bound."""
    (suggestion,) = advised(_SLOW, "starved-slow-samples")
    assert (suggestion.from_value, suggestion.to_value) == (4, 6)
    assert suggestion.text.startswith("6 workers instead of 4 keep 12 batches ready instead of 8")
    assert "resize them once, beforehand" in suggestion.text
    assert isinstance(suggestion.command, str)
    assert isinstance(suggestion.speedup, Effect)
    assert suggestion.speedup.low == 1.0
    assert suggestion.speedup.predicted == pytest.approx((1 + 1 / (1 - 0.4)) / 2, abs=0.02)
    assert suggestion.rests_on.startswith("a bound, not a prediction")


def test_where_no_more_workers_can_be_the_cure_is_said_all_the_same() -> None:
    """Four images a batch get four workers; a short wait is not worth a restart."""
    for scene in (replace(_SLOW, batch_size=4), replace(_SLOW, waits=(0.03, 0.11, 0.06, 0.16), idle=0.5)):
        (suggestion,) = advised(scene, "starved-slow-samples")
        assert suggestion.to_value == suggestion.from_value == 4
        assert suggestion.text.startswith("find the images that take longest")
    (bound,) = advised(replace(_SLOW, batch_size=4), "starved-slow-samples")
    assert "ruled out by batch 4" in bound.text


def test_workers_that_wait_for_a_lock_get_no_number() -> None:
    """No setting mends a lock in the user's code: the finding says where to look."""
    assert advised(StarvedScene(cores=8, workers=4, cpu=0.2, queue=0.02, lock=0.7), "starved-lock") == []


def test_python_between_the_steps_is_shared_out_by_a_larger_batch() -> None:
    """A gap of 40 % in each step, once for 32 images instead of twice: at least that is gained."""
    report = report_on(Scene(gpu_busy=0.6, main_cpu=1.0).window(), PID)
    assert report.findings[0].id == "host-overhead"
    (suggestion,) = report.suggestions
    assert (suggestion.setting, suggestion.to_value, suggestion.finding) == (
        "batch_size",
        32,
        "host-overhead",
    )
    assert isinstance(suggestion.speedup, Effect)
    gap = 0.4
    assert 1.05 < suggestion.speedup.low <= 2 / (gap + (1 - gap) * 2) <= suggestion.speedup.predicted + 0.05
