"""The files of one training: its log, folded line by line, and its run directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpumon.frameworks.file_view import ProcessFiles
from gpumon.frameworks.log_lines_state import LogState, adopt_head, advance
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.training import Training
from gpumon.monitor.source_thread import SourceThread
from gpumon.sources.log import LogReading, LogTail
from gpumon.sources.run_dir import RunDirReading, RunDirSource

# About 7 stats where nothing has changed; every 5 s would miss most checkpoints.
_RUN_DIR_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Read:
    log: Maybe[LogReading]
    run_dir: Maybe[RunDirReading]


class TrainingFiles:
    """Reads the files in a thread of their own (they may lie on remote storage) and remembers them.

    `log` is None where the training's stderr is no regular file.
    """

    def __init__(self, training: Training) -> None:
        """Start with what is known of the files; more is taken in by `refresh`."""
        self.log: LogState | None = None
        self.run_dir: Maybe[RunDirReading] = Missing("its run directory is not known")
        self._pid = training.id.pid
        self._has_our_root = _has_our_root(training.id.pid)
        self._thread = SourceThread("files", self._read)
        self._log_tail: LogTail | None = None
        self._run_dir_source: RunDirSource | None = None
        self._run_dir_path = ""
        self._run_dir_due = float("-inf")
        self._run_dir_read: Maybe[RunDirReading] = self.run_dir
        self._taken: _Read | None = None
        self.refresh(training)

    def refresh(self, training: Training) -> None:
        """Follow the log and the run directory as soon as they are known."""
        if self._log_tail is None and isinstance(training.log_path, str):
            self.log = LogState(framework=training.framework)
            self._log_tail = LogTail(self._host_path(training.log_path))
        directory = known(training.command_directory) or "/"
        path = str(Path(directory) / training.run_dir) if isinstance(training.run_dir, str) else ""
        if path and path != self._run_dir_path:
            self._run_dir_path = path
            self._run_dir_source = RunDirSource(self._host_path(path))
            self._run_dir_due = float("-inf")

    def ask(self, now: Instant) -> None:
        """Start reading what is new."""
        self._thread.ask(now)

    def ask_all(self, now: Instant) -> None:
        """Start reading what is new, the run directory too."""
        self._run_dir_due = float("-inf")
        self._thread.ask(now)

    def take(self, now: Instant, patience_seconds: float) -> bool:
        """Take in the newest reading; return whether it was on time."""
        found, on_time = self._thread.newest(patience_seconds)
        if found is None or found is self._taken:
            return on_time
        self._taken = found
        self.run_dir = found.run_dir
        reading = found.log
        if self.log is None or isinstance(reading, Missing):
            return on_time
        # A rotated file goes on with the same run; a new run is told by its own lines.
        self.log = advance(self.log, reading.lines, now.unix_seconds, partial=reading.partial)
        if reading.head:
            self.log = adopt_head(self.log, reading.head, now.unix_seconds)
        return on_time

    @property
    def error(self) -> str:
        """What went wrong in the thread, or an empty text."""
        return self._thread.error

    def close(self) -> None:
        """End the thread and close the files."""
        self._thread.stop()
        if self._log_tail is not None:
            self._log_tail.close()

    def _read(self, now: Instant) -> _Read:
        log: Maybe[LogReading] = Missing("its log is not a file")
        if self._log_tail is not None:
            log = self._log_tail.read(now)
        if self._run_dir_source is not None and now.monotonic_seconds >= self._run_dir_due:
            self._run_dir_due = now.monotonic_seconds + _RUN_DIR_SECONDS
            self._run_dir_read = self._run_dir_source.read(now)
        return _Read(log, self._run_dir_read)

    def _host_path(self, path: str) -> str:
        """Return where a path of the training is for us: its own, unless it has another root."""
        return path if self._has_our_root else ProcessFiles(self._pid).host_path(path)


def _has_our_root(pid: int) -> bool:
    """Tell whether a process has the same root directory as we: then its paths last longer than it."""
    try:
        return Path(f"/proc/{pid}/root").samefile("/")
    except OSError:
        # Closed to us: its paths are the best guess.
        return True
