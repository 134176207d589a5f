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
from gpumon.model.measure import Certainty, Maybe, Measure, Missing, number
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
_FRESH_SECONDS = 8.0
_WINDOW_SECONDS = 30.0
_DISAGREE = 0.10
_SOURCE = "reads of the main process"
_NO_RATE = "no new batches in the log yet"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reads of the main process against batches of the log, counted over the same time."""

    reads: float = 0.0
    batches: float = 0.0

    @property
    def reads_per_batch(self) -> float | None:
        """Reads per batch, once enough batches were counted."""
        if self.batches < _CALIBRATED_BATCHES or self.reads <= 0:
            return None
        return self.reads / self.batches


def calibrate(calibration: Calibration, reads: Maybe[float], batches: float) -> Calibration:
    """Return `calibration` with the `reads` and `batches` of one more interval within an epoch.

    Batches are halved once they are many, so that a change (another loader after a restart of the
    workers) is followed.
    """
    if isinstance(reads, Missing) or batches <= 0 or reads < 0:
        return calibration
    more = replace(calibration, reads=calibration.reads + reads, batches=calibration.batches + batches)
    if more.batches > 100 * _CALIBRATED_BATCHES:
        return Calibration(more.reads / 2, more.batches / 2)
    return more


def counter_rate(
    framework: str,
    main: ProcessReading | None,
    interval_seconds: float,
    calibration: Calibration,
    *,
    phase: Phase,
    workers: Maybe[int],
) -> Maybe[Measure]:
    """Return batches per second from the reads of the main process in one interval.

    Without calibration an estimate with a 90 % interval; with it, sampled: the count is then exact but
    for the batch that is under way at either end.
    """
    if phase is not Phase.TRAIN:
        return Missing("counted only while it trains")
    if isinstance(workers, Missing):
        return workers
    if workers == 0:
        return Missing("without workers the main process' reads are those of the images")
    reads = Missing("its main process was not read") if main is None else main.read_calls_per_second
    if isinstance(reads, Missing):
        return reads
    return _by_reads(framework, reads, interval_seconds, calibration)


def _by_reads(framework: str, reads: float, seconds: float, calibration: Calibration) -> Maybe[Measure]:
    learnt = calibration.reads_per_batch
    if learnt is not None:
        rate = reads / learnt
        ends = math.sqrt(1 / 6) / max(seconds, 0.1)
        error = math.hypot(ends, rate / math.sqrt(6) / calibration.batches)
        return Measure(rate, Certainty.SAMPLED, f"{_SOURCE}, {learnt:.1f} per batch by the log", error)
    if framework not in TENSORS:
        return Missing("how many tensors a batch of this training has is not known")
    per_batch = READS_OF_A_BATCH + READS_OF_A_TENSOR * TENSORS[framework]
    rate = reads / per_batch
    return Measure(
        rate,
        Certainty.ESTIMATED,
        f"{_SOURCE}, {per_batch} per batch",
        low=rate * _UNCALIBRATED_LOW,
        high=rate * _UNCALIBRATED_HIGH,
    )


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


def choose_rate(from_log: Maybe[Measure], from_counter: Maybe[Measure]) -> tuple[Maybe[Measure], str]:
    """Return the better of two rates and a note: the log's where there is one, never their mean."""
    if isinstance(from_log, Missing):
        return from_counter, ""
    counted = number(from_counter)
    if counted is None or abs(counted - from_log.value) <= _DISAGREE * from_log.value:
        return from_log, ""
    return from_log, f"{_SOURCE} say {counted:.2f} batches/s"


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
