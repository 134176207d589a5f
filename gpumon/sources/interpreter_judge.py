"""What the functions on a stack say: the phase of a training, and whether it waits for a batch."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.model.training import Phase
from gpumon.remote_python import Code
from gpumon.sources.interpreter_marks import WAITING, FrameMark, FrameMarks

_MOST_KINDS = 20_000
# What a function is, as bits: one that waits for a batch, one with the loop, and from there on the marks of
# phases in their order.
_WAITS = 1
_LOOPS = 2
_FIRST_PHASE = 4


class StackJudge:
    """Judges stacks by the marks of a framework, and remembers what each function is.

    `loops` are the functions with the training loop: those of the marks, until told otherwise.
    """

    def __init__(self, marks: FrameMarks) -> None:
        self.loops = marks.loop
        self._phases = marks.phases
        self._kinds: dict[Code, int] = {}
        # By the bits of all functions together.
        self._judged: dict[int, Phase] = {}

    def use_loop(self, mark: FrameMark) -> None:
        """Take these functions for the loop from now on."""
        self.loops = (mark,)
        self._kinds.clear()

    def judge(self, functions: Sequence[Code]) -> tuple[Phase, bool]:
        """Return the phase that a stack shows, and whether it waits for a batch."""
        seen, kinds = 0, self._kinds
        for function in functions:
            kind = kinds.get(function)
            seen |= self._kind_of(function) if kind is None else kind
        phase = self._judged.get(seen)
        if phase is None:
            phase = self._judged[seen] = self._phase_of(seen)
        return phase, bool(seen & _WAITS)

    def waiting_place(self, functions: Sequence[Code]) -> int | None:
        """Return where in a stack its outermost function is that waits for a batch."""
        return next(
            (place for place in reversed(range(len(functions))) if self._is(functions[place], _WAITS)), None
        )

    def loop_place(self, functions: Sequence[Code]) -> int | None:
        """Return where in a stack the innermost function with the loop is."""
        return next((place for place, function in enumerate(functions) if self._is(function, _LOOPS)), None)

    def _is(self, function: Code, bit: int) -> bool:
        kind = self._kinds.get(function)
        return bool((self._kind_of(function) if kind is None else kind) & bit)

    def _phase_of(self, seen: int) -> Phase:
        for place, mark in enumerate(self._phases):
            if seen & _FIRST_PHASE << place:
                return mark.phase
        return Phase.TRAIN if seen & _LOOPS else Phase.UNKNOWN

    def _kind_of(self, function: Code) -> int:
        """Return what a function is, as bits, and remember it."""
        name, file = function.name, function.file
        kind = _WAITS if WAITING.fits(name, file) else 0
        if any(mark.fits(name, file) for mark in self.loops):
            kind |= _LOOPS
        for place, mark in enumerate(self._phases):
            if mark.frame.fits(name, file):
                kind |= _FIRST_PHASE << place
        if len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        self._kinds[function] = kind
        return kind
