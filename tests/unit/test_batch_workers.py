"""Workers that YOLOv5 starts, or leaves out, by itself because the batch changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from gpumon.advice.advise import advise
from gpumon.diagnosis.diagnose import diagnose
from gpumon.model.suggestion import Change, Effect, Suggestion
from gpumon.model.training import Setting, Training
from tests.unit.synthetic_training import GIB, PID, Scene


@dataclass(frozen=True)
class AskedScene(Scene):
    """A scene in which so many workers were asked for."""

    asked: int = 8

    def training(self) -> Training:
        """Return who it is, with the number that was asked for."""
        plain = super().training()
        return replace(plain, settings=replace(plain.settings, workers_asked=Setting(self.asked, "argv")))


# Four of the eight workers run, as a batch has four images; they idle more than half of the time.
CAPPED = AskedScene(
    batch_size=4,
    gpu_total=24 * GIB,
    gpu_own=2 * GIB,
    rate=40.0,
    batch_rate=10.0,
    gpu_busy=0.9,
    command=("python", "train.py", "--workers", "8", "--batch-size", "4"),
)
# 98 % of the memory is held, and the first validation is still to come.
FULL = AskedScene(batch_size=8, workers=8, gpu_own=int(11.8 * GIB), cpu=0.2, cores=16, epoch=0)


def batch_change(scene: Scene) -> Suggestion:
    """Return the one suggestion of a scene, which changes the batch."""
    window = scene.window()
    (found,) = advise(window, PID, diagnose(window, PID))
    assert found.setting == "batch_size"
    return found


def test_a_larger_batch_brings_the_workers_that_were_asked_for() -> None:
    """Eight were asked for: at batch 8 they all start, which is part of the change and of its prediction."""
    found = batch_change(CAPPED)
    assert (found.from_value, found.to_value) == (4, 8)
    assert found.together == (Change("workers", 4, 8),)
    assert found.command == "cd /data/yolov5 && python train.py --workers 8 --batch-size 8"
    assert "with 8 workers instead of 4, which it starts by itself then" in found.text


def test_who_asked_for_no_more_gets_no_more() -> None:
    """Where the batch is not what keeps the workers at four, a larger one leaves them alone."""
    found = batch_change(replace(CAPPED, asked=4))
    assert (found.to_value, found.together) == (8, ())
    other = batch_change(replace(CAPPED, framework="torch"))
    assert (other.to_value, other.together) == (8, ())


def test_more_workers_than_there_is_room_for_are_held_back() -> None:
    """Memory for one more worker: the command asks for the four that are enough, not for the eight."""
    found = batch_change(replace(CAPPED, memory_available=10 * GIB, worker_pss=GIB))
    assert found.command == "cd /data/yolov5 && python train.py --workers 4 --batch-size 8"
    assert found.together == ()


def test_a_smaller_batch_says_that_it_cuts_the_workers() -> None:
    """Seven images get seven workers; eight that are hardly busy leave enough of them."""
    found = batch_change(FULL)
    assert (found.from_value, found.to_value) == (8, 7)
    assert found.together == (Change("workers", 8, 7),)
    assert found.command == "cd /data/yolov5 && python train.py --workers 7 --batch-size 7"
    assert found.text.endswith("with 7 workers instead of 8: it starts no more than a batch has images")


@pytest.mark.parametrize(("batch", "left"), [(8, 7), (2, 0)])
def test_workers_that_are_cut_bound_the_rate(batch: int, left: int) -> None:
    """Seven of eight workers, busy 90 % of the time, prepare 0.97 of the rate; none leave it to the loop."""
    scene = replace(FULL, batch_size=batch, workers=min(8, batch), idle=0.1)
    found = batch_change(scene)
    assert found.together == (Change("workers", min(8, batch), left),)
    assert isinstance(found.speedup, Effect)
    most = 0.875 / 0.9 if left else 1 / (1 + 0.9 * batch)
    assert found.speedup.high == pytest.approx(most, abs=0.02)
    assert "fewer workers prepare less" in found.rests_on


def test_a_batch_that_is_too_small_for_workers_brings_them() -> None:
    """One image a step, hardly any loading: five images, and the workers that YOLOv5 starts for them."""
    single = AskedScene(
        workers=0,
        sees_loading=True,
        wait=0.01,
        batch_size=1,
        gpu_own=2 * GIB,
        batch_rate=12.0,
        rate=12.0,
    )
    found = batch_change(single)
    assert (found.finding, found.from_value, found.to_value) == ("batch-too-small", 1, 5)
    assert found.together == (Change("workers", 0, 5),)
    assert found.command == "cd /data/yolov5 && python train.py --workers 5 --batch-size 5"
    plain = batch_change(replace(single, framework="torch"))
    assert plain.together == ()
    assert isinstance(plain.speedup, Effect)
    assert 1.05 <= plain.speedup.predicted < plain.speedup.high <= 2.0
