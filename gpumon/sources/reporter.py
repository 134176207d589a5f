"""The reporter inside a training that `gpumon run` started, as a source."""

from __future__ import annotations

import os
import stat

from gpumon.model.clock import Clock, Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.reporter import wire
from gpumon.sources.clock import SystemClock
from gpumon.sources.proc_file import Denied, read_link, read_names, unreadable
from gpumon.sources.process_details import read_environment, read_user
from gpumon.sources.process_scan import nspid
from gpumon.sources.reporter_file import ReportCounts, parse_report
from gpumon.sources.reporter_reading import Look, ReporterReading, compose, kept_looks
from gpumon.sources.reporter_steps import StepsWatch
from gpumon.sources.users import UserNames

# The reporter makes its file before the training's first import: its descriptor is one of the lowest.
_MOST_DESCRIPTORS = 1024
# Python's start, on a slow disk, with a cold cache.
_PATIENCE_SECONDS = 10.0
# A process without the variable gets one only by running another program (`exec`).
_LOOK_AGAIN_SECONDS = 10.0
_TORN_READS = 16
_NS = 1e9
_DELETED = " (deleted)"
_NOT_STARTED_BY_US = Missing("it was not started by `gpumon run`")
_NOT_YET = Missing("its reporter has not answered yet")
_LOST = Missing("its report is gone: it runs another program now, or has closed all its files")
_SILENT = Missing(
    "`gpumon run` started it, but no reporter answers: python -I, -E or -S, or a full /dev/shm?"
)


class ReporterSource:
    """Reads the report of one process, of which it trusts nothing.

    The file has no name any more: it is opened through the process' own descriptor, so it can only speak
    of the process itself, and is there for whoever may look into /proc/PID/fd (its user, and root).
    """

    def __init__(self, process: ProcessId, proc_root: str = "/proc", clock: Clock | None = None) -> None:
        """Prepare to look for the report of `process`; `clock` times each look at it to the microsecond."""
        self._process = process
        self._directory = f"{proc_root}/{process.pid}"
        self._root = proc_root
        self._clock = clock or SystemClock()
        self._users = UserNames()
        self._descriptor = -1
        self._link = ""
        self._identity = (0, 0)
        self._since: float | None = None
        self._absent: Missing | None = None
        self._absent_until = float("-inf")
        self._looks: tuple[Look, ...] = ()
        self._steps = StepsWatch()

    def read(self, now: Instant) -> Maybe[ReporterReading]:
        """Return what the reporter tells, or why there is none; rates are since the previous call."""
        at = now.monotonic_seconds
        self._since = at if self._since is None else self._since
        if self._absent is not None and at < self._absent_until:
            return self._absent
        if self._descriptor < 0 or self._has_moved():
            was_there = self._descriptor >= 0
            self.close()
            refusal = self._open()
            if refusal is not None:
                return self._absent_for_now(_LOST, at) if was_there else self._why_none(refusal, at)
        counts, at_ns = self._counts()
        if isinstance(counts, Missing):
            return counts
        if counts.error:
            return Missing(f"its reporter gave up: {counts.error}")
        self._looks = kept_looks((*self._looks, Look(at_ns, counts)))
        self._steps.see(counts)
        return compose(self._looks, self._steps)

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._looks = ()
        self._steps = StepsWatch()

    def _has_moved(self) -> bool:
        """Tell whether the process lives and its descriptor is another file now: it runs another program."""
        try:
            found = os.stat(self._link)  # noqa: PTH116 - once a second, for good
        except OSError:
            # Of a process that is gone the last report stays readable.
            return os.path.exists(f"{self._directory}/fd/0")  # noqa: PTH110
        return (found.st_dev, found.st_ino) != self._identity

    def _open(self) -> Missing | None:
        """Open the report; return None, or why there is none: None in it means that none was found."""
        names = read_names(f"{self._directory}/fd")
        if isinstance(names, Missing):
            is_denied = isinstance(names, Denied)
            return (
                self._users.denied(read_user(self._directory))
                if is_denied
                else Missing("the process is gone")
            )
        numbers = sorted(int(name) for name in names if name.isascii() and name.isdigit())
        refusal = _NOT_YET
        for number in numbers[:_MOST_DESCRIPTORS]:
            link = f"{self._directory}/fd/{number}"
            target = read_link(link)
            if isinstance(target, Missing) or not _is_report(target):
                continue
            found = self._open_link(link)
            if found is None:
                return None
            refusal = found
        return refusal

    def _open_link(self, link: str) -> Missing | None:
        try:
            # O_NONBLOCK: a FIFO under this name must not block gpumon.
            descriptor = os.open(link, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            return unreadable(error, link)
        self._descriptor, self._link = descriptor, link
        found = os.fstat(descriptor)
        self._identity = (found.st_dev, found.st_ino)
        is_sound = (
            stat.S_ISREG(found.st_mode)
            and found.st_size == wire.FILE_BYTES
            and found.st_uid == read_user(self._directory)
        )
        counts = self._counts()[0] if is_sound else _NOT_YET
        if isinstance(counts, Missing):
            self.close()
            return counts
        inner = nspid(self._process.pid, self._root)
        # A forked child has its parent's file open for a moment.
        if counts.start_ticks != self._process.start_ticks or counts.pid not in (self._process.pid, inner):
            self.close()
            return _NOT_YET
        return None

    def _counts(self) -> tuple[Maybe[ReportCounts], int]:
        """Return the report as it is now, and when that was."""
        for _ in range(_TORN_READS):
            try:
                before = os.pread(self._descriptor, wire.FILE_BYTES, 0)
                content = os.pread(self._descriptor, wire.FILE_BYTES, 0)
                at_ns = int(self._clock.now().monotonic_seconds * _NS)
                after = os.pread(self._descriptor, wire.FILE_BYTES, 0)
            except OSError as error:
                return unreadable(error, self._link), 0
            parsed = parse_report(before, content, after)
            if parsed is not None:
                return parsed, at_ns
        return Missing("its report changed too fast to be read"), 0

    def _why_none(self, refusal: Missing, at: float) -> Missing:
        """Return the reason that the user needs, and remember one that will not change soon."""
        if refusal != _NOT_YET:
            return refusal
        user_id = read_user(self._directory)
        variables = read_environment(self._directory, (wire.VARIABLE,), user_id, self._users)
        if isinstance(variables, Missing):
            return variables
        if not any(value for _, value in variables):
            return self._absent_for_now(_NOT_STARTED_BY_US, at)
        if self._since is not None and at - self._since >= _PATIENCE_SECONDS:
            return self._absent_for_now(_SILENT, at)
        return _NOT_YET

    def _absent_for_now(self, missing: Missing, at: float) -> Missing:
        self._absent, self._absent_until = missing, at + _LOOK_AGAIN_SECONDS
        return missing


def _is_report(target: str) -> bool:
    return target.rpartition("/")[2].startswith(wire.FILE_PREFIX) and target.endswith(_DELETED)
