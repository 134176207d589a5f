"""Memory: the risk follows from room, steps and phase; the largest batch from one observation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.advice.memory import MemoryModel, outlook, rounded_batch
from gpumon.history.history import History, window_of
from gpumon.model.measure import Missing
from gpumon.model.suggestion import MemoryOutlook, OomRisk, RiskLevel
from gpumon.model.training import Phase
from tests.unit.run_scene import changed, with_progress
from tests.unit.synthetic_training import GIB, HEALTHY, PID, Scene


def look(scene: Scene) -> MemoryOutlook:
    """Return the outlook of a scene."""
    return outlook(scene.window(), PID)


def risk(scene: Scene) -> OomRisk:
    """Return the risk of a scene."""
    found = look(scene).oom_risk
    assert isinstance(found, OomRisk)
    return found


def test_the_limit_is_what_driver_and_others_leave() -> None:
    """12 GiB of which others hold 3 leave 9."""
    found = look(Scene(gpu_own=4 * GIB, gpu_others=3 * GIB))
    assert (found.peak_bytes, found.limit_bytes) == (4 * GIB, 9 * GIB)


def test_the_peak_is_remembered_when_the_samples_are_gone() -> None:
    """A peak of ten minutes ago still counts."""
    history = History()
    for index in range(600):
        own = 7 * GIB if index == 10 else 5 * GIB
        history.append(replace(HEALTHY, gpu_own=own).sample(index))
    assert outlook(history.window(), PID).peak_bytes == pytest.approx(7 * GIB, rel=1e-6)


@pytest.mark.parametrize(
    ("own", "level"), [(6.0, RiskLevel.LOW), (11.5, RiskLevel.ELEVATED), (11.9, RiskLevel.HIGH)]
)
def test_less_room_is_more_risk(own: float, level: RiskLevel) -> None:
    """At 12 GiB the word goes from low to high with the peak."""
    assert risk(Scene(gpu_own=int(own * GIB))).level == level


def test_the_first_validation_is_a_risk_of_its_own() -> None:
    """The same peak is riskier before the first validation, at twice the batch, than after it."""
    before, after = Scene(gpu_own=int(10.5 * GIB), epoch=0), Scene(gpu_own=int(10.5 * GIB), epoch=2)
    assert risk(before).probability > risk(after).probability + 0.4


def test_a_validation_seen_by_gpumon_counts() -> None:
    """A validation that is over in the window is one, even where the epoch is not known to rise."""
    phases = (Phase.TRAIN,) * 5 + (Phase.VALIDATE,) * 5 + (Phase.TRAIN,) * 10
    scene = Scene(gpu_own=int(10.5 * GIB), epoch=0, phases=phases)
    assert risk(scene).level == RiskLevel.LOW


def test_the_end_of_the_run_is_safer_than_its_beginning() -> None:
    """With fewer steps to come the risk falls."""
    early, late = Scene(gpu_own=int(11.6 * GIB), epoch=1), Scene(gpu_own=int(11.6 * GIB), epoch=98)
    assert risk(late).probability < risk(early).probability


def test_multi_scale_without_room_is_risky_until_the_largest_size_was_seen() -> None:
    """After 20 steps the largest of 21 sizes is probably still to come."""
    scene = Scene(gpu_own=7 * GIB, multi_scale=True, epoch=0, batch=20)
    assert risk(scene).probability > 0.3
    assert risk(replace(scene, epoch=2)).level == RiskLevel.LOW


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (Scene(gpu=False), "uses no GPU"),
        (Scene(gpu_mig=True), "MIG"),
        (Scene(phases=(Phase.START,) * 20), "no training step"),
        (Scene(batch_size=0), "batch size"),
    ],
)
def test_what_is_not_known_is_missing_with_its_reason(scene: Scene, words: str) -> None:
    """Without GPU, under MIG, at the start and without the batch there is no largest batch."""
    found = look(scene).largest_safe_batch
    assert isinstance(found, Missing)
    assert words in found.reason


def test_a_training_that_is_not_seen_has_no_memory() -> None:
    """An unknown PID gives reasons, not numbers."""
    assert isinstance(outlook(HEALTHY.window(), 1).peak_bytes, Missing)


# Peaks that AutoBatch printed at batch 8 and what batch 16 then took, in GB (published logs: YOLOv5s at
# 640 on an A100, YOLOv5m at 416 on a 3070, YOLOv8s at 640 on a T4), from slope and intercept.
@pytest.mark.parametrize(("slope", "base"), [(0.197, 0.17), (0.134, 0.23), (0.238, 0.32)])
def test_doubling_the_batch_is_predicted_as_published_logs_have_it(slope: float, base: float) -> None:
    """From batch 8 alone the true memory at 16 lies within 10 %, and errs on the safe side."""
    peak = base + 8 * slope
    model = MemoryModel(8, int(peak * 1e9), 0.0, peak / 8 * 1e9, 1e12)
    truth = (base + 16 * slope) * 1e9
    assert truth <= model.bytes_at(16).value <= 1.10 * truth


@settings(deadline=None, max_examples=100)
@given(own=st.integers(GIB, 12 * GIB), batch=st.integers(1, 64), epoch=st.integers(0, 5))
def test_the_largest_batch_fits_and_is_at_most_twice(own: int, batch: int, epoch: int) -> None:
    """Whatever was seen: no more than twice the batch, low <= high, and the middle below the margin."""
    found = look(Scene(gpu_own=own, batch_size=batch, epoch=epoch, seconds=2))
    largest = found.largest_safe_batch
    if isinstance(largest, Missing):
        return
    assert 1 <= largest <= 2 * batch
    assert found.largest_safe_batch_low is not None
    assert found.largest_safe_batch_high is not None
    assert found.largest_safe_batch_low <= largest <= found.largest_safe_batch_high <= 2 * batch
    assert own / batch * largest * 0.5 <= 12 * GIB


@given(largest=st.integers(0, 500), present=st.integers(1, 250))
def test_the_recommended_batch_is_round_and_fits(largest: int, present: int) -> None:
    """A multiple of 8, or 4, 2, 1, or the present batch; never more than fits."""
    batch = rounded_batch(largest, present)
    assert batch <= largest
    assert batch % 8 == 0 or batch in {1, 2, 4, present}


def test_without_a_count_of_steps_as_many_again_are_taken() -> None:
    """Neither log nor frames tell where the run stands: the peak alone is judged."""
    samples = [
        with_progress(
            changed(sample, training=replace(sample.trainings[0].training, run_dir=Missing("not found"))),
            epoch=Missing("no log"),
            batch=Missing("no log"),
        )
        for sample in Scene(gpu_own=int(11.9 * GIB)).samples()
    ]
    found = outlook(window_of(samples), PID).oom_risk
    assert isinstance(found, OomRisk)
    assert "in as many steps again" in found.text
    assert 0.3 < found.probability < 0.5
