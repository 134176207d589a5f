"""Batches per second from marks of a log and from counted reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.log_lines import Bar, TrainLine
from gpumon.frameworks.log_lines_state import LogState, Mark
from gpumon.frameworks.rate import ReadCounter, advance_counter, choose_rate, counter_rate, log_rate
from gpumon.model.clock import Instant
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.model.training import Phase


def measure(maybe: Maybe[Measure]) -> Measure:
    assert isinstance(maybe, Measure)
    return maybe


def main_process(reads_per_second: float) -> ProcessReading:
    return ProcessReading(
        ProcessId(1, 1), 0, Role.MAIN, "python", (), "me", "R", read_calls_per_second=reads_per_second
    )


def log(batch: int, *, seen: tuple[Mark, ...] = (), told: tuple[Mark, ...] = (), epoch: int = 0) -> LogState:
    train = TrainLine(epoch, 2, 0.0, (0.1,), None, None)
    at = seen[-1].seconds if seen else 0.0
    return LogState(train=train, train_bar=Bar(batch, 1000), train_unix_seconds=at, seen=seen, told=told)


def count(
    counter: ReadCounter, reads: float, seconds: int, *, state: LogState | None = None, start: float = 0.0
) -> ReadCounter:
    for second in range(seconds):
        now = Instant(start + second, start + second)
        counter = advance_counter(counter, main_process(reads), state, Phase.TRAIN, now)
    return counter


@given(st.floats(0.05, 200.0), st.integers(12, 30))
def test_rate_of_an_even_training_lies_within_its_error(rate: float, seconds: int) -> None:
    """Read once a second, an even training's rate is found to within three standard errors."""
    marks = []
    before = 0
    for second in range(1, seconds + 1):
        done = int(rate * second)
        if done > before:
            marks.append(Mark(float(second), done, 1.0))
            before = done
    found = log_rate(log(before, seen=tuple(marks)), Instant(marks[-1].seconds if marks else 0.0, 0.0))
    if isinstance(found, Missing):
        assert len(marks) < 2
        return
    assert found.standard_error is not None
    assert abs(found.value - rate) <= 3 * found.standard_error + 1e-9


def test_rate_falls_when_no_more_batches_come() -> None:
    """A training that stands still loses its rate with time instead of keeping the last one."""
    state = log(20, seen=tuple(Mark(float(second), 2 * second, 1.0) for second in range(1, 11)))
    fresh = measure(log_rate(state, Instant(10.0, 0.0)))
    late = measure(log_rate(state, Instant(40.0, 0.0)))
    assert fresh.value == pytest.approx(2.0)
    assert late.value == pytest.approx(18 / 39)


def test_first_reading_uses_the_time_the_bar_prints() -> None:
    """Before our own readings span enough, the bar's elapsed seconds give the rate."""
    told = tuple(Mark(float(second), 3 * second, 1.0) for second in range(1, 21))
    rate = measure(log_rate(log(60, told=told), Instant(0.0, 0.0)))
    assert rate.value == pytest.approx(3.0)
    assert rate.source == "log's own clock"


def test_uneven_batches_widen_the_error() -> None:
    """Blocks that differ say that the mean is less sure."""
    even = tuple(Mark(float(second), 10 * second, 1.0) for second in range(31))
    uneven = tuple(Mark(float(s), 10 * s + (60 if s % 12 >= 6 else 0), 1.0) for s in range(31))
    errors = [
        measure(log_rate(log(300, seen=m), Instant(30.0, 0.0))).standard_error or 0 for m in (even, uneven)
    ]
    assert errors[1] > 3 * errors[0]


def test_reads_without_a_log_are_an_estimate() -> None:
    """YOLOv5 reads 14 times for a batch; what else the process reads makes it an estimate."""
    rate = measure(counter_rate("yolov5", count(ReadCounter(), 28.0, 11), 2))
    assert rate.certainty is Certainty.ESTIMATED
    assert rate.value == pytest.approx(2.0)
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < 2.0 < rate.high


def test_log_teaches_reads_per_batch() -> None:
    """With a log the number of reads is learnt, here of the file_system strategy, and the rate is sampled."""
    counter = ReadCounter()
    for second in range(21):
        now = Instant(float(second), float(second))
        counter = advance_counter(counter, main_process(8.1), log(2 * second), Phase.TRAIN, now)
    assert counter.reads_per_batch == 4.0
    rate = measure(counter_rate("yolov5", counter, 2))
    assert rate.certainty is Certainty.SAMPLED
    assert rate.value == pytest.approx(8.1 / 4)


def test_reads_of_an_odd_loader_are_taken_as_learnt() -> None:
    """A number that no sharing strategy gives is not forced to one."""
    counter = ReadCounter(calibrated_reads=1000.0, calibrated_batches=1000.0 / 11)
    assert counter.reads_per_batch == pytest.approx(11.0)


def test_counter_begins_anew_after_validation_and_keeps_what_it_learnt() -> None:
    """Reads of a validation are not those of training."""
    counter = count(ReadCounter(calibrated_reads=700.0, calibrated_batches=50.0), 28.0, 5)
    paused = advance_counter(counter, main_process(500.0), None, Phase.VALIDATE, Instant(5.0, 5.0))
    assert paused.marks == ()
    assert paused.reads_per_batch == 14.0
    assert isinstance(counter_rate("yolov5", paused, 2), Missing)


def test_new_epoch_in_the_log_teaches_nothing_across_it() -> None:
    """Batches of two epochs are not subtracted from each other."""
    counter = advance_counter(ReadCounter(), main_process(14.0), log(990), Phase.TRAIN, Instant(0.0, 0.0))
    counter = advance_counter(counter, main_process(14.0), log(5, epoch=1), Phase.TRAIN, Instant(1.0, 1.0))
    assert counter.calibrated_batches == 0.0


@pytest.mark.parametrize(
    ("framework", "workers"), [("yolov5", 0), ("torch", 2), ("yolov5", Missing("no workers seen"))]
)
def test_counter_says_why_it_has_no_rate(framework: str, workers: Maybe[int]) -> None:
    """Without workers, and for batches of unknown tensors, reads tell nothing."""
    missing = counter_rate(framework, count(ReadCounter(), 28.0, 5), workers)
    assert isinstance(missing, Missing)
    assert missing.reason


def test_loader_teaches_better_than_the_log() -> None:
    """What the loader's own counter teaches stays when the interpreter cannot be read for a while."""
    counter = ReadCounter()
    for second in range(21):
        now = Instant(float(second), float(second))
        counter = advance_counter(counter, main_process(14.0), None, Phase.TRAIN, now, delivered=2)
    assert (counter.teacher, counter.reads_per_batch) == ("loader", 7.0)
    for second in range(21, 31):
        now = Instant(float(second), float(second))
        counter = advance_counter(counter, main_process(14.0), log(2 * second), Phase.TRAIN, now)
    rate = measure(counter_rate("torch", counter, 2))
    assert rate.value == pytest.approx(2.0)
    assert rate.source.endswith("7.0 per batch by the loader")


def test_taught_reads_tell_the_rate_without_workers() -> None:
    """Without workers the reads are those of the images: as many for each batch, once that is known."""
    counter = ReadCounter()
    for second in range(21):
        now = Instant(float(second), float(second))
        counter = advance_counter(counter, main_process(33.0), None, Phase.TRAIN, now, delivered=2)
    assert measure(counter_rate("yolov5", counter, 0)).value == pytest.approx(2.0)


def test_log_is_preferred_and_a_contradiction_is_noted() -> None:
    """Two rates are never averaged: the log's is shown, and what the counter says stands in a note."""
    from_log = Measure(3.0, Certainty.SAMPLED, "log", 0.02)
    close = Measure(3.1, Certainty.SAMPLED, "reads", 0.02)
    far = Measure(4.0, Certainty.SAMPLED, "reads of the main process, 14.0 per batch by the log", 0.02)
    wide = Measure(4.0, Certainty.ESTIMATED, "reads", low=2.5, high=4.5)
    assert choose_rate(from_log, close) == (from_log, "")
    assert choose_rate(from_log, wide) == (from_log, "")
    assert choose_rate(from_log, far) == (from_log, "reads of the main process: 4.00 batches/s")


def test_counter_stands_in_where_the_log_has_no_rate() -> None:
    """Where there is no log the counter's rate is taken as it is."""
    counted = Measure(4.0, Certainty.ESTIMATED, "reads", low=2.5, high=4.5)
    assert choose_rate(Missing("no log"), counted) == (counted, "")
