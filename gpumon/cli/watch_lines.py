"""The lines of `gpumon watch`: made in the monitor's thread, written in the command's."""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol, TextIO

import click

from gpumon.cli.alerts import loud
from gpumon.settings import Settings

if TYPE_CHECKING:
    from gpumon.monitor.feed import Feed
    from gpumon.monitor.finding_watch import FindingWatch
    from gpumon.monitor.onsets import Alert
    from gpumon.sinks.endings import End, Over
    from gpumon.sinks.interval import Interval

# A reader that does not read (Ctrl-S, a full pipe) stops nothing; what is more than this is left out.
_MOST_WAITING = 1000
# Lines between two heads on a terminal: one is in sight at 24 lines.
_HEAD_ROWS = 20


class Form(Protocol):
    """How a watch is written."""

    def head(self) -> str:
        """Return the names of columns as a line, or nothing."""
        ...

    def alert(self, alert: Alert) -> str:
        """Return the line of a finding that begins."""
        ...

    def ending(self, ending: Over | End) -> str:
        """Return the line of what is over."""
        ...

    def interval(self, interval: Interval) -> Iterator[str]:
        """Yield the lines of an interval."""
        ...


class WatchLines:
    """Writes intervals, findings and endings of a feed to `stream` whenever `write` is called.

    `every_seconds` is the length of an interval; None writes findings that begin, and nothing else.
    """

    def __init__(
        self,
        feed: Feed,
        findings: FindingWatch,
        settings: Settings,
        stream: TextIO,
        *,
        form: Form,
        every_seconds: float | None,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        """Begin to follow."""
        from gpumon.sinks.endings import Endings
        from gpumon.sinks.interval import Intervals

        self._feed = feed
        self._findings = findings
        self._settings = settings
        self._stream = stream
        self._is_terminal = not stream.closed and stream.isatty()
        self._form = form
        self._endings = Endings()
        self._waiting: deque[str] = deque()
        self._left_out = 0
        self._most_waiting = most_waiting
        self._rows = _HEAD_ROWS
        self._lock = threading.Lock()
        self._intervals = None if every_seconds is None else Intervals(every_seconds)
        self._alerts = 0
        self._is_finished = False
        self.is_gone = False
        self.failure: OSError | None = None
        # In the order of time: an interval that is over, what begins with the sample after it, what ends.
        feed.subscribe(self._read_interval)
        findings.subscribe(self._begin)
        findings.start()
        feed.subscribe(self._read_endings)

    @property
    def alerts(self) -> int:
        """How many findings began."""
        return self._alerts

    def write(self) -> None:
        """Write what came up since the last time; `is_gone` tells that nobody reads it any more.

        `failure` is why not, where it is the writing that failed, as on a full disk.
        """
        with self._lock:
            lines = tuple(self._waiting)
            self._waiting.clear()
            left_out, self._left_out = self._left_out, 0
        try:
            for line in lines:
                self._write_head()
                self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            self.is_gone = True
            self.failure = None if error.errno == errno.EPIPE else error
        except ValueError:
            self.is_gone = True
        if left_out:
            click.echo(f"gpumon: {left_out} lines were left out: nobody read them in time", err=True)
        while word := self._findings.take_trouble():
            click.echo(f"gpumon: {word}", err=True)

    def finish(self) -> None:
        """Write what is left, and the interval that is not over yet: what begins later counts no more."""
        with self._lock:
            self._is_finished = True
            open_interval = None if self._intervals is None else self._intervals.open()
            if open_interval is not None:
                self._waiting.extend(self._form.interval(open_interval))
        self.write()

    def _write_head(self) -> None:
        if not self._is_terminal or self._intervals is None:
            return
        if self._rows >= _HEAD_ROWS:
            self._rows = 0
            self._stream.write(self._form.head())
        self._rows += 1

    def _read_interval(self) -> None:
        report = self._feed.report()
        if report is None or self._intervals is None:
            return
        with self._lock:
            interval = self._intervals.read(report)
            if interval is not None:
                self._keep(self._form.interval(interval))

    def _begin(self, alert: Alert) -> None:
        line = self._form.alert(alert)
        if self._is_terminal:
            line += loud(alert, self._settings)
        with self._lock:
            if self._is_finished:
                return
            self._alerts += 1
            self._endings.begin(alert)
            self._keep([line])

    def _read_endings(self) -> None:
        report = self._feed.report()
        if report is None or self._intervals is None:
            return
        with self._lock:
            endings = self._endings.read(report, self._findings.episodes)
            self._keep(self._form.ending(ending) for ending in endings)

    def _keep(self, lines: Iterable[str]) -> None:
        for line in lines:
            if len(self._waiting) < self._most_waiting:
                self._waiting.append(line)
            else:
                self._left_out += 1
