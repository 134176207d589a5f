"""What a training tells from inside: phase, place, rate and settings by its frames and its loader."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.inside import OUTSIDE, finished_batches, read_inside, settle
from gpumon.frameworks.phase_frames import phase_by_frames
from gpumon.frameworks.progress import read_progress
from gpumon.frameworks.rate_delivered import DeliveredCounter, advance_delivered, delivered_rate
from gpumon.model.clock import Instant
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId
from gpumon.model.training import Phase, Setting, Settings, Training
from gpumon.sources.interpreter_reading import InterpreterReading, IteratorReading, LoopReading, PhaseLooks

NOW = Instant(1000.0, 100.0)
NO_REPORT = Missing("it was not started by `gpumon run`")
NO_DIR = Missing("no run directory")
SOURCE = "interpreter (CPython 3.11)"
TRAINING = Training(ProcessId(1, 1), "yolov5", "exp", (), True, "/w", 0, Settings(), ())


def looks(
    phase: Phase = Phase.TRAIN,
    *,
    waiting: int = 0,
    loop: LoopReading | None = None,
    train: IteratorReading | None = None,
) -> InterpreterReading:
    return InterpreterReading(SOURCE, (PhaseLooks(phase, 50, waiting),), loop=loop, train=train)


def loader(delivered: int, *marks: tuple[float, int], address: int = 1) -> IteratorReading:
    return IteratorReading(address, 100.0, delivered, marks=marks, batch_size=8, workers=2, pin_memory=True)


@given(
    epoch=st.integers(0, 300),
    index=st.integers(0, 999),
    batches=st.integers(2, 1000),
    handing_over=st.booleans(),
)
def test_place_in_an_epoch_is_exact(epoch: int, index: int, batches: int, handing_over: bool) -> None:
    """Batch i is done when the next one is asked for, and not before."""
    index = min(index, batches - 1)
    loop = LoopReading(
        epoch=epoch,
        batch_index=index,
        batch_number=index + batches * epoch,
        batches=batches,
        is_handing_over=handing_over,
    )
    assert finished_batches(loop) == index + handing_over


@given(epoch=st.integers(1, 300), batches=st.integers(2, 1000))
def test_index_of_the_epoch_before_is_no_batch_of_this_one(epoch: int, batches: int) -> None:
    """Until the first batch of an epoch arrives the loop still holds the last index."""
    loop = LoopReading(
        epoch=epoch,
        batch_index=batches - 1,
        batch_number=batches * epoch - 1,
        batches=batches,
        is_handing_over=True,
    )
    assert finished_batches(loop) == 0


def test_running_number_lags_behind_the_index_for_a_moment() -> None:
    """Between two lines of the loop the index is already the new one."""
    loop = LoopReading(epoch=1, batch_index=3, batch_number=12, batches=10)
    assert finished_batches(loop) == 3


def test_loop_without_an_index_counts_by_its_loader() -> None:
    """Of an unknown training the loader's own counter is the place in the epoch."""
    assert finished_batches(LoopReading(), loader(7)) == 6
    assert finished_batches(LoopReading(is_handing_over=True), loader(7)) == 7
    assert finished_batches(LoopReading(), None) is None


def test_first_batch_belongs_to_the_start() -> None:
    """The loop's function sets up for seconds, and its first batch takes long."""
    setting_up = looks(loop=LoopReading(batches=None))
    first = looks(loop=LoopReading(epoch=0, batch_index=0, batches=9), train=loader(1))
    second = looks(loop=LoopReading(epoch=0, batch_index=1, batches=9), train=loader(2))
    assert phase_by_frames(setting_up, begun=False)[0] is Phase.START
    assert phase_by_frames(first, begun=False)[0] is Phase.START
    assert phase_by_frames(first, begun=True)[0] is Phase.TRAIN
    assert phase_by_frames(second, begun=False)[0] is Phase.TRAIN


def test_unknown_training_that_waits_for_batches_trains() -> None:
    """Without any mark only a wait for a loader tells that the loop runs."""
    assert phase_by_frames(looks(Phase.UNKNOWN, waiting=3, train=loader(9)), begun=False)[0] is Phase.TRAIN
    assert phase_by_frames(looks(Phase.UNKNOWN), begun=False)[0] is Phase.UNKNOWN


@pytest.mark.parametrize("phase", [Phase.VALIDATE, Phase.CHECKPOINT, Phase.END])
def test_phase_is_what_most_looks_found(phase: Phase) -> None:
    """One second may hold the end of one phase and the begin of another."""
    mixed = replace(
        looks(), phases=(PhaseLooks(Phase.TRAIN, 10, 9), PhaseLooks(phase, 40, 0)), train=loader(50)
    )
    assert phase_by_frames(mixed, begun=True)[0] is phase


def count(*readings: IteratorReading, phase: Phase = Phase.TRAIN) -> DeliveredCounter:
    counter = DeliveredCounter()
    for second, train in enumerate(readings):
        now = Instant(0.0, 100.0 + second)
        counter = advance_delivered(counter, looks(train=train), phase, now)
    return counter


def rate_of(counter: DeliveredCounter, at: float) -> Measure:
    rate = delivered_rate(counter, Instant(0.0, at))
    assert isinstance(rate, Measure)
    return rate


def test_rate_is_between_two_deliveries() -> None:
    """Three batches from the first mark to the last, which lie 1.5 s apart."""
    counter = count(loader(11, (99.0, 10), (99.5, 11)), loader(13, (100.0, 12), (100.5, 13)))
    rate = rate_of(counter, 101.0)
    assert rate.value == pytest.approx(2.0)
    assert rate.certainty is Certainty.EXACT
    assert counter.gained == 2


def test_rate_falls_when_no_more_batches_come() -> None:
    """A loop that stands still has no rate of the past."""
    counter = count(loader(11, (99.0, 10), (99.5, 11)))
    assert rate_of(counter, 109.5).value == pytest.approx(1 / 10.5)


def test_new_iterator_begins_a_new_stretch() -> None:
    """What the old one delivered last is not known: nothing is counted across."""
    counter = count(
        loader(90, (98.0, 80), (99.0, 90)),
        loader(10, (100.0, 5), (100.5, 10), address=2),
    )
    assert counter.gained is None
    assert rate_of(counter, 101.0).value == pytest.approx((10 + 5) / 1.5)


def test_counter_that_begins_anew_within_a_second() -> None:
    """A new epoch's iterator at the same address starts from 0."""
    counter = count(loader(48, (98.0, 46), (98.5, 48)), loader(1, (99.0, 49), (99.5, 0), (100.0, 1)))
    assert rate_of(counter, 100.5).value == pytest.approx((2 + 1) / 1.0)


def test_validation_ends_the_stretch() -> None:
    """Outside of training no batches are trained."""
    counter = count(loader(11, (99.0, 10), (99.5, 11)))
    counter = advance_delivered(counter, looks(train=loader(11)), Phase.VALIDATE, NOW)
    assert isinstance(delivered_rate(counter, NOW), Missing)


def test_lost_interpreter_teaches_nothing() -> None:
    """A second without a reading has no gain, and neither has the next."""
    counter = count(loader(11, (99.5, 11)))
    counter = advance_delivered(counter, Missing("gone"), Phase.TRAIN, NOW)
    assert counter.gained is None
    assert advance_delivered(counter, looks(train=loader(20)), Phase.TRAIN, NOW).gained is None


def test_rate_of_a_lost_interpreter_ends() -> None:
    """Who cannot be read is not called slow: the last rate stands for a moment, and then there is none."""
    counter = count(loader(11, (99.0, 10), (99.5, 11)))
    lost = advance_delivered(counter, Missing("gone"), Phase.TRAIN, NOW)
    assert rate_of(lost, 103.0).value == pytest.approx(2.0)
    assert isinstance(delivered_rate(lost, Instant(0.0, 105.0)), Missing)


def inside_of(seen: Maybe[InterpreterReading], rate: Maybe[Measure] = NO_DIR) -> object:
    return read_inside(TRAINING, seen, NO_REPORT, rate, Phase.TRAIN)


def test_nothing_inside_is_outside() -> None:
    """Without an interpreter nothing is told from inside."""
    assert inside_of(NO_DIR, OUTSIDE.rate) == OUTSIDE


def test_progress_comes_from_the_loop() -> None:
    """Epoch, batch and images per second are the loop's own, with its batch size."""
    loop = LoopReading(
        epoch=3,
        epochs=10,
        batch_index=5,
        batch_number=35,
        batches=10,
        batch_size=16,
        imgsz=640,
        accumulate=4.0,
        warmup_batches=100,
    )
    rate = Measure(2.0, Certainty.EXACT, SOURCE)
    inside = read_inside(TRAINING, looks(loop=loop, train=loader(36)), NO_REPORT, rate, Phase.TRAIN)
    progress = read_progress(TRAINING, None, NO_DIR, NOW, phase=Phase.TRAIN, inside=inside)
    assert (progress.epoch, progress.epochs, progress.batch, progress.batches) == (3, 10, 5, 10)
    assert progress.images_per_second == Measure(32.0, Certainty.EXACT, SOURCE)
    assert (progress.imgsz, progress.accumulate, progress.warmup_batches) == (640, 4.0, 100)
    assert progress.source == SOURCE
    assert progress.eta_seconds == pytest.approx((5 + 6 * 10) / 2.0)


def test_ranks_multiply_the_loaders_batch() -> None:
    """A loader's batch is one rank's; a step is that of all ranks."""
    ranks = replace(TRAINING, framework="torch", world_size=4)
    inside = read_inside(ranks, looks(train=loader(9)), NO_REPORT, NO_DIR, Phase.TRAIN)
    assert inside.batch_size == 32


def test_settings_that_nobody_else_knows_are_the_loops() -> None:
    """AutoBatch's choice and the pinning stand in the loop and its loader; what is known stays."""
    known = replace(TRAINING, settings=Settings(epochs=Setting(5, "argv"), workers=Setting(2, "argv")))
    loop = LoopReading(batch_size=96, epochs=7, imgsz=640)
    settled = settle(known, looks(loop=loop, train=loader(1))).settings
    assert settled.batch_size == Setting(96, "the loop's variable")
    assert settled.pin_memory == Setting(True, "the DataLoader itself")
    assert (settled.epochs, settled.workers) == (known.settings.epochs, known.settings.workers)
    assert settle(known, NO_DIR) == known


def test_batch_size_of_an_unknown_training_is_its_loaders() -> None:
    """Without a variable for it the loader's own counts, once for each rank."""
    ranks = replace(TRAINING, framework="torch", world_size=2)
    settled = settle(ranks, looks(train=loader(1)))
    assert settled.settings.batch_size == Setting(16, "the DataLoader itself")
