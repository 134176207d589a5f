"""Rates and shares from two looks at a report, with made-up counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.model.measure import Maybe, Measure, Missing
from gpumon.reporter import wire
from gpumon.sources.reporter_file import LoaderCounts, ReportCounts
from gpumon.sources.reporter_reading import Look, ReportedLoader, ReporterReading, compose

S = 1_000_000_000
HOOKS = wire.HOOK_LOADER | wire.HOOK_OPTIMIZER | wire.HOOK_SCALER
START = LoaderCounts(
    serial=1, batches_per_pass=10, workers=2, batch_size=8, prefetch_factor=2, bits=0, entered_ns=0,
    optimizer_steps=0, batches=0, samples=0, wait_ns=0, step_ns=0, steps=0, left_ns=0, passes=0,
    pass_batches=0, batch_samples=8, height=64, width=96,
)  # fmt: skip
REPORT = ReportCounts(
    pid=1, start_ticks=1, opened_ns=0, heartbeat_ns=0, hooks=HOOKS, optimizer_steps=0, scaler_steps=0,
    scaler_skips=0, fused_scaler_steps=0, is_cuda_silent=False, cuda=None, error="", loaders=(),
)  # fmt: skip


def _look(seconds: float, *loaders: LoaderCounts, **header: Any) -> Look:
    return Look(int(seconds * S), replace(REPORT, loaders=loaders, **header))


def _after(
    batches: int, *, wait: float, step: float, left: float, loader: LoaderCounts = START
) -> LoaderCounts:
    """Return a loader after so many batches, whose waits and steps took so many seconds in all."""
    return replace(
        loader,
        batches=batches,
        samples=8 * batches,
        steps=max(0, batches - 1),
        wait_ns=int(wait * S),
        step_ns=int(step * S),
        left_ns=int(left * S),
        entered_ns=int(left * S) - 1,
        passes=1,
        pass_batches=batches,
    )


def _one(reading: ReporterReading) -> ReportedLoader:
    assert len(reading.loaders) == 1
    return reading.loaders[0]


def _value(measure: Maybe[Measure]) -> float:
    assert isinstance(measure, Measure), measure
    return measure.value


def test_a_batch_has_its_bytes_also_at_the_end_of_an_epoch() -> None:
    """The last batch of a pass may be smaller: a whole one is told."""
    whole = replace(_after(4, wait=1, step=1, left=99), image_bytes=8 * 3 * 64 * 96)
    last = replace(_after(10, wait=1, step=1, left=99), batch_samples=2, image_bytes=2 * 3 * 64 * 96)
    told = [_one(compose((_look(100, loader),))).batch_bytes for loader in (whole, last, START)]

    assert told[:2] == [8 * 3 * 64 * 96] * 2
    assert isinstance(told[2], Missing)


def test_rates_are_counts_over_the_loops_own_time() -> None:
    """20 batches in 2 s of waiting and 3 s of computing are 4 a second, whenever they are looked at."""
    first, second = _after(10, wait=1, step=1.5, left=103), _after(30, wait=3, step=4.5, left=108)
    loader = _one(compose((_look(103.4, first), _look(108.1, second))))

    assert (4.0, 32.0, 0.1, 0.15) == pytest.approx(
        (
            _value(loader.batches_per_second),
            _value(loader.samples_per_second),
            _value(loader.wait_seconds),
            _value(loader.step_seconds),
        )
    )


def test_what_comes_between_passes_is_no_part_of_a_rate() -> None:
    """A validation of a minute between two batches changes no rate of the training's loop."""
    first, second = _after(10, wait=1, step=1, left=100), _after(12, wait=1.2, step=1.2, left=160)
    loader = _one(compose((_look(100, first), _look(160, second))))

    assert _value(loader.batches_per_second) == pytest.approx(5.0)


def test_steps_that_end_passes_are_told_apart() -> None:
    """Of ten steps of 4 s in all two took 0.5 s with 3 samples: the others took 0.375 s each."""
    counts = replace(_after(11, wait=1.0, step=4.0, left=6.0), last_ns=S, last_steps=2, last_samples=3)
    loader = _one(compose((_look(7, counts),)))
    assert loader.last_samples == 3
    assert _value(loader.last_step_seconds) == pytest.approx(0.5)
    assert _value(loader.full_step_seconds) == pytest.approx(0.375)


def test_a_reporter_that_does_not_count_them_tells_none() -> None:
    """One of an earlier gpumon leaves zeros there; what cannot be is none either."""
    earlier = _after(11, wait=1.0, step=4.0, left=6.0)
    for counts in (earlier, replace(earlier, last_ns=5 * S, last_steps=2, last_samples=3)):
        loader = _one(compose((_look(7, counts),)))
        assert isinstance(loader.last_samples, Missing)
        assert isinstance(loader.last_step_seconds, Missing)
        assert isinstance(loader.full_step_seconds, Missing)


def test_the_wait_that_lasts_counts() -> None:
    """A `next()` that began before the first look and lasts still has taken the whole time."""
    first = replace(_after(3, wait=1, step=1, left=100), entered_ns=100 * S + 1)
    loader = _one(compose((_look(101, first), _look(103, first))))

    assert (1.0, 3.0) == pytest.approx((_value(loader.data_wait_ratio), loader.waiting_seconds))


def test_the_wait_ratio_is_that_of_the_time_between_looks() -> None:
    """Of 2 s, 0.5 s of one wait's end and 0.25 s of the next one's begin: 0.375."""
    first = replace(_after(3, wait=1, step=1, left=99), entered_ns=int(99.5 * S))
    second = replace(_after(4, wait=2, step=1.5, left=100.5), entered_ns=int(101.75 * S))
    loader = _one(compose((_look(100, first), _look(102, second))))

    assert _value(loader.data_wait_ratio) == pytest.approx(0.375)


def test_a_late_batch_lowers_the_rate() -> None:
    """Where the next batch is late by more than two, the rate falls while it is waited for."""
    first, second = _after(10, wait=1, step=1, left=100), _after(20, wait=2, step=2, left=102)
    late = replace(second, entered_ns=int(102.1 * S))
    on_time = _one(compose((_look(100, first), _look(102.2, late))))
    slower = _one(compose((_look(100, first), _look(110.1, late))))

    assert (5.0, 1.0) == pytest.approx(
        (_value(on_time.batches_per_second), _value(slower.batches_per_second))
    )


def test_one_batch_gives_no_rate() -> None:
    """A rate needs two batches, a share two looks."""
    loader = _one(compose((_look(100, _after(1, wait=1, step=0, left=99)),)))

    assert Missing("needs two batches") == loader.batches_per_second
    assert Missing("needs two readings") == loader.data_wait_ratio


def test_the_shares_of_two_loaders_add_up() -> None:
    """Main thread's waiting is that for all its loaders, without those that other threads read."""
    train, val = START, replace(START, serial=2)
    prefetched = replace(START, serial=3, bits=wire.LOADER_IN_BACKGROUND)
    first = _look(100, train, val, prefetched)
    second = _look(
        102,
        _after(1, wait=0.5, step=0, left=101),
        _after(1, wait=0.25, step=0, left=102, loader=val),
        _after(1, wait=2, step=0, left=102, loader=prefetched),
    )

    assert _value(compose((first, second)).data_wait_ratio) == pytest.approx(0.375)


def test_a_loader_that_came_between_two_looks_waited_between_them() -> None:
    """A validation that began after the last look counts with its whole wait; an older one is unknown."""
    short, long = _after(3, wait=0.5, step=0.5, left=101), _after(3, wait=50, step=50, left=101)
    ratios = [_one(compose((_look(100), _look(102, loader)))).data_wait_ratio for loader in (short, long)]

    assert _value(ratios[0]) == pytest.approx(0.25)
    assert Missing("needs two readings") == ratios[1]


def test_the_trainings_loader_is_the_one_that_is_stepped_on() -> None:
    """During validation the training's loader is still known, and the current one is the other."""
    train = replace(_after(5, wait=1, step=1, left=100), optimizer_steps=5)
    val = _after(2, wait=0.1, step=0.1, left=101, loader=replace(START, serial=2))
    reading = compose((_look(102, train, val),))

    assert reading.training is not None
    assert reading.current is not None
    assert (1, 2) == (reading.training.serial, reading.current.serial)


EPOCHS = [
    (1, 0, 10, (1, 0)),
    (1, 10, 10, (1, 10)),
    (3, 4, 10, (3, 4)),
    (1, 11, 10, (2, 1)),
    (1, 30, 10, (3, 10)),
    (2, 7, 0, (2, 7)),
]


@pytest.mark.parametrize(("passes", "pass_batches", "length", "expected"), EPOCHS)
def test_epochs(passes: int, pass_batches: int, length: int, expected: tuple[int, int]) -> None:
    """A pass is an epoch; a pass longer than the loader is several; without a length it is one."""
    loader = replace(START, passes=passes, pass_batches=pass_batches, batches_per_pass=length)
    reported = _one(compose((_look(100, loader),)))

    assert expected == (reported.epochs_begun, reported.epoch_batch)


def test_scaler_steps_nobody_knows() -> None:
    """A fused optimizer's skips are missing with the reason, and so are those of no scaler at all."""
    fused = compose((_look(100, scaler_steps=3, fused_scaler_steps=3),))
    none = compose((_look(100),))

    assert Missing("a fused optimizer decides on the GPU whether a step is skipped") == fused.scaler_skips
    assert Missing("no GradScaler is used") == none.scaler_skips


def test_optimizer_steps_per_second() -> None:
    """Steps over the time between two looks; without torch's optimizers they are missing."""
    looks = (_look(100, optimizer_steps=10), _look(104, optimizer_steps=30))
    unhooked = compose((_look(100, hooks=wire.HOOK_LOADER),))

    assert _value(compose(looks).optimizer_steps_per_second) == pytest.approx(5.0)
    assert Missing("torch's optimizers are not imported") == unhooked.optimizer_steps


def test_counts_that_went_backwards_are_a_new_start() -> None:
    """A loader that counts less than before is not subtracted from."""
    first, second = _after(10, wait=1, step=1, left=100), _after(2, wait=0.1, step=0.1, left=101)
    loader = _one(compose((_look(100, first), _look(102, second))))

    assert Missing("needs two batches") == loader.batches_per_second
