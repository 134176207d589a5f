"""The stack of one interpreter's main thread, looked at and counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from gpumon.model.training import Phase
from gpumon.remote_python import Calls, Frame, Interpreter, Object
from gpumon.sources.interpreter_judge import StackJudge
from gpumon.sources.interpreter_last import LastSteps, batches_to_last
from gpumon.sources.interpreter_loader import (
    as_iterator,
    count_of,
    delivered_number,
    held_iterators,
    iterator_of,
    read_iterator,
)
from gpumon.sources.interpreter_loop import (
    LoopFinder,
    LoopVariables,
    bar_total,
    paths_of,
    read_loop,
    read_variables,
)
from gpumon.sources.interpreter_marks import FrameMark, FrameMarks, is_between
from gpumon.sources.interpreter_off_cpu import OffCpu
from gpumon.sources.interpreter_reading import (
    InterpreterReading,
    IteratorReading,
    LoopReading,
    PhaseLooks,
)
from gpumon.sources.interpreter_surplus import Surplus

# Validation has one more loader, a comparison of several models a few.
_MOST_ITERATORS = 4
# Above it the count at each drain is exact enough: a batch in 15 s is then less than 0.7 %.
_COUNT_EACH_LOOK_BELOW_HERTZ = 10.0
# But the last batch of an epoch is watched for: from the drain on after which it may come before the next.
_COUNT_BEFORE_END_SECONDS = 2.0
_TRIES = 3
# Without any mark a thread that waits for batches trains.
_TRAINING = frozenset({Phase.TRAIN, Phase.UNKNOWN})


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
        self._judge = StackJudge(marks)
        self._phases: dict[Phase, list[int]] = {}
        self._off_cpu = off_cpu
        off_cpu.blocked_ratio()
        self._surplus, self._drained_seconds = Surplus(), seconds()
        self._unread = self._late = 0
        self._torn, self._lost = interpreter.torn_reads, interpreter.lost_reads
        self._finder = None if marks.loop else LoopFinder()
        self._bar_total: int | None = None
        self._train: Object | None = None
        self._has_loader = False
        self._others: dict[int, Object] = {}
        self._held_counts: dict[int, int | None] = {}
        self._seen_train = self._seen_other = False
        self._marks_seen: list[tuple[float, int]] = []
        self._last_count: int | None = None
        self._number: Object | None = None
        self._drained: tuple[float, int] | None = None
        self._read: IteratorReading | None = None
        self._read_before: dict[int, IteratorReading] = {}
        self._loop: Frame | None = None
        self._paths = paths_of(marks.locals)
        self._is_slow = True
        self._last = LastSteps()
        self._is_last_due = False

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs the program that was attached to."""
        return self._interpreter.alive

    def close(self) -> None:
        """Let go of the process."""
        self._interpreter.close()
        self._off_cpu.close()

    def look(self, *, is_late: bool = False) -> None:
        """Count the phase of the main thread, and whether it waits for a batch."""
        self._late += is_late
        calls = self._calls()
        if calls is None or not calls.functions:
            self._unread += 1
            return
        phase, waits = self._judge.judge(calls.functions)
        if self._last.batches is not None:
            self._last.look(self._seconds(), in_loop=phase in _TRAINING, waits=waits)
        blocked = 1 if self._off_cpu.is_blocked() else 0
        counts = self._phases.get(phase)
        if counts is None:
            counts = self._phases[phase] = [0, 0, 0, 0]
        counts[0] += 1
        counts[2] += blocked
        if waits:
            counts[1] += 1
            counts[3] += blocked
            if not (self._seen_train if phase in _TRAINING else self._seen_other):
                self._learn(calls, phase)
        elif self._finder is not None and phase in _TRAINING:
            loop = self._finder.vote(calls.functions)
            if loop is not None:
                self._judge.use_loop(loop)
        if (self._is_slow or self._is_last_due) and self._train is not None:
            self._count_again(self._train)

    @property
    def glance_seconds(self) -> float | None:
        """How soon to glance again, between two looks: around the end of an epoch only."""
        return None if self._train is None else self._last.glance_seconds

    def glance(self) -> None:
        """See whether the last batch has come or its step is over; for nothing else such a moment counts."""
        calls, train = self._calls(), self._train
        if calls is not None and calls.functions and train is not None:
            phase, waits = self._judge.judge(calls.functions)
            self._last.look(self._seconds(), in_loop=phase in _TRAINING, waits=waits, is_glance=True)
            self._count_again(train)

    def drain(self) -> InterpreterReading:
        """Return what was counted since the last drain with what the loop and its loader hold now."""
        if self._train is None:
            self._find_held()
        loop = self._read_loop()
        train = self._read_train()
        others = self._read_others()
        torn, lost = self._interpreter.torn_reads, self._interpreter.lost_reads
        blocked_ratio = self._account()
        reading = InterpreterReading(
            source=self._source,
            phases=tuple(PhaseLooks(phase, *counts) for phase, counts in self._phases.items()),
            blocked_ratio=blocked_ratio,
            unread=self._unread,
            late=self._late,
            blocked_surplus_ratio=self._surplus.ratio,
            blocked_surplus_error=self._surplus.error,
            torn_reads=torn - self._torn,
            lost_reads=lost - self._lost,
            loop=loop,
            train=train,
            others=others,
            has_loader=self._has_loader,
            last_steps=self._last.reading(),
        )
        if train is not None and loop is not None and self._marks.steps_are_whole:
            self._last.use(batches_to_last(train, loop))
        self._torn, self._lost = torn, lost
        self._phases, self._unread, self._late = {}, 0, 0
        self._seen_train = self._seen_other = False
        return reading

    def _account(self) -> float | None:
        """Return the share of time off the CPU since the last drain, and compare the looks with it."""
        ratio, now = self._off_cpu.blocked_ratio(), self._seconds()
        if ratio is not None:
            looks = sum(counts[0] for counts in self._phases.values())
            blocked = sum(counts[2] for counts in self._phases.values())
            self._surplus.take(looks, blocked, ratio, now - self._drained_seconds)
        self._drained_seconds = now
        return ratio

    def _calls(self) -> Calls | None:
        main = self._interpreter.main_thread
        return None if main is None else main.calls()

    def _learn(self, calls: Calls, phase: Phase) -> None:
        """Learn which iterator is waited for, once a drain for each kind of loader."""
        place = self._judge.waiting_place(calls.functions)
        frames = calls.frames()
        found = None if place is None else iterator_of(frames[place])
        if found is None:
            return
        self._has_loader = True
        if phase in _TRAINING:
            self._seen_train = True
            self._use(found)
            if self._finder is not None:
                self._finder.learn(calls.functions)
                self._bar_total = bar_total(frames) or self._bar_total
        else:
            self._seen_other = True
            if len(self._others) >= _MOST_ITERATORS:
                self._others.clear()
            self._others[found.address] = found

    def _find_held(self) -> None:
        """Learn the iterator that a function of the stack holds: who hardly waits is hardly seen waiting."""
        calls = self._calls()
        if calls is None or self._judge.judge(calls.functions)[0] not in _TRAINING:
            return
        for frame in calls.frames():
            held = () if is_between(frame.name, frame.file) else held_iterators(frame)
            if held:
                found = held[0] if len(held) == 1 else self._delivering(held)
                if found is not None:
                    self._use(found)
                    if self._finder is not None:
                        self._judge.use_loop(FrameMark(frozenset({frame.name}), frame.file))
                break

    def _delivering(self, held: tuple[Object, ...]) -> Object | None:
        """Return which of several iterators alone delivered since the last drain, if all looks trained.

        The other is validation's, mostly, which delivers while another function of the stack validates.
        """
        before, now = self._held_counts, {one.address: count_of(delivered_number(one)) for one in held}
        self._held_counts = now
        if not self._phases or not _TRAINING.issuperset(self._phases):
            return None
        grown = [
            one for one in held if (was := before.get(one.address)) is not None and now[one.address] != was
        ]
        return grown[0] if len(grown) == 1 else None

    def _use(self, iterator: Object) -> None:
        self._has_loader = True
        if self._train is None or self._train.address != iterator.address:
            self._train = iterator
            self._number = None
            self._marks_seen.clear()
            self._last_count = self._drained = None
            self._last.restart()

    def _count_again(self, train: Object) -> None:
        """Look whether another batch has been delivered: mostly none has, which two reads tell."""
        if self._number is None or not self._number.is_unchanged:
            self._number = delivered_number(train)
            self._count(count_of(self._number))
        elif self._last.batches is not None:
            self._last.count_stays()

    def _count(self, count: int | None) -> None:
        if count is None:
            self._number = None
            self._train = self._last_count = self._drained = None
            return
        # What is seen first may have been so for long: only a change is of this moment.
        if self._last_count is not None and count != self._last_count:
            self._marks_seen.append((self._seconds(), count))
        self._last_count = count
        if self._last.batches is not None:
            self._last.count(self._seconds(), count)

    def _read_loop(self) -> LoopReading | None:
        """Return the loop's variables and whether it is handing over, as they were at one moment.

        The stack is looked at between two looks at the place in the epoch, which must be the same both times.
        None where there is no loop on the stack, or where that moment was not found: batches then take less
        time than looking.
        """
        names = self._marks.locals
        for _ in range(_TRIES):
            frame = self._loop or self._find_loop()
            if frame is None:
                break
            wanted = self._paths if self._seen_train else (*self._paths, *names.iterator)
            variables = read_variables(frame, wanted)
            handing_over = self._is_handing_over(frame)
            if handing_over is None:
                continue
            self._use_held(variables)
            if frame.still_has(variables.of_place(names)):
                found = read_loop(variables, names, is_handing_over=handing_over)
                return replace(found, batches=self._bar_total) if found.batches is None else found
        return None

    def _find_loop(self) -> Frame | None:
        """Find the frame of the loop, and remember it."""
        calls = self._calls()
        place = None if calls is None else self._judge.loop_place(calls.functions)
        self._loop = None if calls is None or place is None else calls.frames()[place]
        return self._loop

    def _is_handing_over(self, loop: Frame) -> bool | None:
        """Tell whether the loop is being given a batch, or has its last one; None if another is the loop."""
        calls = self._calls()
        place = None if calls is None else self._judge.loop_place(calls.functions)
        if calls is None or place is None:
            self._loop = None
            return None
        frames = calls.frames()
        if not frames[place].is_same_call(loop):
            self._loop = frames[place]
            return None
        below = frames[place - 1] if place else None
        # Validation and checkpoints come after the last batch of an epoch.
        phase, waits = self._judge.judge(calls.functions)
        return waits or phase not in _TRAINING or (below is not None and is_between(below.name, below.file))

    def _use_held(self, variables: LoopVariables) -> None:
        """Learn the iterator of the training's loader from the loop's variables."""
        if not self._seen_train:
            found = as_iterator(variables.first(self._marks.locals.iterator))
            if found is not None:
                self._use(found)
                self._seen_train = True

    def _read_train(self) -> IteratorReading | None:
        if self._train is None:
            return None
        now = self._seconds()
        found = read_iterator(self._train, now, self._read)
        reading, self._number = found or (None, None)
        self._read = reading
        self._count(None if reading is None else reading.delivered)
        if reading is None:
            return None
        marks, self._marks_seen = tuple(self._marks_seen), []
        before, self._drained = self._drained, (now, reading.delivered)
        if before is not None and now > before[0]:
            rate = (reading.delivered - before[1]) / (now - before[0])
            self._is_slow = rate < _COUNT_EACH_LOOK_BELOW_HERTZ
            left = self._last.seconds_left(reading.delivered, rate)
            self._is_last_due = left < _COUNT_BEFORE_END_SECONDS
        return replace(reading, marks=marks) if marks else reading

    def _read_others(self) -> tuple[IteratorReading, ...]:
        """Return what the iterators of validation's loaders have delivered, and their settings."""
        readings = []
        for address, found in tuple(self._others.items()):
            other = read_iterator(found, self._seconds(), self._read_before.get(address), in_full=False)
            if other is None:
                del self._others[address]
            else:
                readings.append(other[0])
        self._read_before = {one.address: one for one in readings}
        return tuple(readings)
