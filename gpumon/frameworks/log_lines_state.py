"""What the log of a training has told so far: a fold over its lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpumon.frameworks.log_lines import Bar, LineKind, LogLine, TrainLine, is_whole_bar, parse_line
from gpumon.frameworks.log_lines_overtaken import without_overtaken
from gpumon.frameworks.log_lines_trouble import (
    Trouble,
    TroubleKind,
    begins_traceback,
    is_harmless_traceback,
    parse_trouble,
)

# Chosen: marks older than this say nothing about the rate now.
MARKS_SECONDS = 40.0
_MARKS = 96


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment at which `batch` batches of the epoch were done.

    `seconds` is on one clock for all marks of a row of them; the true moment lies at most
    `uncertain_seconds` before it.
    """

    seconds: float
    batch: int
    uncertain_seconds: float


@dataclass(frozen=True, slots=True)
class LogState:
    """Everything a log has told since the newest start of a run in it.

    `newest` is the kind of the newest line that meant something, seen at `newest_unix_seconds`. `train`
    with `train_bar` is the newest training bar, `stage_bar` the newest bar of anything else. `seen` are
    marks on our clock, one for each reading that found new batches; `told` are marks on the elapsed time
    that the bar itself prints. `batch_size` is what AutoBatch or a retry after running out of memory
    made of it. `columns` are the header's after the GPU's memory. `workers` is what YOLOv5 prints: all
    ranks, without the validation's. `parameters` are the model's, by its summary.
    """

    framework: str = "yolov5"
    read_unix_seconds: float | None = None
    partial: str = ""
    newest: LineKind | None = None
    newest_unix_seconds: float = 0.0
    train: TrainLine | None = None
    train_bar: Bar | None = None
    train_unix_seconds: float = 0.0
    stage_bar: Bar | None = None
    seen: tuple[Mark, ...] = ()
    told: tuple[Mark, ...] = ()
    one_based_header: bool = False
    columns: tuple[str, ...] = ()
    workers: int | None = None
    epochs_planned: int | None = None
    batch_size: int | None = None
    amp_passed: bool | None = None
    parameters: int | None = None
    epochs_completed: int | None = None
    is_completed: bool = False
    stopped_early: bool = False
    epoch_train_seconds: float | None = None
    validation_seconds: float | None = None
    trouble: Trouble | None = None
    in_traceback: bool = False
    harmless_traceback: bool = False

    @property
    def is_one_based(self) -> bool:
        """Whether the log counts epochs from 1 (ultralytics, and YOLOv5's classifier)."""
        if self.train is not None and self.train.epoch_label == 0:
            return False
        return self.framework == "ultralytics" or self.one_based_header

    @property
    def epoch(self) -> int | None:
        """The epoch of the newest training bar, counted from 0."""
        return None if self.train is None else self.train.epoch_label - (1 if self.is_one_based else 0)

    @property
    def epochs(self) -> int | None:
        """How many epochs the run is to have, from the bar or from "Starting training for"."""
        if self.train is None:
            return self.epochs_planned
        return self.train.last_label + (0 if self.is_one_based else 1)

    @property
    def gpu_memory_reserved_bytes(self) -> float | None:
        """What PyTorch's allocator has reserved, as the newest bar says; None where that is 0 (no CUDA)."""
        if self.train is None or self.train.gpu_memory_gigabytes <= 0:
            return None
        return self.train.gpu_memory_gigabytes * (2**30 if self.framework == "ultralytics" else 1e9)


def advance(state: LogState, lines: Iterable[str], at_unix_seconds: float, *, partial: str = "") -> LogState:
    """Return `state` after `lines`, which were read at `at_unix_seconds`.

    `partial` is the line without an end; it counts only where it is a whole progress bar.
    """
    before = state
    for line in without_overtaken(lines):
        state = _after_line(state, line, at_unix_seconds)
    if partial != before.partial and is_whole_bar(partial):
        state = _after_line(state, partial, at_unix_seconds)
    seen = _seen_after(before, state, at_unix_seconds)
    return replace(state, seen=seen, read_unix_seconds=at_unix_seconds, partial=partial)


def adopt_head(state: LogState, head: Iterable[str], at_unix_seconds: float) -> LogState:
    """Return `state` with what only the beginning of a long log told: workers, batch size, AMP, the model.

    The beginning counts only if it is of the same run, as far as can be told: the same number of epochs
    and of batches, and no end of a run in it (a log can be appended to by run after run).
    """
    first = advance(LogState(framework=state.framework), head, at_unix_seconds)
    same_epochs = state.epochs is not None and state.epochs == first.epochs
    bars = (state.train_bar, first.train_bar)
    same_batches = bars[0] is not None and bars[1] is not None and bars[0].total == bars[1].total
    if not same_epochs or not same_batches or first.is_completed or first.trouble is not None:
        return state
    return replace(
        state,
        workers=first.workers if state.workers is None else state.workers,
        batch_size=first.batch_size if state.batch_size is None else state.batch_size,
        amp_passed=first.amp_passed if state.amp_passed is None else state.amp_passed,
        parameters=first.parameters if state.parameters is None else state.parameters,
    )


def _after_line(state: LogState, line: str, at: float) -> LogState:
    if begins_traceback(line):
        return replace(state, in_traceback=True)
    if is_harmless_traceback(line):
        return replace(state, harmless_traceback=True)
    parsed = parse_line(line)
    if parsed is not None:
        return _after_meaning(state, parsed, at)
    trouble = parse_trouble(line, in_traceback=state.in_traceback)
    if trouble is None:
        return state
    # A thread's or a destructor's traceback ends nothing; a full /dev/shm, though told by a thread,
    # loses a batch for good.
    fatal = not state.harmless_traceback or trouble.kind is TroubleKind.SHM
    state = replace(state, in_traceback=False, harmless_traceback=False)
    # One error often brings others: the one that names its cause stays.
    vague = trouble.kind in (TroubleKind.ERROR, TroubleKind.WORKER_EXITED)
    known = state.trouble is not None and state.trouble.kind is not TroubleKind.ERROR
    return state if not fatal or (vague and known) else replace(state, trouble=trouble)


def _after_meaning(state: LogState, parsed: LogLine, at: float) -> LogState:
    if parsed.kind is LineKind.RUN_START or (
        parsed.kind is LineKind.STARTING and (state.is_completed or state.train is not None)
    ):
        # The model and the number of workers are printed just before "Starting training".
        keeps = parsed.kind is LineKind.STARTING
        state = LogState(
            state.framework,
            state.read_unix_seconds,
            workers=state.workers if keeps else None,
            parameters=state.parameters if keeps else None,
        )
    if parsed.kind is LineKind.MODEL:
        # It tells nothing of where the run stands.
        return replace(state, parameters=parsed.number)
    if parsed.kind is LineKind.TRAIN and parsed.bar is not None and parsed.train is not None:
        return _after_train(state, parsed.bar, parsed.train, at)
    state = replace(state, newest=parsed.kind, newest_unix_seconds=at, in_traceback=False)
    if parsed.kind is LineKind.VALIDATE:
        return _after_validation(state, parsed)
    if parsed.kind in (LineKind.SCAN, LineKind.CACHE):
        return replace(state, stage_bar=parsed.bar)
    return _after_words(state, parsed)


def _after_words(state: LogState, parsed: LogLine) -> LogState:
    kind, count = parsed.kind, parsed.number
    if kind is LineKind.WORKERS:
        state = replace(state, workers=count)
    elif kind is LineKind.STARTING:
        state = replace(state, epochs_planned=count)
    elif kind is LineKind.BATCH_SIZE:
        # Where it follows running out of memory, ultralytics goes on with the halved batch.
        state = replace(state, batch_size=count, trouble=None)
    elif kind is LineKind.AMP:
        state = replace(state, amp_passed=parsed.passed)
    elif kind is LineKind.HEADER:
        state = replace(state, one_based_header=parsed.one_based, columns=parsed.names)
    elif kind is LineKind.EARLY_STOP:
        state = replace(state, stopped_early=True)
    elif kind is LineKind.COMPLETED:
        state = replace(state, is_completed=True, epochs_completed=count)
    return state


def _after_validation(state: LogState, parsed: LogLine) -> LogState:
    bar = parsed.bar
    done = bar is not None and bar.done >= bar.total and not state.is_completed
    seconds = bar.elapsed_seconds if done and bar is not None else None
    return replace(
        state,
        stage_bar=bar,
        validation_seconds=state.validation_seconds if seconds is None else seconds,
    )


def _after_train(state: LogState, bar: Bar, train: TrainLine, at: float) -> LogState:
    old, old_train = state.train_bar, state.train
    same_epoch = old is not None and old_train is not None and old_train.epoch_label == train.epoch_label
    forward = same_epoch and old is not None and bar.done >= old.done
    told = state.told if forward else ()
    # Nothing is measured from batch 0: the first one of a run takes seconds longer than any other.
    if (
        bar.elapsed_seconds is not None
        and bar.done > 0
        and (not told or bar.elapsed_seconds >= told[-1].seconds + 0.5)
    ):
        # tqdm prints whole seconds: the first bar of a second was drawn just after it began.
        resolution = 0.1 if not bar.elapsed_seconds.is_integer() else 1.0
        told = (*told, Mark(bar.elapsed_seconds, bar.done, resolution))
    full = bar.done >= bar.total and bar.elapsed_seconds is not None
    moved = forward and old is not None and bar.done > old.done
    shm = state.trouble is not None and state.trouble.kind is TroubleKind.SHM
    # All at once: a log has tens of such lines a second.
    return replace(
        state,
        newest=LineKind.TRAIN,
        newest_unix_seconds=at,
        in_traceback=False,
        train=train,
        train_bar=bar,
        train_unix_seconds=at,
        told=_recent(told),
        seen=state.seen if forward else (),
        epoch_train_seconds=bar.elapsed_seconds if full else state.epoch_train_seconds,
        # What goes on after an error survived it, except a lost batch, which stalls it later.
        trouble=None if moved and not shm else state.trouble,
    )


def _seen_after(before: LogState, state: LogState, at: float) -> tuple[Mark, ...]:
    """Return the marks on our clock, one more where this reading found more batches than the last one."""
    if state.train_bar is None or before.read_unix_seconds is None or before.train_bar is None:
        return state.seen  # the first reading: the bar may have stood there for long
    done = state.train_bar.done
    last = state.seen[-1].batch if state.seen else None
    changed = done != before.train_bar.done or before.epoch != state.epoch
    if not changed or done in (last, 0):
        return state.seen
    mark = Mark(at, done, max(at - before.read_unix_seconds, 0.0))
    return _recent((*state.seen, mark))


def _recent(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    if not marks:
        return marks
    # One mark before the window stays: slow steps would leave it empty.
    oldest = marks[-1].seconds - MARKS_SECONDS
    first = max((i for i, mark in enumerate(marks) if mark.seconds <= oldest), default=0)
    return marks[first:][-_MARKS:]
