"""Alerts of the front ends that stay: their options, and what tells of a finding that begins."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from gpumon.settings import NOTIFICATIONS, Settings

if TYPE_CHECKING:
    from gpumon.monitor.feed import Feed
    from gpumon.monitor.finding_watch import FindingWatch
    from gpumon.monitor.onsets import Alert

_MOST_LINES = 100


def alert_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of alerts; they are settings."""
    options = [
        click.option(
            "--bell/--no-bell",
            default=None,
            help="Ring the terminal's bell when a finding of severity warning or above begins (default).",
        ),
        click.option(
            "--notify",
            metavar="KIND",
            help=f"How to ask the terminal for a desktop notification: {', '.join(NOTIFICATIONS)}"
            " (default auto).",
        ),
        click.option(
            "--on-finding",
            metavar="COMMAND",
            help="Run COMMAND, without a shell, when one begins; it gets the finding as JSON on its stdin.",
        ),
        click.option(
            "--mute", metavar="ID,...", help="No alerts of these findings, besides those muted by m."
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def check_alerts(settings: Settings) -> None:
    """Refuse a command that is not there, and ids that no finding has: both would fail only when needed."""
    if settings.on_finding and shutil.which(settings.on_finding_words[0]) is None:
        raise click.UsageError(
            f"the setting on_finding: there is no program {settings.on_finding_words[0]!r}"
        )
    if settings.mute:
        from gpumon.diagnosis.diagnose import RULES

        unknown = sorted(settings.muted_ids - {rule.id for rule in RULES})
        if unknown:
            raise click.UsageError(f"the setting mute: there is no finding {unknown[0]!r}")


@contextmanager
def watched(feed: Feed, settings: Settings) -> Iterator[FindingWatch]:
    """Watch the findings of a live `feed` while the block runs; --on-finding is run for each alert.

    The watch is not started: whoever shows alerts subscribes first.
    """
    from gpumon.cli.kept_home import shuts_out_caller
    from gpumon.monitor.finding_watch import FindingWatch
    from gpumon.monitor.muted import Muted, muted_path

    path = muted_path()
    is_written = not settings.readonly and not shuts_out_caller(path)
    muted = Muted(path, settings.muted_ids, is_written=is_written)
    watch = FindingWatch(feed, muted)
    if not settings.on_finding:
        yield watch
        return
    from gpumon.sinks.on_finding import OnFinding

    command = OnFinding(settings.on_finding_words, watch.tell_trouble)
    watch.subscribe(command.tell)
    try:
        yield watch
    finally:
        command.close()
        while word := watch.take_trouble():
            click.echo(f"gpumon: {word}", err=True)


class AlertLines:
    """Alerts of a watch as lines of `stream`; where it is a terminal it is rung and asked to notify too.

    Alerts come in the monitor's thread, which a terminal that is held (Ctrl-S) must not stop: they are kept
    until `write` is called.
    """

    def __init__(
        self,
        watch: FindingWatch,
        settings: Settings,
        stream: TextIO,
        environ: Mapping[str, str] = os.environ,
        *,
        form: Callable[[Alert], str] | None = None,
    ) -> None:
        """Begin to follow the watch. `form` makes the line of an alert (None: time, severity, text)."""
        self._watch = watch
        self._settings = settings
        self._stream = stream
        self._environ = environ
        self._form = _line if form is None else form
        self.written = 0
        self.is_gone = False
        self._waiting: deque[Alert] = deque(maxlen=_MOST_LINES)
        watch.subscribe(self._waiting.append)
        watch.start()

    def write(self) -> None:
        """Write what came up since the last time; `is_gone` tells that nobody reads it any more."""
        try:
            self._write()
        except (OSError, ValueError):
            self.is_gone = True

    def _write(self) -> None:
        is_terminal = self._stream.isatty()
        while self._waiting:
            alert = self._waiting.popleft()
            self.written += 1
            line = self._form(alert)
            if is_terminal:
                line += loud(alert, self._settings, self._environ)
            self._stream.write(line)
        self._stream.flush()
        while word := self._watch.take_trouble():
            click.echo(f"gpumon: {word}", err=True)


def loud(alert: Alert, settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """Return what a terminal is sent with the line of an alert: notification and bell, as they are wanted."""
    from gpumon.monitor.notification import BELL, notification

    sequence = notification(alert.title, alert.text, settings.notify, environ)
    return sequence + (BELL if settings.bell else "")


def _line(alert: Alert) -> str:
    from gpumon.sinks.watch_plain import alert_line

    return alert_line(alert)
