"""What is advised to a training whose workers wait for storage, for a quota or for neighbours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.advise import report_on
from gpumon.model.suggestion import Suggestion
from tests.unit.starved_scene import StarvedScene
from tests.unit.synthetic_training import PID

_DISK = StarvedScene(workers=2, cpu=0.3, disk=0.6, read=4e8, characters=4e8, cores=16)


def advised(scene: StarvedScene, finding: str) -> list[Suggestion]:
    """Return the suggestions on workers that follow from a finding, which must be the verdict."""
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == finding
    return [item for item in report.suggestions if item.setting == "workers"]


def test_more_workers_are_advised_while_the_storage_is_elsewhere() -> None:
    """Each waits for one file at a time, so more of them wait for more files."""
    (suggestion,) = advised(StarvedScene(workers=2, cpu=0.2, remote=0.7, cores=16), "starved-remote-storage")
    assert suggestion.to_value == 4


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
