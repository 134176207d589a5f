"""The database of runs of the soak: a write may fail while the disk is full, and at no other time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from gpumon.history.block import Block
from gpumon.history.tally import BLOCK_SECONDS
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_run import RunAbout, RunProcess, RunsError, RunState

T = TypeVar("T")


class Runs:
    """Opens the database for a keeper; `tell` hears of every failure that no full disk explains.

    `trouble` is what the last write said, as long as no later one succeeded: what the keeper has to say too.
    """

    def __init__(self, is_full: Callable[[], bool], tell: Callable[[str], None]) -> None:
        """Prepare. `is_full` tells from any thread whether the disk is full now."""
        self.trouble = ""
        self._is_full = is_full
        self._tell = tell

    def open(self, path: Path) -> RunsDatabase:
        """Open the database. Raises RunsError."""
        return self._watched(lambda: _Database(path, self))

    def write(self, write: Callable[[], float]) -> float:
        """Write, and remember how it went."""
        written = self._watched(write)
        self.trouble = ""
        return written

    def _watched(self, action: Callable[[], T]) -> T:
        was_full = self._is_full()
        try:
            return action()
        except RunsError as error:
            self.trouble = str(error)
            # It may have got room while it failed.
            if not was_full and not self._is_full():
                self._tell(self.trouble)
            raise


class _Database(RunsDatabase):
    def __init__(self, path: Path, runs: Runs) -> None:
        super().__init__(path)
        self._runs = runs

    def write(
        self,
        process: RunProcess,
        about: RunAbout,
        state: RunState,
        blocks: Sequence[Block],
        block_seconds: float = BLOCK_SECONDS,
        **more: Any,
    ) -> float:
        return self._runs.write(
            lambda: super(_Database, self).write(process, about, state, blocks, block_seconds, **more)
        )
