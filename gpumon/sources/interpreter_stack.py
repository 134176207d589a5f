"""The stack of one interpreter's main thread, looked at and counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from gpumon.model.training import Phase
from gpumon.remote_python import Frame, Interpreter, Object
from gpumon.sources.interpreter_loader import as_iterator, delivered, iterator_of, read_iterator
from gpumon.sources.interpreter_loop import LoopFinder, bar_total, find, read_loop
from gpumon.sources.interpreter_marks import WAITING, FrameMark, FrameMarks, is_between
from gpumon.sources.interpreter_off_cpu import OffCpu
from gpumon.sources.interpreter_reading import (
    InterpreterReading,
    IteratorReading,
    LoopReading,
    PhaseLooks,
)

# Validation has one more loader, a comparison of several models a few.
_MOST_ITERATORS = 4
_MOST_KINDS = 20_000
# Above it the count at each drain is exact enough: a batch in 15 s is then less than 0.7 %.
_COUNT_EACH_LOOK_BELOW_HERTZ = 10.0
_TRIES = 3
# Without any mark a thread that waits for batches trains.
_TRAINING = frozenset({Phase.TRAIN, Phase.UNKNOWN})
# What a function is, as bits: one that waits for a batch, one with the loop, and from there on the marks of
# phases in their order.
_WAITS = 1
_LOOPS = 2
_FIRST_PHASE = 4


class StackWatch:
    """Counts what the main thread of an interpreter does. Not for two threads at once; never raises."""

    def __init__(
        self,
        interpreter: Interpreter,
        marks: FrameMarks,
        off_cpu: OffCpu,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take over an interpreter that was attached to; `off_cpu` is its main thread's."""
        self._interpreter = interpreter
        self._marks = marks
        self._seconds = seconds
        self._source = "interpreter (CPython {}.{})".format(*interpreter.version)
        self._kinds: dict[tuple[str, str], int] = {}
        self._phases: dict[Phase, list[int]] = {}
        self._off_cpu = off_cpu
        off_cpu.blocked_ratio()
        self._unread = 0
        self._torn, self._lost = interpreter.torn_reads, interpreter.lost_reads
        self._finder = None if marks.loop else LoopFinder()
        self._loops: tuple[FrameMark, ...] = marks.loop
        self._bar_total: int | None = None
        self._train: Object | None = None
        self._others: dict[int, Object] = {}
        self._seen_train = self._seen_other = False
        self._marks_seen: list[tuple[float, int]] = []
        self._last_count: int | None = None
        self._drained: tuple[float, int] | None = None
        self._read: IteratorReading | None = None
        self._is_slow = True

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs the program that was attached to."""
        return self._interpreter.alive

    def close(self) -> None:
        """Let go of the process."""
        self._interpreter.close()
        self._off_cpu.close()

    def look(self) -> None:
        """Count the phase of the main thread, and whether it waits for a batch."""
        frames = self._frames()
        if not frames:
            self._unread += 1
            return
        phase, waiting = self._judge(frames)
        blocked = 1 if self._off_cpu.is_blocked() else 0
        counts = self._phases.setdefault(phase, [0, 0, 0, 0])
        counts[0] += 1
        counts[2] += blocked
        if waiting is not None:
            counts[1] += 1
            counts[3] += blocked
            self._learn(frames, waiting, phase)
        elif self._finder is not None and phase in _TRAINING:
            self._use_loop(self._finder.vote(frames))
        if self._is_slow and self._train is not None:
            self._count(delivered(self._train))

    def drain(self) -> InterpreterReading:
        """Return what was counted since the last drain with what the loop and its loader hold now."""
        loop = self._read_loop()
        train = self._read_train()
        others = []
        for address, found in tuple(self._others.items()):
            other = read_iterator(found, self._seconds())
            if other is None:
                del self._others[address]
            else:
                others.append(other)
        torn, lost = self._interpreter.torn_reads, self._interpreter.lost_reads
        reading = InterpreterReading(
            source=self._source,
            phases=tuple(PhaseLooks(phase, *counts) for phase, counts in self._phases.items()),
            blocked_ratio=self._off_cpu.blocked_ratio(),
            unread=self._unread,
            torn_reads=torn - self._torn,
            lost_reads=lost - self._lost,
            loop=loop,
            train=train,
            others=tuple(others),
        )
        self._torn, self._lost = torn, lost
        self._phases, self._unread = {}, 0
        self._seen_train = self._seen_other = False
        return reading

    def _frames(self) -> tuple[Frame, ...]:
        main = self._interpreter.main_thread
        return (main.frames() if main is not None else None) or ()

    def _judge(self, frames: tuple[Frame, ...]) -> tuple[Phase, Frame | None]:
        """Return the phase that a stack shows, and its frame that waits for a batch."""
        seen = 0
        waiting: Frame | None = None
        for frame in frames:
            kind = self._kinds.get((frame.name, frame.file))
            if kind is None:
                kind = self._kind_of(frame.name, frame.file)
            if kind:
                seen |= kind
                if kind & _WAITS:
                    waiting = frame
        if seen > _WAITS:
            for place, mark in enumerate(self._marks.phases):
                if seen & _FIRST_PHASE << place:
                    return mark.phase, waiting
        return Phase.TRAIN if seen & _LOOPS else Phase.UNKNOWN, waiting

    def _kind_of(self, name: str, file: str) -> int:
        """Return what a function is, as bits, and remember it."""
        kind = _WAITS if WAITING.fits(name, file) else 0
        if any(mark.fits(name, file) for mark in self._loops):
            kind |= _LOOPS
        for place, mark in enumerate(self._marks.phases):
            if mark.frame.fits(name, file):
                kind |= _FIRST_PHASE << place
        if len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        self._kinds[name, file] = kind
        return kind

    def _learn(self, frames: tuple[Frame, ...], waiting: Frame, phase: Phase) -> None:
        """Learn which iterator is waited for, once a drain for each kind of loader."""
        is_train = phase in _TRAINING
        if self._seen_train if is_train else self._seen_other:
            return
        found = iterator_of(waiting)
        if found is None:
            return
        if is_train:
            self._seen_train = True
            self._use(found)
            if self._finder is not None:
                self._finder.learn(frames)
                self._bar_total = bar_total(frames) or self._bar_total
        else:
            self._seen_other = True
            if len(self._others) >= _MOST_ITERATORS:
                self._others.clear()
            self._others[found.address] = found

    def _use_loop(self, mark: FrameMark | None) -> None:
        if mark is not None:
            self._loops = (mark,)
            self._kinds.clear()

    def _use(self, iterator: Object) -> None:
        if self._train is None or self._train.address != iterator.address:
            self._train = iterator
            self._marks_seen.clear()
            self._last_count = self._drained = None

    def _count(self, count: int | None) -> None:
        if count is None:
            self._train = self._last_count = self._drained = None
            return
        # What is seen first may have been so for long: only a change is of this moment.
        if self._last_count is not None and count != self._last_count:
            self._marks_seen.append((self._seconds(), count))
        self._last_count = count

    def _read_loop(self) -> LoopReading | None:
        """Return the loop's variables of one moment: the place in the epoch must not change meanwhile."""
        found: LoopReading | None = None
        for _ in range(_TRIES):
            before = found
            found = self._read_loop_once()
            if found is None or (before is not None and _same_place(before, found)):
                break
        return found

    def _read_loop_once(self) -> LoopReading | None:
        frames = self._frames()
        place = next(
            (k for k, frame in enumerate(frames) if self._kinds.get((frame.name, frame.file), 0) & _LOOPS),
            None,
        )
        if place is None:
            return None
        frame, names = frames[place], self._marks.locals
        below = frames[place - 1] if place else None
        if names.iterator and not self._seen_train:
            found = as_iterator(find(frame, names.iterator))
            if found is not None:
                self._use(found)
                self._seen_train = True
        # Validation and checkpoints come after the last batch of an epoch.
        phase, waiting = self._judge(frames)
        handing_over = (
            waiting is not None
            or phase not in _TRAINING
            or (below is not None and is_between(below.name, below.file))
        )
        loop = read_loop(frame, names, is_handing_over=handing_over)
        return replace(loop, batches=self._bar_total) if loop.batches is None else loop

    def _read_train(self) -> IteratorReading | None:
        if self._train is None:
            return None
        now = self._seconds()
        reading = self._read = read_iterator(self._train, now, self._read)
        self._count(None if reading is None else reading.delivered)
        if reading is None:
            return None
        marks, self._marks_seen = tuple(self._marks_seen), []
        before, self._drained = self._drained, (now, reading.delivered)
        if before is not None and now > before[0]:
            rate = (reading.delivered - before[1]) / (now - before[0])
            self._is_slow = rate < _COUNT_EACH_LOOK_BELOW_HERTZ
        return replace(reading, marks=marks)


def _same_place(one: LoopReading, other: LoopReading) -> bool:
    return (one.epoch, one.batch_index, one.batch_number, one.is_handing_over) == (
        other.epoch,
        other.batch_index,
        other.batch_number,
        other.is_handing_over,
    )
