"""How a training ended, as far as its traces tell."""

from __future__ import annotations

import signal

from gpumon.frameworks.log_lines_state import LogState
from gpumon.frameworks.log_lines_trouble import TroubleKind
from gpumon.frameworks.progress import epochs_done, epochs_set
from gpumon.model.measure import Maybe, Missing
from gpumon.model.training import Ended, Ending, Training
from gpumon.sources.run_dir import FileSeen, RunDirReading

_STOPPED = frozenset({TroubleKind.INTERRUPTED, TroubleKind.KILLED})
# A finished run drops the optimizer from last.pt, which halves it or more; nothing else shrinks it so.
_STRIPPED_RATIO = 0.7


def judge_ending(
    training: Training,
    log: LogState | None,
    run_dir: Maybe[RunDirReading],
    ended_unix_seconds: float,
    *,
    exit_code: int | None = None,
    oom_kills: int = 0,
) -> Ended:
    """Return how a training that is gone ended, with a sentence that says from what this is known.

    `exit_code` is known only of gpumon's own children (negative: the signal); `oom_kills` is how many
    processes the kernel killed for memory in the training's cgroup since the last reading.
    """
    how, text = (
        _by_log(log)
        or _by_exit(exit_code)
        or _by_run_dir(training, log, run_dir)
        or _by_absence(training, log, run_dir, oom_kills)
    )
    return Ended(how, text, ended_unix_seconds)


def _by_log(log: LogState | None) -> tuple[Ending, str] | None:
    if log is None:
        return None
    trouble = log.trouble
    if trouble is not None:
        after = " after its last epoch" if log.is_completed else ""
        if trouble.kind in _STOPPED:
            return Ending.KILLED, f"{trouble.text}{after} (log)"
        return Ending.CRASHED, f"it crashed{after}: {trouble.text} (log)"
    if log.is_completed:
        count = log.epochs_completed
        done = "its epochs are" if count is None else f"{count} epoch{'' if count == 1 else 's'}"
        early = ", stopped early because it no longer improved" if log.stopped_early else ""
        return Ending.FINISHED, f"finished: the log says {done} completed{early}"
    if log.in_traceback:
        return Ending.CRASHED, "it crashed: the log ends in a traceback"
    return None


def _by_exit(exit_code: int | None) -> tuple[Ending, str] | None:
    if exit_code is None:
        return None
    if exit_code == 0:
        return Ending.FINISHED, "finished: it exited with 0"
    if exit_code < 0:
        return Ending.KILLED, f"killed by {_signal_name(-exit_code)}"
    return Ending.CRASHED, f"it crashed: it exited with {exit_code}"


def _by_run_dir(
    training: Training, log: LogState | None, run_dir: Maybe[RunDirReading]
) -> tuple[Ending, str] | None:
    if isinstance(run_dir, Missing):
        return None
    rows, epochs = epochs_done(training, run_dir), _epochs(training, log)
    if rows and epochs is not None and rows >= epochs:
        return Ending.FINISHED, f"finished: results.csv has all {epochs} epochs"
    if log is not None and log.stopped_early:
        return Ending.FINISHED, "finished: the log says it stopped early because it no longer improved"
    before = run_dir.last_size_before_bytes
    if isinstance(run_dir.last, FileSeen) and before and run_dir.last.size_bytes < _STRIPPED_RATIO * before:
        return Ending.FINISHED, "finished: it dropped the optimizer from last.pt, as at the end of a run"
    if (
        isinstance(run_dir.plot, FileSeen)
        and isinstance(run_dir.results, FileSeen)
        and run_dir.plot.unix_seconds >= run_dir.results.unix_seconds
    ):
        return Ending.FINISHED, "finished: it drew results.png, as at the end of a run"
    return None


def _by_absence(
    training: Training, log: LogState | None, run_dir: Maybe[RunDirReading], oom_kills: int
) -> tuple[Ending, str]:
    rows = epochs_done(training, run_dir)
    epochs = _epochs(training, log)
    done = "" if rows is None or epochs is None else f" after {rows} of {epochs} epochs"
    if oom_kills > 0:
        return (
            Ending.KILLED,
            f"killed{done}: the kernel killed {oom_kills} of its processes for lack of memory",
        )
    if log is None:
        reason = "its log cannot be read, so it may have crashed or been killed"
        return Ending.UNKNOWN, f"it is gone{done}; {reason}"
    if log.newest is None:
        return Ending.UNKNOWN, f"it is gone{done}; its log says nothing that gpumon knows"
    return Ending.KILLED, (
        f"killed{done}: the log ends without an error, as after a signal, a closed terminal or the OOM killer"
    )


def _epochs(training: Training, log: LogState | None) -> int | None:
    return log.epochs if log is not None and log.epochs is not None else epochs_set(training)


def _signal_name(number_of_signal: int) -> str:
    try:
        return signal.Signals(number_of_signal).name
    except ValueError:
        return f"signal {number_of_signal}"
