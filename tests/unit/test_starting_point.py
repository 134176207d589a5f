"""Starting points before a run: batch, workers and cache from what is known, each with its ground."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.memory import learned_base
from gpumon.advice.model_memory import base_bytes, base_deviation
from gpumon.advice.prior import Prior, SeenMemory, SeenRate
from gpumon.advice.starting_facts import DataFacts, GpuFacts, MachineFacts, StartingFacts
from gpumon.advice.starting_point import (
    BatchStart,
    cache_need_bytes,
    image_cost_seconds,
    starting_point,
)
from gpumon.history.stats import Interval
from gpumon.model.measure import Missing

GIB = 1 << 30
MACHINE = MachineFacts(16, 16.0, 1, "", 32 * GIB, 8 * GIB)
GPU = GpuFacts(12 * GIB, 300 << 20, "the driver", "RTX 3060")
SMALL = DataFacts(20_000, ((640, 480),) * 8)
FACTS = StartingFacts("yolov5s.pt", 640, MACHINE, GPU, SMALL)


def batch_of(facts: StartingFacts) -> BatchStart:
    """Return the batch to start with."""
    found = starting_point(facts).batch
    assert isinstance(found, BatchStart)
    return found


@pytest.mark.parametrize(("model", "most"), [("yolov5s.pt", 48), ("yolov5m.pt", 24), ("yolov5l.pt", 12)])
def test_the_batch_stays_below_what_the_guide_found_on_12_gigabytes(model: str, most: int) -> None:
    """The guide's largest batches on an RTX 3060: s 48, m 24, l 12; half of them is not too careful."""
    found = batch_of(replace(FACTS, model=model))
    assert most / 2 <= found.batch <= most
    assert found.batch <= found.safe <= found.likely


def test_the_peak_of_the_batch_leaves_the_margin() -> None:
    """Its upper end stays below 85 % of what is free: the first validation is still to come."""
    found = batch_of(FACTS)
    assert found.peak.low <= found.peak.value <= found.peak.high <= 0.85 * (12 * GIB - (300 << 20))


@given(total=st.integers(2, 80), taken=st.floats(0.0, 1.5))
def test_a_larger_gpu_never_gets_a_smaller_batch(total: int, taken: float) -> None:
    """And what others hold of it never makes the batch larger."""

    def batch(gib: float, held: float) -> int:
        gpu = GpuFacts(round(gib * GIB), round(held * GIB), "the driver")
        found = starting_point(replace(FACTS, gpu=gpu)).batch
        return found.batch if isinstance(found, BatchStart) else 0

    assert batch(total, taken) <= batch(total + 1, taken)
    assert batch(total, taken) <= batch(total, 0.0)


def test_a_large_gpu_keeps_the_nominal_batch() -> None:
    """Above 64 an update of YOLOv5 sums more images: that more fits is said, not done."""
    found = starting_point(replace(FACTS, gpu=replace(GPU, total_bytes=80 * GIB)))
    assert isinstance(found.batch, BatchStart)
    assert found.batch.batch == 64
    assert any("above 64 an update sums more" in text for text in found.watch)


def test_an_unknown_model_has_no_batch_and_says_why() -> None:
    """Nothing is published of it; the other settings are there all the same."""
    found = starting_point(replace(FACTS, model="mine.pt"))
    assert isinstance(found.batch, Missing)
    assert found.workers.workers == 8


def test_without_a_gpu_the_batch_is_missing() -> None:
    """With the reason."""
    missing = Missing("no driver")
    assert missing == starting_point(replace(FACTS, gpu=missing)).batch


def test_a_gpu_that_is_full_takes_no_batch() -> None:
    """Another program holds it."""
    found = starting_point(replace(FACTS, gpu=replace(GPU, taken_bytes=12 * GIB))).batch
    assert isinstance(found, Missing)


def test_the_peak_of_an_earlier_run_beats_published_figures() -> None:
    """Measured on this machine: 3 GiB at 16 leave room for 32, twice the batch, and no more in one step."""
    prior = Prior(
        memory=(SeenMemory(8, round(1.8 * GIB), has_validation=True), SeenMemory(16, 3 * GIB, True))
    )
    found = batch_of(replace(FACTS, prior=prior))
    assert (found.batch, found.safe) == (32, 32)
    assert "an earlier run held at a batch of 16" in found.rests_on


def test_an_earlier_run_at_the_limit_leaves_no_room_for_more() -> None:
    """10 GiB of 12 at 16: not 24."""
    prior = Prior(memory=(SeenMemory(16, 10 * GIB, has_validation=True),))
    assert 16 == batch_of(replace(FACTS, prior=prior)).batch


@pytest.mark.parametrize(
    ("machine", "workers", "words"),
    [
        (MACHINE, 8, "8"),
        (replace(MACHINE, usable_cores=6.0), 5, "6 cores"),
        (replace(MACHINE, usable_cores=2.0), 2, "2 cores"),
        (replace(MACHINE, usable_cores=0.5, limited_by="the quota of its cgroup"), 1, "quota"),
        (replace(MACHINE, visible_gpus=8), 2, "YOLOv5 cuts"),
    ],
)
def test_workers_are_bound_by_cores_and_by_yolov5(machine: MachineFacts, workers: int, words: str) -> None:
    """A core is left to the main process; YOLOv5 divides the CPUs among the GPUs that it sees."""
    found = starting_point(replace(FACTS, machine=machine)).workers
    assert (found.workers, words in found.text) == (workers, True)


def test_with_one_image_a_batch_yolov5_starts_no_workers() -> None:
    """So none are planned."""
    prior = Prior(memory=(SeenMemory(1, 9 * GIB, has_validation=True),))
    found = starting_point(replace(FACTS, prior=prior))
    assert (batch_of(replace(FACTS, prior=prior)).batch, found.workers.workers) == (1, 0)


def test_the_fastest_earlier_run_sets_the_workers() -> None:
    """What was measured here is better than any rule of thumb."""
    rates = (SeenRate(2, 16, None, 90.0, 88.0, 92.0), SeenRate(6, 16, None, 148.0, 145.0, 151.0))
    found = starting_point(replace(FACTS, prior=Prior(rates=rates)))
    assert (found.workers.workers, found.seen) == (6, rates[1])


def test_an_image_costs_what_was_measured_with_the_real_yolov5() -> None:
    """12.2 ms at 640x480 and 177 ms at 3200x2400 for 640 pixels, 9.1 ms at 640x480 for 320."""
    assert image_cost_seconds(((640, 480),), 640) == pytest.approx(0.0122, rel=0.02)
    assert image_cost_seconds(((3200, 2400),), 640) == pytest.approx(0.177, rel=0.02)
    assert image_cost_seconds(((640, 480),), 320) == pytest.approx(0.0091, rel=0.02)


def test_the_workers_prepare_a_range_of_images() -> None:
    """Cores differ: half to twice."""
    prepared = starting_point(FACTS).workers.prepared
    assert isinstance(prepared, Interval)
    assert prepared.value == pytest.approx(8 / 0.0122, rel=0.02)
    assert (prepared.low, prepared.high) == (prepared.value / 2, prepared.value * 2)


def test_a_cache_is_decoded_images_and_a_tenth() -> None:
    """20 000 pictures of 4:3 at 640 pixels: 640 x 480 x 3 bytes each."""
    need = cache_need_bytes(SMALL, 640)
    assert need.value == pytest.approx(1.1 * 20_000 * 640 * 480 * 3)
    assert need.low == need.value == need.high


def test_larger_pictures_are_cached_at_the_size_of_the_training() -> None:
    """Four times the pixels need no more."""
    large = replace(SMALL, sizes=((1280, 960),))
    assert cache_need_bytes(large, 640).value == pytest.approx(cache_need_bytes(SMALL, 640).value)


@pytest.mark.parametrize(
    ("images", "free", "ram", "words"),
    [
        (5_000, 32 * GIB, True, "fit into half"),
        (25_000, 32 * GIB, False, "most of the free memory"),
        (100_000, 32 * GIB, False, "do not fit"),
    ],
)
def test_a_cache_is_begun_with_where_it_surely_fits(images: int, free: int, ram: bool, words: str) -> None:
    """Half of the free memory stays for workers and everything else."""
    facts = replace(
        FACTS,
        data=replace(SMALL, images=images),
        machine=replace(MACHINE, memory_available_bytes=free),
    )
    found = starting_point(facts).cache
    assert (found.ram, words in found.text) == (ram, True)


def test_images_that_nobody_counted_are_not_cached() -> None:
    """There are more than were counted."""
    assert not starting_point(replace(FACTS, data=replace(SMALL, images=100, is_whole=False))).cache.ram


def test_a_small_shm_is_to_be_watched() -> None:
    """Docker's 64 MB do not hold what 8 workers prepare."""
    small = replace(MACHINE, shm_free_bytes=64 << 20)
    assert any("--shm-size" in text for text in starting_point(replace(FACTS, machine=small)).watch)
    assert not any("--shm-size" in text for text in starting_point(FACTS).watch)


def test_validation_workers_are_capped_in_what_they_hold() -> None:
    """7 workers, and 14 of validation on 16 CPUs, but 8 on 8: there 2.5 GB of shared memory are enough."""

    def warned(cpus: int) -> bool:
        machine = replace(MACHINE, cpu_count=cpus, usable_cores=8.0, shm_free_bytes=2_500_000_000)
        start = starting_point(replace(FACTS, machine=machine))
        assert start.workers.workers == 7
        return any("--shm-size" in text for text in start.watch)

    assert (warned(8), warned(16)) == (False, True)


def test_pictures_much_larger_than_needed_are_to_be_resized() -> None:
    """Decoding them is what will be waited for."""
    large = replace(FACTS, data=replace(SMALL, sizes=((3200, 2400),)))
    assert any("resized once beforehand" in text for text in starting_point(large).watch)
    assert not any("resized once" in text for text in starting_point(FACTS).watch)


@pytest.mark.parametrize(
    ("fastest", "machine", "workers", "limit"),
    [
        (12, MACHINE, 12, ""),
        (
            12,
            replace(MACHINE, usable_cores=6.0),
            5,
            "6 cores may be used, one is for the main process; ",
        ),
        (
            12,
            replace(MACHINE, visible_gpus=2),
            8,
            "YOLOv5 cuts to the CPUs per visible GPU; ",
        ),
        (
            0,
            MACHINE,
            8,
            "more than 8 hardly ever help before it is measured; ",
        ),
    ],
)
def test_the_limit_that_counts_is_named_beside_the_fastest_run(
    fastest: int, machine: MachineFacts, workers: int, limit: str
) -> None:
    """What was measured needs no rule of thumb, but cores and YOLOv5 cut it all the same."""
    prior = Prior(rates=(SeenRate(fastest, 64, None, 148.0, 145.0, 151.0),))
    found = starting_point(replace(FACTS, machine=machine, prior=prior)).workers
    text = f"{limit}the fastest earlier run of this training had {fastest}"
    assert (found.workers, found.text) == (workers, text)


def test_all_peaks_of_earlier_runs_tell_the_base() -> None:
    """As the advice to a run has it: the line through both peaks, and the same largest batch."""
    seen = (SeenMemory(8, 2 * GIB, has_validation=True), SeenMemory(16, 3 * GIB, has_validation=True))
    one, both = (batch_of(replace(FACTS, prior=Prior(memory=memory))) for memory in (seen[1:], seen))
    base, deviation, others = learned_base(
        16, 3 * GIB, base_bytes("yolov5s.pt"), base_deviation("yolov5s.pt"), seen
    )
    assert others == (8,)
    assert both.peak.value == pytest.approx(base + (3 * GIB - base) / 16 * both.batch)
    assert both.peak.high > both.peak.value + deviation
    assert both.peak.value < one.peak.value
    assert "at a batch of 16, and those at 8" in both.rests_on


def test_a_peak_with_its_validation_counts_more_than_a_larger_batch() -> None:
    """The larger batch never showed what its validation takes."""
    memory = (SeenMemory(16, 3 * GIB, has_validation=True), SeenMemory(24, 3 * GIB, has_validation=False))
    found = batch_of(replace(FACTS, prior=Prior(memory=memory)))
    assert found.rests_on == "the peak that an earlier run held at a batch of 16"


def test_the_interval_of_a_cache_is_for_90_percent() -> None:
    """1.645 standard errors of the mean to each side."""
    mixed = replace(SMALL, sizes=((640, 480), (640, 640)))
    need = cache_need_bytes(mixed, 640)
    error = 0.5 * (640 - 480) * 640 * 3
    assert need.high - need.value == pytest.approx(1.645 * 1.1 * 20_000 * error, rel=1e-3)
