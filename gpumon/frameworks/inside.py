"""What a training tells from inside: its place in the run, its rate and its batch size, exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpumon.model.measure import Maybe, Measure, Missing
from gpumon.model.training import Phase, Setting, Training
from gpumon.sources.interpreter_reading import InterpreterReading, IteratorReading, LoopReading
from gpumon.sources.reporter_reading import ReporterReading

_NOT_LOOKED = Missing("its interpreter is not looked into")
_NO_LOOP = LoopReading()
_NO_REPORT = Missing("it was not started by `gpumon run`")
_LOADER = "the DataLoader itself"


@dataclass(frozen=True, slots=True)
class InsidePlace:
    """Where the run stands: `epoch` from 0, `batch` finished ones of it. None: the loop does not tell."""

    epoch: int | None
    epochs: int | None
    batch: int | None
    batches: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Inside:
    """What the training tells from inside; whatever it does not is missing.

    `rate` is in batches per second, `batch_size` are the images of one step over all ranks.
    `steps_skipped_ratio` is the share of its newest optimizer steps that a GradScaler skipped.
    """

    place: InsidePlace | None = None
    rate: Maybe[Measure] = _NOT_LOOKED
    batch_size: int | None = None
    loop: LoopReading = _NO_LOOP
    steps_skipped_ratio: Maybe[float] = _NO_REPORT


OUTSIDE = Inside()


def read_inside(
    training: Training,
    looks: Maybe[InterpreterReading],
    report: Maybe[ReporterReading],
    delivered: Maybe[Measure],
    phase: Phase,
) -> Inside:
    """Return what rank 0 tells from inside, by its reporter, its frames and its loader's counter.

    `delivered` are batches per second as that counter has them.
    """
    loop = looks.loop if isinstance(looks, InterpreterReading) and looks.loop is not None else _NO_LOOP
    return Inside(
        place=_place_by_frames(looks, loop) or _place_by_report(report, phase),
        rate=_rate(report, delivered),
        batch_size=_batch_size(training, looks, report, loop),
        loop=loop,
        steps_skipped_ratio=report if isinstance(report, Missing) else report.steps_skipped_ratio,
    )


def settle(training: Training, looks: Maybe[InterpreterReading]) -> Training:
    """Return the training with settings that only the running loop knows: AutoBatch's choice, the pinning."""
    if isinstance(looks, Missing):
        return training
    loop, loader = looks.loop or _NO_LOOP, looks.train
    told: dict[str, tuple[int | bool | None, str]] = {
        name: (getattr(loop, name), "the loop's variable") for name in ("batch_size", "imgsz", "epochs")
    }
    if loader is not None:
        told["workers"] = (loader.workers, _LOADER)
        told["pin_memory"] = (loader.pin_memory, _LOADER)
        if not loop.batch_size and loader.batch_size:
            told["batch_size"] = (loader.batch_size * max(training.world_size, 1), _LOADER)
    settings = training.settings
    found = {
        name: Setting(value, source)
        for name, (value, source) in told.items()
        if value is not None and isinstance(getattr(settings, name), Missing)
    }
    return replace(training, settings=replace(settings, **found)) if found else training


def finished_batches(loop: LoopReading, iterator: IteratorReading | None = None) -> int | None:
    """Return how many batches of the epoch are done, None where neither the loop nor its loader tells.

    At the begin of an epoch the index is still the last one's: the running number tells them apart.
    A loop without an index has a loader that begins anew with each epoch.
    """
    index, number, batches, epoch = loop.batch_index, loop.batch_number, loop.batches, loop.epoch
    if index is None:
        if iterator is None or not iterator.delivered:
            return None if iterator is None and batches is None else 0
        return iterator.delivered - (0 if loop.is_handing_over else 1)
    done = index + 1 if loop.is_handing_over else index
    if batches is None or epoch is None:
        return done
    # The running number is set a moment after the index.
    if number is not None and number - (index + batches * epoch) not in (0, -1):
        return 0
    return min(done, batches)


def _place_by_frames(looks: Maybe[InterpreterReading], loop: LoopReading) -> InsidePlace | None:
    if isinstance(looks, Missing) or looks.loop is None:
        return None
    return InsidePlace(
        loop.epoch, loop.epochs, finished_batches(loop, looks.train), loop.batches, looks.source
    )


def _place_by_report(report: Maybe[ReporterReading], phase: Phase) -> InsidePlace | None:
    """Return the place by the loader: it counts from the start of the run, not from a resumed epoch."""
    loader = None if isinstance(report, Missing) else report.training
    if loader is None or not loader.epochs_begun:
        return None
    batches = None if isinstance(loader.batches_per_epoch, Missing) else loader.batches_per_epoch
    # The batch that was delivered last is under way while the loop trains.
    under_way = phase is Phase.TRAIN and loader.waiting_seconds == 0
    done = max(loader.epoch_batch - (1 if under_way else 0), 0)
    return InsidePlace(loader.epochs_begun - 1, None, done, batches, "reporter")


def _rate(report: Maybe[ReporterReading], delivered: Maybe[Measure]) -> Maybe[Measure]:
    loader = None if isinstance(report, Missing) else report.training
    if loader is not None and isinstance(loader.batches_per_second, Measure):
        return loader.batches_per_second
    return delivered


def _batch_size(
    training: Training, looks: Maybe[InterpreterReading], report: Maybe[ReporterReading], loop: LoopReading
) -> int | None:
    """Return the images of one step: the loop's own number, or the loader's times the ranks."""
    if loop.batch_size:
        return loop.batch_size
    loader = None if isinstance(report, Missing) else report.training
    size = None
    if loader is not None:
        size = next((n for n in (loader.batch_size, loader.batch_samples) if isinstance(n, int)), None)
    elif isinstance(looks, InterpreterReading) and looks.train is not None:
        size = looks.train.batch_size
    return size * max(training.world_size, 1) if size else None
