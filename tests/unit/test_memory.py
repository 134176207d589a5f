"""Memory: the risk follows from room, steps and phase; the largest batch from one observation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.advice.memory import MemoryModel, model_of, nominal_batch, outlook, rounded_batch
from gpumon.advice.prior import NOTHING_KNOWN, Prior, SeenMemory
from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.history.history import History, window_of
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.suggestion import MemoryOutlook, OomRisk, RiskLevel
from gpumon.model.training import Phase, Setting
from tests.unit.run_scene import changed, view, with_progress
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
    ("own", "level"), [(6.0, RiskLevel.LOW), (11.5, RiskLevel.ELEVATED), (11.9, RiskLevel.ELEVATED)]
)
def test_less_room_is_more_risk(own: float, level: RiskLevel) -> None:
    """Without growth a full GPU is never high: the allocator gives back what it cached before it fails."""
    assert risk(Scene(gpu_own=int(own * GIB))).level == level


def test_the_first_validation_is_a_risk_of_its_own() -> None:
    """The same peak is riskier before the first validation, at twice the batch, than after it."""
    before, after = Scene(gpu_own=int(11.3 * GIB), epoch=0), Scene(gpu_own=int(11.3 * GIB), epoch=2)
    assert (risk(before).level, risk(after).level) == (RiskLevel.HIGH, RiskLevel.LOW)
    assert "the first validation to come" in risk(before).rests_on


def test_a_validation_seen_by_gpumon_counts() -> None:
    """A validation that is over in the window is one, even where the epoch is not known to rise."""
    phases = (Phase.TRAIN,) * 5 + (Phase.VALIDATE,) * 5 + (Phase.TRAIN,) * 10
    scene = Scene(gpu_own=int(10.5 * GIB), epoch=0, phases=phases)
    assert risk(scene).level == RiskLevel.LOW


def test_the_end_of_the_run_is_safer_than_its_beginning() -> None:
    """With fewer steps to come the risk falls."""
    early, late = Scene(gpu_own=int(11.9 * GIB), epoch=1), Scene(gpu_own=int(11.9 * GIB), epoch=98)
    assert risk(late).probability < risk(early).probability


def test_multi_scale_without_room_is_risky_until_the_largest_size_was_seen() -> None:
    """After ten steps a size that does not fit may well be still to come; after 2500 it is not."""
    scene = Scene(gpu_own=int(10.6 * GIB), multi_scale=True, epoch=0, batch=10)
    assert risk(scene).level == RiskLevel.ELEVATED
    assert "--multi-scale" in risk(scene).rests_on
    assert risk(replace(scene, epoch=2)).level == RiskLevel.LOW


def test_of_sizes_nothing_is_told_in_the_first_steps() -> None:
    """Ten steps take seconds, and most sizes are drawn in them."""
    scene = Scene(gpu_own=7 * GIB, multi_scale=True, epoch=0, batch=2)
    assert risk(scene).level == RiskLevel.LOW


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
    """Whatever was seen: no more than twice the batch or 8 images, low <= high, and what is seen goes on."""
    most = max(2 * batch, 8)
    found = look(Scene(gpu_own=own, batch_size=batch, epoch=epoch, seconds=2))
    largest = found.largest_safe_batch
    if isinstance(largest, Missing):
        return
    assert 1 <= largest <= most
    assert found.largest_safe_batch_low is not None
    assert found.largest_safe_batch_high is not None
    assert found.largest_safe_batch_low <= largest <= found.largest_safe_batch_high <= most
    assert own / batch * largest * 0.5 <= 12 * GIB


@given(largest=st.integers(0, 500), present=st.integers(1, 250))
def test_the_recommended_batch_is_round_and_fits(largest: int, present: int) -> None:
    """Any to 16, even to 32, of fours to 64, then of eights, or the present one; nine tenths of what fits."""
    batch = rounded_batch(largest, present)
    assert batch <= largest
    unit = next((size for most, size in ((16, 1), (32, 2), (64, 4)) if batch < most), 8)
    assert batch % unit == 0 or batch == present
    assert 10 * batch >= 9 * largest


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
    assert found.level == RiskLevel.ELEVATED


def model(scene: Scene, prior: Prior = NOTHING_KNOWN) -> MemoryModel:
    """Return the memory model of a scene."""
    seen = view(scene.samples())
    memory = memory_of(seen)
    assert isinstance(memory, GpuMemory)
    found = model_of(seen, memory, prior)
    assert isinstance(found, MemoryModel)
    return found


def test_an_earlier_run_at_another_batch_says_what_the_model_takes() -> None:
    """5 GiB at 16, 3 at 8 and 2 at 4 leave one GiB without images; one run alone is believed by half."""
    scene = Scene(gpu_own=5 * GIB, batch_size=16)
    alone = model(scene)
    half, quarter = (SeenMemory(batch, gib * GIB, has_validation=True) for batch, gib in ((8, 3), (4, 2)))
    once = model(scene, Prior(memory=(half,)))
    assert alone.base < (alone.base + GIB) / 2 < once.base < GIB
    assert once.rests_on == "the peak at batch 16 and those of earlier runs at 8"
    learned = model(scene, Prior(memory=(half, quarter)))
    assert learned.base == pytest.approx(GIB, rel=0.1)
    widths = [found.bytes_at(32).half_width for found in (learned, once, alone)]
    assert widths == sorted(widths)
    assert learned.bytes_at(8).value == pytest.approx(3 * GIB, rel=0.02)
    assert alone.rests_on == "the peak at batch 16 and the 7.2 million parameters of its model"


@pytest.mark.parametrize(
    ("weights", "told", "words"),
    [
        ("best.pt", None, "a model of middle size, as its size is not known"),
        ("best.pt", Measure(46.5e6, Certainty.ESTIMATED, "size of last.pt"), "46.5 million"),
        ("best.pt", Measure(46.5e6, Certainty.EXACT, "log"), "46.5 million parameters of its model (log)"),
        ("yolov5s.pt", Measure(9e6, Certainty.EXACT, "log"), "9.0 million parameters of its model (log)"),
        ("yolov5s.pt", Measure(9e6, Certainty.ESTIMATED, "size of last.pt"), "7.2 million"),
    ],
)
def test_a_model_of_unknown_name_has_the_parameters_that_it_tells(
    weights: str, told: Measure | None, words: str
) -> None:
    """The log is exact; what the checkpoint's size says is worth more than nothing and less than the name."""
    found: Maybe[Measure] = Missing("not told") if told is None else told
    samples = [
        with_progress(sample, model_parameters=found)
        for sample in Scene(gpu_own=5 * GIB, weights=weights).samples()
    ]
    seen = view(samples)
    memory = memory_of(seen)
    assert isinstance(memory, GpuMemory)
    model = model_of(seen, memory)
    assert isinstance(model, MemoryModel)
    assert words in model.rests_on


def test_a_large_model_of_unknown_name_leaves_room_for_a_larger_batch() -> None:
    """A model of 86.7 million parameters has 1.9 of 5 GiB to itself, not 0.5: less of it goes by image."""
    scene = Scene(gpu_own=5 * GIB, gpu_total=8 * GIB, weights="best.pt")
    told = Measure(86.7e6, Certainty.EXACT, "log")
    before = look(scene).largest_safe_batch
    after = outlook(
        window_of([with_progress(sample, model_parameters=told) for sample in scene.samples()]), PID
    ).largest_safe_batch
    assert (before, after) == (24, 28)


def test_a_batch_that_runs_with_little_risk_is_safe_although_its_room_is_small() -> None:
    """The margin is for batches that nobody has seen; before a validation it is for all."""
    held = Scene(gpu_own=int(11.3 * GIB))
    assert risk(held).level is RiskLevel.LOW
    assert look(held).largest_safe_batch == 16
    for riskier in (replace(held, epoch=0), replace(held, gpu_own=int(11.6 * GIB))):
        largest = look(riskier).largest_safe_batch
        assert isinstance(largest, int)
        assert largest < 16


def test_many_earlier_runs_outweigh_the_prior() -> None:
    """The base that they agree on, whatever the model's name says."""
    seen = tuple(SeenMemory(batch, (2 * 16 + 4 * batch) * GIB // 16, has_validation=True) for batch in (4, 8))
    found = model(Scene(gpu_own=6 * GIB, batch_size=16), Prior(memory=seen * 3))
    assert found.base == pytest.approx(2 * GIB, rel=0.05)


@pytest.mark.parametrize(
    "useless",
    [
        SeenMemory(16, 5 * GIB, has_validation=True),
        SeenMemory(8, 3 * GIB, has_validation=False),
        SeenMemory(0, 3 * GIB, has_validation=True),
        SeenMemory(8, 0, has_validation=True),
    ],
)
def test_what_teaches_nothing_changes_nothing(useless: SeenMemory) -> None:
    """The same batch, a run that was not validated, and nonsense."""
    scene = Scene(gpu_own=5 * GIB, batch_size=16)
    assert model(scene, Prior(memory=(useless,))) == model(scene)


def test_an_earlier_validation_at_the_same_batch_counts_before_the_first_one() -> None:
    """It took 6 GiB: then that is the peak, and what can be used is as in a validated run."""
    scene = Scene(gpu_own=5 * GIB, batch_size=16, epoch=0)
    found = model(scene, Prior(memory=(SeenMemory(16, 6 * GIB, has_validation=True),)))
    assert found.peak == 6 * GIB
    assert found.allowed == pytest.approx(1.00 * 12 * GIB)
    assert model(scene).allowed == pytest.approx(0.95 * 12 * GIB)


@given(
    batch=st.integers(1, 64),
    peak=st.integers(GIB, 12 * GIB),
    earlier=st.lists(st.tuples(st.integers(1, 128), st.integers(1, 80 * GIB)), max_size=5),
)
@settings(deadline=None, max_examples=60)
def test_whatever_earlier_runs_held_the_model_is_in_order(
    batch: int, peak: int, earlier: list[tuple[int, int]]
) -> None:
    """A base between 0 and 0.9 of the peak, memory that rises with the batch, safe below likely."""
    prior = Prior(memory=tuple(SeenMemory(*one, has_validation=True) for one in earlier))
    found = model(Scene(gpu_own=peak, batch_size=batch, seconds=3), prior)
    assert 0.0 <= found.base <= 0.9 * peak
    assert found.slope > 0
    assert found.largest(safe=True) <= found.largest(safe=False) <= max(2 * batch, 8)


def test_what_is_seen_is_never_more_than_the_limit() -> None:
    """The allocator gives back what validation left, so a batch may fit whose line lies above."""
    found = MemoryModel(8, 6 * GIB, 0.0, 6 * GIB / 8, 10.8 * GIB, 0.0, "", 0.8, 12 * GIB)
    assert found.largest(safe=False) == 16
    assert found.bytes_at(16).high == 12 * GIB
    assert replace(found, need_ratio=1.0).largest(safe=False) == 14


@pytest.mark.parametrize(
    ("largest", "present", "ranks", "batch"),
    [
        (50, 16, 1, 36),
        (63, 32, 1, 60),
        (24, 16, 1, 24),
        (100, 64, 1, 96),
        (40, 8, 2, 40),
        (30, 16, 2, 30),
        (27, 16, 1, 24),
        (23, 16, 1, 22),
        (31, 16, 1, 30),
        (20, 24, 1, 20),
        (40, 32, 1, 36),
        (48, 32, 1, 36),
        (48, 24, 1, 36),
        (45, 64, 1, 36),
        (15, 8, 1, 15),
        (7, 4, 1, 7),
        (7, 8, 1, 7),
        (13, 8, 2, 12),
        (30, 24, 3, 30),
    ],
)
def test_a_batch_that_keeps_the_nominal_one(largest: int, present: int, ranks: int, batch: int) -> None:
    """Not 40 or 48, whose updates sum 80 and 48 images; where none larger keeps 64, none larger at all."""
    assert nominal_batch(largest, present, ranks) == batch


def test_the_model_of_cfg_counts_before_that_of_the_weights() -> None:
    """YOLOv5 builds the model of --cfg and takes from --weights what fits."""
    samples = [
        changed(
            sample,
            training=replace(
                sample.trainings[0].training,
                settings=replace(
                    sample.trainings[0].training.settings, cfg=Setting("models/yolov5x.yaml", "argv")
                ),
            ),
        )
        for sample in Scene(gpu_own=5 * GIB).samples()
    ]
    seen = view(samples)
    memory = memory_of(seen)
    assert isinstance(memory, GpuMemory)
    found = model_of(seen, memory)
    assert isinstance(found, MemoryModel)
    assert found.rests_on == "the peak at batch 16 and the 86.7 million parameters of its model"
