"""Where a run stands: epoch, batch, images per second and the time that is left."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from gpumon.frameworks.inside import OUTSIDE, Inside, InsidePlace
from gpumon.frameworks.log_lines_state import LogState
from gpumon.frameworks.losses import not_finite_ratio, read_losses
from gpumon.frameworks.model_size import model_parameters
from gpumon.frameworks.rate import choose_rate, log_rate
from gpumon.history.stats import quantile
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Measure, Missing, known, number
from gpumon.model.reading import ProgressReading
from gpumon.model.training import Phase, Training
from gpumon.sources.run_dir import FileSeen, RunDirReading

N = TypeVar("N", int, float)
_NO_PLACE = "neither a log nor results.csv can be read"
_UNCOUNTED = Missing("batches are told only by a log that is a regular file")
# Epochs whose wall times count: the newest say most, and one odd one must not decide.
_EPOCHS = 5


@dataclass(frozen=True, slots=True)
class _Place:
    epoch: Maybe[int]
    epochs: Maybe[int]
    batch: Maybe[int]
    batches: Maybe[int]
    source: str


@dataclass(frozen=True, slots=True)
class _Pace:
    phase: Phase
    train_seconds: float | None
    since_row_seconds: float


def read_progress(
    training: Training,
    log: LogState | None,
    run_dir: Maybe[RunDirReading],
    now: Instant,
    *,
    phase: Phase = Phase.UNKNOWN,
    counted: Maybe[Measure] = _UNCOUNTED,
    inside: Inside = OUTSIDE,
) -> ProgressReading:
    """Return where the run stands at `now`.

    `counted` are batches per second from the main process' reads, used where neither the training itself
    nor its log has a rate. The source names where the place is from, and what another source says where
    they disagree.
    """
    place = _place(training, log, run_dir)
    if inside.place is not None:
        place = _with_inside(place, inside.place, epochs_set(training))
    from_log = Missing("no log") if log is None else log_rate(log, now)
    rate, note = choose_rate(inside.rate, from_log, counted)
    table = run_dir if isinstance(run_dir, RunDirReading) else RunDirReading("")
    losses = read_losses(training, log, run_dir, inside.loop)
    amp_enabled, amp_source = _amp(training, log, inside)
    return ProgressReading(
        epoch=place.epoch,
        epochs=place.epochs,
        batch=place.batch,
        batches=place.batches,
        images_per_second=_images(inside.batch_size or batch_size(training, log), rate, phase),
        eta_seconds=_eta(
            place, training, log, run_dir, _pace(place, rate, log, run_dir, phase=phase, now=now)
        ),
        source="; ".join(text for text in (place.source, note) if text),
        results=table.newest,
        epoch_results=int(number(table.rows) or 0),
        imgsz=_or_missing(inside.loop.imgsz),
        accumulate=_or_missing(inside.loop.accumulate),
        warmup_batches=_or_missing(inside.loop.warmup_batches),
        losses=losses,
        losses_not_finite_ratio=not_finite_ratio(losses),
        steps_skipped_ratio=inside.steps_skipped_ratio,
        amp_enabled=amp_enabled,
        amp_source=amp_source,
        model_parameters=model_parameters(
            training, log, run_dir, epochs=None if isinstance(place.epochs, Missing) else place.epochs
        ),
    )


def epochs_done(training: Training, run_dir: Maybe[RunDirReading]) -> int | None:
    """Return how many epochs of this run results.csv has, or None where it cannot be read.

    By the newest row's epoch, not by the number of rows: a second run in the same directory
    (--exist-ok) adds its rows to those of the first. A file older than the start of this run counts
    only for a resumed one.
    """
    if isinstance(run_dir, Missing):
        return None
    if isinstance(run_dir.results, Missing):
        return 0
    resume = known(training.settings.resume)
    started = number(run_dir.started_unix_seconds)
    if started is not None and run_dir.results.unix_seconds < started and not (resume and resume.value):
        return 0
    values = dict(run_dir.newest)
    newest = values.get("epoch")
    if newest is None or not 0 <= newest < 1e9:
        rows = number(run_dir.rows)
        return None if rows is None else int(rows)
    return int(newest) + (0 if training.framework == "ultralytics" else 1)


def epochs_set(training: Training) -> int | None:
    """Return the number of epochs the training was started with, where it is known."""
    setting = known(training.settings.epochs)
    value = setting.value if setting is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def epoch_seconds(training: Training, run_dir: Maybe[RunDirReading]) -> Maybe[float]:
    """Return the wall time of one epoch with its validation: the median between rows of results.csv.

    Where gpumon saw only one row arrive: the `time` column of ultralytics, or the time since opt.yaml
    was written, which has the setup in it.
    """
    if isinstance(run_dir, Missing):
        return run_dir
    between = _between_rows(run_dir)
    if between is not None:
        return between
    done = epochs_done(training, run_dir)
    if not done:
        return Missing("no epoch has ended yet")
    elapsed = dict(run_dir.newest).get("time")
    if elapsed is not None and elapsed > 0 and training.framework == "ultralytics":
        return elapsed / done
    started = number(run_dir.started_unix_seconds)
    resume = known(training.settings.resume)
    if isinstance(run_dir.results, FileSeen) and started is not None and not (resume and resume.value):
        whole = run_dir.results.unix_seconds - started
        if whole > 0:
            return whole / done
    return Missing("only one epoch's end was seen")


def _between_rows(run_dir: RunDirReading) -> float | None:
    times = run_dir.row_times[-_EPOCHS - 1 :]
    steps = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in pairwise(times)
        if later[0] > earlier[0] and later[1] > earlier[1]
    ]
    return quantile(steps, 0.5) if steps else None


def _amp(training: Training, log: LogState | None, inside: Inside) -> tuple[Maybe[bool], str]:
    """Return whether automatic mixed precision is in use, and who tells so.

    A setting of True is only a wish: the framework switches it off where its own check fails.
    """
    if inside.loop.amp is not None:
        return inside.loop.amp, "its own variable amp"
    if log is not None and log.amp_passed is not None:
        return log.amp_passed, "the log: AMP checks " + ("passed" if log.amp_passed else "failed")
    setting = known(training.settings.amp)
    if setting is not None and setting.value is False:
        return False, f"amp=False ({setting.source})"
    return Missing("neither its loop nor its log tells"), ""


def _place(training: Training, log: LogState | None, run_dir: Maybe[RunDirReading]) -> _Place:
    done = epochs_done(training, run_dir)
    asked = epochs_set(training)
    if log is not None and log.train_bar is not None and log.epoch is not None:
        epochs = log.epochs if log.epochs is not None else asked
        # results.csv lags by at most the epoch under way; a row of a later epoch is a contradiction.
        note = "" if done is None or done <= log.epoch + 1 else f"; results.csv has {done} epochs"
        return _Place(
            log.epoch,
            Missing("not told") if epochs is None else epochs,
            log.train_bar.done,
            log.train_bar.total,
            f"log{note}",
        )
    planned = log.epochs if log is not None and log.epochs is not None else asked
    epochs_known: Maybe[int] = Missing("not told") if planned is None else planned
    if done is None:
        return _Place(Missing(_NO_PLACE), epochs_known, _UNCOUNTED, _UNCOUNTED, "")
    epoch = done if planned is None else min(done, max(planned - 1, 0))
    return _Place(epoch, epochs_known, _UNCOUNTED, _UNCOUNTED, "results.csv")


def _with_inside(other: _Place, place: InsidePlace, asked: int | None) -> _Place:
    """Return the place that the training itself tells, and what the log or results.csv say against it."""
    note, epoch = "", known(other.epoch)
    if epoch is not None and place.epoch is not None and abs(epoch - place.epoch) > 1:
        note = f"; {other.source} says epoch {epoch}"
    elif epoch == place.epoch and isinstance(other.batches, int) and other.batches != place.batches:
        note = f"; {other.source} says {other.batches} batches"
    epochs = place.epochs if place.epochs is not None else asked
    return _Place(
        other.epoch if place.epoch is None else place.epoch,
        Missing("not told") if epochs is None else epochs,
        _or_missing(place.batch),
        _or_missing(place.batches),
        f"{place.source}{note}",
    )


def _or_missing(value: N | None) -> Maybe[N]:
    return Missing("its loop does not tell") if value is None else value


def _images(batch: Maybe[int], rate: Maybe[Measure], phase: Phase) -> Maybe[Measure]:
    if isinstance(rate, Missing):
        return rate
    if phase not in (Phase.TRAIN, Phase.UNKNOWN):
        return Missing(f"not training now: {phase.value}")
    if isinstance(batch, Missing):
        return batch

    def scaled(value: float | None) -> float | None:
        return None if value is None else value * batch

    return Measure(
        rate.value * batch,
        rate.certainty,
        rate.source,
        standard_error=scaled(rate.standard_error),
        low=scaled(rate.low),
        high=scaled(rate.high),
    )


def batch_size(training: Training, log: LogState | None) -> Maybe[int]:
    """Return the images of one step over all ranks: what the log made of it, else the setting."""
    if log is not None and log.batch_size:
        return log.batch_size
    setting = training.settings.batch_size
    if isinstance(setting, Missing):
        return setting
    value = setting.value
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return Missing("the real batch size is not known")
    return value


def _eta(
    place: _Place, training: Training, log: LogState | None, run_dir: Maybe[RunDirReading], pace: _Pace
) -> Maybe[float]:
    epoch, epochs = known(place.epoch), known(place.epochs)
    if (log is not None and log.is_completed) or pace.phase is Phase.END:
        return 0.0
    if epoch is None or epochs is None:
        return Missing("it is not known how many epochs are left")
    whole, train = _whole(training, log, run_dir, pace), pace.train_seconds
    if whole is None:
        return Missing("no epoch has ended yet, and there is no rate")
    batch, batches = known(place.batch), known(place.batches)
    if batch is not None and batches and train is not None:
        after = max(whole - train, 0.0)
        left = 0.0 if pace.phase is Phase.CHECKPOINT else train * (1 - min(batch / batches, 1.0)) + after
    else:
        left = max(whole - pace.since_row_seconds, 0.0)
    return left + whole * max(epochs - epoch - 1, 0)


def _pace(
    place: _Place,
    rate: Maybe[Measure],
    log: LogState | None,
    run_dir: Maybe[RunDirReading],
    *,
    phase: Phase,
    now: Instant,
) -> _Pace:
    train = log.epoch_train_seconds if log is not None else None
    batches = known(place.batches)
    if isinstance(rate, Measure) and rate.value > 0 and batches and phase in (Phase.TRAIN, Phase.UNKNOWN):
        train = batches / rate.value
    since = 0.0
    if isinstance(run_dir, RunDirReading):
        # The end of the last epoch, or the start of the run before any has ended.
        ends = number(run_dir.started_unix_seconds)
        if isinstance(run_dir.results, FileSeen):
            ends = max(run_dir.results.unix_seconds, ends or 0.0)
        since = max(now.unix_seconds - ends, 0.0) if ends is not None else 0.0
    return _Pace(phase, train, since)


def _whole(
    training: Training, log: LogState | None, run_dir: Maybe[RunDirReading], pace: _Pace
) -> float | None:
    """Return the wall time of a whole epoch by the best source there is."""
    if isinstance(run_dir, RunDirReading):
        between = _between_rows(run_dir)
        if between is not None:
            return between
    if pace.train_seconds is not None:
        validation = log.validation_seconds if log is not None else None
        return pace.train_seconds + (validation or 0.0)
    return known(epoch_seconds(training, run_dir))
