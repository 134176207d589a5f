"""Samples of a training counted into blocks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.history.block import Block
from gpumon.history.tally import Tally
from gpumon.model.measure import Certainty, Measure
from gpumon.model.training import Phase
from tests.unit.synthetic_training import GIB, HEALTHY, STARVED, Scene


def _count(scene: Scene, tally: Tally) -> list[Block]:
    found = [tally.add(sample, sample.trainings[0]) for sample in scene.samples(start=1000.0)]
    return [each for each in found if each is not None]


def test_a_block_holds_ten_seconds() -> None:
    """Seconds, images, waits and the highest memory of a stretch are summed."""
    (block,) = _count(replace(STARVED, seconds=11), Tally())

    assert (100, 10.0, 10.0, 900.0) == (block.number, block.seen_seconds, block.rate_seconds, block.images)
    assert block.waited_seconds == pytest.approx(4.1, abs=0.1)
    assert (5 * GIB, 200) == (block.memory_peak_bytes, block.looks)


def test_a_block_begins_at_the_same_time_in_every_gpumon() -> None:
    """Blocks lie on the machine's clock, so that two gpumons count the same ones."""
    tally = Tally()
    scene = replace(HEALTHY, seconds=12)
    found = [tally.add(sample, sample.trainings[0]) for sample in scene.samples(start=1007.0)]

    assert [100, 3.0] == [found[3].number, found[3].seen_seconds] if found[3] else False


def test_a_validation_and_the_burst_after_it_are_no_steady_training() -> None:
    """Its seconds were followed, but give neither speed nor wait; memory counts in every phase."""
    phases = (Phase.TRAIN,) * 2 + (Phase.VALIDATE,) * 3
    tally = Tally()
    for second in range(10):
        # 6 batches a second: the burst of 2 x 4 batches is over in the second second.
        scene = replace(HEALTHY, phases=phases, batch=500 + 6 * second)
        tally.add(scene.sample(second), scene.sample(second).trainings[0])
    block = tally.open()

    assert block is not None
    assert (True, 10.0) == (block.has_validation, block.seen_seconds)
    assert (4.0, 4.0) == (block.steady_seconds, block.rate_seconds)


def test_an_epoch_that_ended_had_its_validation() -> None:
    """A validation shorter than the interval lies between two samples; the next epoch tells of it."""
    tally = Tally()
    for epoch in (2, 2, 3):
        sample = replace(HEALTHY, epoch=epoch).sample(0)
        tally.add(sample, sample.trainings[0])
    block = tally.open()

    assert block is not None
    assert block.has_validation


def test_figures_in_the_name_of_a_source_make_no_other_source() -> None:
    """Reads per batch that are learnt better and better are one way to know the rate."""
    tally = Tally()
    for second, source in enumerate(("reads, 14.0 per batch", "reads, 14.1 per batch")):
        sample = HEALTHY.sample(second)
        reading = sample.trainings[0]
        rate = Measure(50.0, Certainty.SAMPLED, source)
        tally.add(sample, replace(reading, progress=replace(reading.progress, images_per_second=rate)))
    block = tally.open()

    assert block is not None
    assert ("reads", 100.0) == (tally.rate_source, block.images)


def test_an_estimate_leaves_its_bounds() -> None:
    """What an estimate leaves open is the same in every second, so it is summed beside the value."""
    sample = HEALTHY.sample(0)
    rate = Measure(100.0, Certainty.ESTIMATED, "reads", low=80.0, high=float("inf"))
    reading = sample.trainings[0]
    tally = Tally()
    tally.add(sample, replace(reading, progress=replace(reading.progress, images_per_second=rate)))
    block = tally.open()

    assert block is not None
    assert (100.0, 80.0, 100.0) == (block.images, block.images_low, block.images_high)


def test_sources_are_not_mixed() -> None:
    """Of two sources in one block the one that saw more is taken."""
    tally = Tally()
    for second, (value, source) in enumerate([(50.0, "log"), (90.0, "interpreter"), (90.0, "interpreter")]):
        sample = HEALTHY.sample(second)
        reading = sample.trainings[0]
        rate = Measure(value, Certainty.EXACT, source)
        tally.add(sample, replace(reading, progress=replace(reading.progress, images_per_second=rate)))
    block = tally.open()

    assert block is not None
    assert (180.0, 2.0) == (block.images, block.rate_seconds)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -1.0])
def test_a_rate_that_cannot_be_counts_as_nothing(value: float) -> None:
    """A log can hold any number; sums stay numbers."""
    (block,) = _count(replace(HEALTHY, seconds=11, rate=value), Tally())

    assert (0.0, 0.0) == (block.rate_seconds, block.images)


def test_unknown_numbers_count_as_nothing() -> None:
    """A rate that is not known is neither zero images nor seconds."""
    (block,) = _count(replace(HEALTHY, seconds=11, rate=None, wait=None, gpu_own=None), Tally())

    assert (0.0, 0.0, None) == (block.rate_seconds, block.wait_seconds, block.memory_peak_bytes)
    assert block.steady_seconds == 10.0


def test_longer_blocks_keep_the_open_one_in_its_time() -> None:
    """When blocks become twice as long the open one is renumbered with them."""
    tally = Tally()
    tally.add(HEALTHY.sample(10), HEALTHY.sample(10).trainings[0])
    tally.lengthen(20.0)
    tally.add(HEALTHY.sample(11), HEALTHY.sample(11).trainings[0])
    block = tally.open()

    assert block is not None
    assert (50, 2.0) == (block.number, block.seen_seconds)
