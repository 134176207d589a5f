"""What looks into the ranks of one training: their interpreters, and the reporters inside them."""

from __future__ import annotations

from collections.abc import Callable

from gpumon.frameworks.loader import LoaderSources
from gpumon.frameworks.marks import marks_of
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId, Role
from gpumon.model.training import Training
from gpumon.sources.interpreter import InterpreterSource
from gpumon.sources.interpreter_marks import FrameMarks
from gpumon.sources.interpreter_reading import InterpreterReading
from gpumon.sources.py_spy import PySpySource
from gpumon.sources.reporter import ReporterSource

_SWITCHED_OFF = Missing("switched off: other processes' memory is left alone")
_SIMULATED = Missing("a simulated training has no DataLoader of torch")
# Ranks of one machine; a look at each costs 20 us.
_MOST_RANKS = 16


class RankSources:
    """The sources of each rank's main process, as the training's members come and go."""

    def __init__(self, training: Training, *, interpreter: bool = True) -> None:
        """Prepare; with `interpreter` False no other process' memory is read."""
        self._switched_off = None if interpreter else _SWITCHED_OFF
        if training.simulated:
            self._switched_off = _SIMULATED
        self._interpreters: dict[ProcessId, InterpreterSource] = {}
        self._reporters: dict[ProcessId, ReporterSource] = {}
        self._ranks: dict[int, ProcessId] = {}
        self.follow(training)

    @property
    def interpreters(self) -> tuple[InterpreterSource, ...]:
        """What is to be looked at many times a second."""
        return tuple(self._interpreters.values())

    def follow(self, training: Training) -> bool:
        """Follow the ranks that the training has now; tell whether they are others than before."""
        mains = [member for member in training.members if member.role in (Role.MAIN, Role.RANK)]
        ranks = {member.rank or 0: member.id for member in mains[:_MOST_RANKS]}
        ranks.setdefault(0, training.id)
        if ranks == self._ranks:
            return False
        self._ranks = ranks
        wanted = set(ranks.values())
        for gone in self._reporters.keys() - wanted:
            self._reporters.pop(gone).close()
        for gone in self._interpreters.keys() - wanted:
            self._interpreters.pop(gone).close()
        marks = marks_of(training)
        for process in wanted - self._reporters.keys():
            self._reporters[process] = ReporterSource(process)
            if self._switched_off is None:
                fallback = _py_spy(process, marks)
                self._interpreters[process] = InterpreterSource(process, marks, fallback=fallback)
        return True

    def read(self, now: Instant) -> LoaderSources:
        """Return what each rank shows since the last reading."""
        looks: dict[int, Maybe[InterpreterReading]] = {}
        for rank, process in self._ranks.items():
            source = self._interpreters.get(process)
            looks[rank] = source.drain(now) if source is not None else self._switched_off or _SWITCHED_OFF
        reports = {rank: self._reporters[process].read(now) for rank, process in self._ranks.items()}
        return LoaderSources(looks, reports)

    def close(self) -> None:
        """Let go of all processes; closing twice is harmless."""
        for interpreter in self._interpreters.values():
            interpreter.close()
        for reporter in self._reporters.values():
            reporter.close()
        self._interpreters.clear()
        self._reporters.clear()
        self._ranks.clear()


def _py_spy(process: ProcessId, marks: FrameMarks) -> Callable[[], PySpySource]:
    return lambda: PySpySource(process, marks)
