"""Batches per second: from the log's marks, or from the main process' own reads where there is no log.

For every batch that a worker hands over, the main process reads 2 + 6 T times (T tensors in a batch, file
descriptors as the sharing strategy), measured on torch 2.13: 14.000 reads for YOLOv5's two tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpumon.frameworks.log_lines_state import LogState, Mark
from gpumon.model.clock import Instant
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessReading
from gpumon.model.training import Phase

READS_OF_A_BATCH = 2
READS_OF_A_TENSOR = 6
# Tensors of one collated batch: YOLOv5 hands over images and targets, an ultralytics detector img, cls,
# bboxes and batch_idx.
TENSORS = {"yolov5": 2, "ultralytics": 4}
# The counter also counts whatever else the main process reads, so it can only be too high by that; a
# segmenter's masks are a tensor more. Hence the 90 % interval around the uncalibrated estimate.
_UNCALIBRATED_LOW, _UNCALIBRATED_HIGH = 0.65, 1.1
_CALIBRATED_BATCHES = 30.0
_POSSIBLE = tuple(2 + reads * tensors for tensors in range(1, 9) for reads in (READS_OF_A_TENSOR, 1))
_SNAP = 0.05
_COUNT_SECONDS = 15.0
_FRESH_SECONDS = 8.0
_WINDOW_SECONDS = 30.0
_DISAGREE = 0.10
_SOURCE = "reads of the main process"
_NO_RATE = "no new batches in the log yet"


@dataclass(frozen=True, slots=True)
class ReadCounter:
    """Reads of the main process while it trains, and how many there are for a batch.

    `marks` are (monotonic seconds, reads since the counter began). `calibrated_reads` were counted while
    the teacher, the log or the loader's own counter, showed `calibrated_batches`; `epoch` and `batch` are
    the log's at the last reading.
    """

    marks: tuple[tuple[float, float], ...] = ()
    calibrated_reads: float = 0.0
    calibrated_batches: float = 0.0
    epoch: int | None = None
    batch: int | None = None
    teacher: str = "log"

    @property
    def reads_per_batch(self) -> float | None:
        """Reads per batch as the teacher had it, None until it showed enough batches.

        A number close to what a sharing strategy gives for whole tensors is that number: the log's
        batch lags behind the counter by a part of a batch at either end.
        """
        if self.calibrated_batches < _CALIBRATED_BATCHES or self.calibrated_reads <= 0:
            return None
        learnt = self.calibrated_reads / self.calibrated_batches
        exact = min(_POSSIBLE, key=lambda reads: abs(reads - learnt))
        return float(exact) if abs(exact - learnt) <= _SNAP * exact else learnt


def advance_counter(
    counter: ReadCounter,
    main: ProcessReading | None,
    log: LogState | None,
    phase: Phase,
    now: Instant,
    *,
    delivered: int | None = None,
) -> ReadCounter:
    """Return `counter` with the reads since the last reading; outside of training it starts afresh.

    What it learnt of reads per batch is kept. `delivered` are the batches that the loader itself counted
    since the last reading: they teach better than the log does.
    """
    reads = Missing("gone") if main is None else main.read_calls_per_second
    if phase is not Phase.TRAIN or isinstance(reads, Missing):
        return replace(counter, marks=(), epoch=None, batch=None)
    at = now.monotonic_seconds
    epoch = log.epoch if log is not None else None
    batch = log.train_bar.done if log is not None and log.train_bar is not None else None
    if not counter.marks:
        return replace(counter, marks=((at, 0.0),), epoch=epoch, batch=batch)
    seconds = max(at - counter.marks[-1][0], 0.0)
    marks = (*counter.marks, (at, counter.marks[-1][1] + reads * seconds))
    kept = tuple(mark for mark in marks if mark[0] >= at - _COUNT_SECONDS)
    if delivered is not None:
        counter = _calibrated(counter, reads * seconds, delivered, "loader")
    elif counter.teacher == "loader":
        pass  # taught by the better one, which does not answer just now
    elif batch is not None and counter.batch is not None and epoch == counter.epoch:
        counter = _calibrated(counter, reads * seconds, batch - counter.batch, "log")
    return replace(counter, marks=kept, epoch=epoch, batch=batch)


def _calibrated(counter: ReadCounter, reads: float, batches: int, teacher: str) -> ReadCounter:
    if batches < 0:
        return counter
    if teacher != counter.teacher:
        counter = replace(counter, calibrated_reads=0.0, calibrated_batches=0.0, teacher=teacher)
    total_reads, total = counter.calibrated_reads + reads, counter.calibrated_batches + batches
    # Halved once they are many, so that a change (workers started anew with other tensors) is followed.
    half = 2 if total > 100 * _CALIBRATED_BATCHES else 1
    return replace(counter, calibrated_reads=total_reads / half, calibrated_batches=total / half)


def counter_rate(framework: str, counter: ReadCounter, workers: Maybe[int]) -> Maybe[Measure]:
    """Return batches per second over the last 15 s of training from the reads of the main process.

    Without calibration an estimate with a 90 % interval; with it, sampled: the count is then exact but
    for the batch that is under way at either end.
    """
    if isinstance(workers, Missing):
        return workers
    taught = counter.teacher == "loader" and counter.reads_per_batch is not None
    if workers == 0 and not taught:
        return Missing("without workers the main process' reads are those of the images")
    seconds = counter.marks[-1][0] - counter.marks[0][0] if counter.marks else 0.0
    if seconds <= 0:
        return Missing("reads are counted only while it trains")
    reads_per_second = (counter.marks[-1][1] - counter.marks[0][1]) / seconds
    ends = math.sqrt(1 / 6) / seconds
    learnt = counter.reads_per_batch
    if learnt is not None:
        source = f"{_SOURCE}, {learnt:.1f} per batch by the {counter.teacher}"
        return Measure(reads_per_second / learnt, Certainty.SAMPLED, source, ends)
    if framework not in TENSORS:
        return Missing("how many tensors a batch of this training has is not known")
    per_batch = READS_OF_A_BATCH + READS_OF_A_TENSOR * TENSORS[framework]
    rate = reads_per_second / per_batch
    low = max(rate * _UNCALIBRATED_LOW - 1.645 * ends, 0.0)
    high = rate * _UNCALIBRATED_HIGH + 1.645 * ends
    return Measure(rate, Certainty.ESTIMATED, f"{_SOURCE}, {per_batch} per batch", low=low, high=high)


def log_rate(log: LogState, now: Instant) -> Maybe[Measure]:
    """Return batches per second over the last 10 to 30 s of the log, with its standard error.

    Our own reading times count as soon as they span enough; before that the elapsed time that the bar
    prints, in whole seconds.
    """
    if log.train_bar is None:
        return Missing("no training bar in the log yet")
    seen = _slope(log.seen, "log", now.unix_seconds)
    span = log.seen[-1].seconds - log.seen[0].seconds if len(log.seen) > 1 else 0.0
    if not isinstance(seen, Missing) and span >= _FRESH_SECONDS:
        return seen
    since_train = now.unix_seconds - log.train_unix_seconds
    told = _slope(log.told, "log's own clock", _end_of(log.told, since_train))
    return seen if isinstance(told, Missing) else told


def choose_rate(*rates: Maybe[Measure]) -> tuple[Maybe[Measure], str]:
    """Return the first of several rates that is known, the best first, and a note; never their mean.

    The note tells what the others say that contradict it.
    """
    found = [rate for rate in rates if isinstance(rate, Measure)]
    if not found:
        return rates[-1], ""
    best, *others = found
    notes = [f"{_named(other)}: {other.value:.2f} batches/s" for other in others if _disagree(best, other)]
    return best, "; ".join(notes)


def _named(rate: Measure) -> str:
    return rate.source.partition(",")[0]


def _disagree(one: Measure, other: Measure) -> bool:
    """Tell whether two rates differ by more than 10 % and by more than their errors explain."""
    low, high = other.low, other.high
    if low is None or high is None:
        error = 2 * (other.standard_error or 0.0)
        low, high = other.value - error, other.value + error
    error = 2 * (one.standard_error or 0.0)
    apart = abs(one.value - other.value) > _DISAGREE * one.value
    return apart and (one.value + error < low or one.value - error > high)


def _end_of(marks: Sequence[Mark], since_seconds: float) -> float:
    return marks[-1].seconds + max(since_seconds, 0.0) if marks else 0.0


def _slope(marks: Sequence[Mark], source: str, end_seconds: float) -> Maybe[Measure]:
    """Return batches per second between the first and the last mark of the window.

    Standard error: the two ends are known to within a step or `uncertain_seconds`, whichever is
    shorter (uniform, hence the square root of 1/6 for both), and batches come unevenly, which is
    estimated from the variance between blocks of the window.
    """
    if len(marks) < 2:
        return Missing(_NO_RATE)
    marks = [mark for mark in marks if mark.seconds >= marks[-1].seconds - _WINDOW_SECONDS] or list(marks)
    if len(marks) < 2:
        return Missing(_NO_RATE)
    first, last = marks[0], marks[-1]
    span = last.seconds - first.seconds
    batches = last.batch - first.batch
    if span <= 0 or batches <= 0:
        return Missing(_NO_RATE)
    step = span / batches
    # No news for longer than two steps (and than the reading takes): it slows down or stands still.
    late = end_seconds - last.seconds
    if late > max(2 * step, 2 * last.uncertain_seconds, 3.0):
        span += late
        step = span / batches
    ends = math.sqrt((min(first.uncertain_seconds, step) ** 2 + min(last.uncertain_seconds, step) ** 2) / 12)
    error = batches / span * ends / span
    spread = _spread(marks, span)
    return Measure(batches / span, Certainty.SAMPLED, source, math.hypot(error, spread))


def _spread(marks: Sequence[Mark], span: float) -> float:
    """Return the standard error of the mean rate that comes from unevenness between blocks."""
    blocks = _blocks(marks, span / 5)
    if len(blocks) < 3:
        return 0.0
    rates = [batches / seconds for batches, seconds in blocks]
    mean = sum(rates) / len(rates)
    variance = sum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1)
    # A block's own ends blur it by one batch in all: 1/6 in variance of its count.
    seconds = sum(block[1] for block in blocks) / len(blocks)
    return math.sqrt(max(variance - 1 / 6 / seconds**2, 0.0) / len(blocks))


def _blocks(marks: Sequence[Mark], seconds: float) -> list[tuple[int, float]]:
    blocks: list[tuple[int, float]] = []
    start = marks[0]
    for mark in marks[1:]:
        if mark.seconds - start.seconds >= seconds > 0:
            blocks.append((mark.batch - start.batch, mark.seconds - start.seconds))
            start = mark
    return blocks
