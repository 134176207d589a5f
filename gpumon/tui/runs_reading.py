"""Reading the list of runs for the screen: bounded, and with a sentence for whatever is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpumon.recording.runs_place import how_it_ended
from gpumon.recording.runs_reach import is_there, why_not_kept
from gpumon.recording.runs_run import Run, RunsError
from gpumon.recording.runs_statistics import summed
from gpumon.recording.runs_words import memory_words, speed_words, wait_words
from gpumon.tui.run_rows import SeenRun

# Some ms each, where they were long.
MOST_RUNS = 100
_NONE = "no runs yet: gpumon keeps one whenever it is attached to a training for 5 s or more"


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """The newest runs, the newest first.

    `trouble` says why there are none, or why no more are added to them.
    """

    runs: tuple[SeenRun, ...] = ()
    trouble: str = ""


def read_runs(path: Path, boot: str) -> FoundRuns:
    """Read the newest runs of a database; takes as long as the disk does, and never raises for the file.

    `boot` is this one, which tells runs that are still running.
    """
    # Loads SQLite: only where it is needed.
    from gpumon.recording.runs import RunsDatabase

    closed = why_not_kept(path)
    if not is_there(path):
        return FoundRuns(trouble=closed or _NONE)
    try:
        database = RunsDatabase(path, readonly=True)
        try:
            runs = tuple(_seen(run, boot) for run in database.runs(MOST_RUNS))
        finally:
            database.close()
    except RunsError as error:
        return FoundRuns(trouble=str(error))
    return FoundRuns(runs, closed or ("" if runs else _NONE))


def _seen(run: Run, boot: str) -> SeenRun:
    # A hundred with all their blocks would be 9 MB; so they are 0.4 MB.
    one = summed(run)
    return SeenRun(one, speed_words(one), wait_words(one), memory_words(one), *how_it_ended(one, boot))
