"""`gpumon advise`: what limits the training, and what to change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gpumon.cli.options import Seconds, pid_argument, settings_from, shared_options
from gpumon.cli.recorded import record_option, recorded
from gpumon.cli.replay import check_replay, replay_options, report_from
from gpumon.cli.runs_kept import kept_runs
from gpumon.cli.snapshot import sink_for
from gpumon.model.finding import Severity
from gpumon.model.report import Attachment, AttachState, Report
from gpumon.settings import Settings

WARNING_FOUND = 3


@click.command("advise", context_settings={"help_option_names": ["-h", "--help"]})
@pid_argument
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document (schema 1).")
@click.option(
    "--timeout",
    type=Seconds(min=1.0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Watch no longer than this, and print what is known by then.",
)
@record_option
@replay_options
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    pid: int | None,
    as_json: bool,
    timeout: float,
    record: Path | None,
    replay: Path | None,
    at: str | None,
    **flags: Any,
) -> None:
    """Say what limits the training (of PID, or all that run) and which settings to use.

    It prints the verdict and all other findings, the numbers behind each and what it costs. It watches until
    the verdict is certain, some seconds as a rule; after --timeout it says what it still waits for. Exit code
    0: nothing is wrong; 3: a finding of severity warning or above; 1: there is no training. With --replay it
    is the last moment of a recording, or that of --at.
    """
    check_replay(replay, at, record)
    settings = settings_from(flags)
    if replay is not None:
        context.exit(write(report_from(replay, at, pid), settings, as_json=as_json))
    context.exit(advise(settings, pid, as_json=as_json, timeout_seconds=timeout, record=record))


def advise(
    settings: Settings,
    pid: int | None,
    *,
    as_json: bool,
    timeout_seconds: float,
    record: Path | None = None,
) -> int:
    """Watch until the verdict is settled or the time is over, print it, return the exit code."""
    from gpumon.monitor.attaching import Wish
    from gpumon.monitor.build import build_monitor, may_become_training, process_exists

    if pid is not None and not process_exists(pid):
        click.echo(f"gpumon: there is no process {pid}", err=True)
        return 1
    monitor = build_monitor(settings, Wish(pid=pid, everything=pid is None))
    wait = Wait(pid, may_become_training)
    deadline = time.monotonic() + timeout_seconds
    try:
        with kept_runs(monitor, settings), recorded(record, monitor, settings):
            if sys.stderr.isatty():
                click.echo(f"gpumon: watching for at most {timeout_seconds:g} s", err=True)
            report = monitor.tick()
            while not wait.is_over(report) and time.monotonic() + settings.interval_seconds <= deadline:
                if words := wait.words(report):
                    click.echo(f"gpumon: {words}; waiting for at most {timeout_seconds:g} s", err=True)
                time.sleep(settings.interval_seconds)
                report = monitor.tick()
    finally:
        monitor.close()
    return write(report, settings, as_json=as_json)


def write(report: Report, settings: Settings, *, as_json: bool) -> int:
    """Print what is advised; return the exit code."""
    if not report.sample.trainings:
        if as_json:
            sink_for(settings, as_json=True, machine=False).write(report)
        click.echo(f"gpumon: {_why_none(report.attachment)}", err=True)
        return 1
    sink_for(settings, as_json=as_json, machine=False).write(report)
    return exit_code(report)


def _why_none(attachment: Attachment) -> str:
    """Return why there is no training to tell of, with the PIDs where one has to be chosen."""
    if attachment.state is not AttachState.CHOOSING:
        return attachment.text
    return f"{attachment.text}, by PID: {', '.join(str(each.id.pid) for each in attachment.candidates)}"


class Wait:
    """Tells when what is said of a training is settled, and what is waited for where there is none.

    A process that was asked for may need a moment until it is known as a training. `may_become` tells whether
    it can still be one.
    """

    def __init__(self, pid: int | None, may_become: Callable[[int], bool]) -> None:
        """Begin; `pid` is the process that was asked for."""
        self._pid = pid
        self._may_become = may_become
        self._has_told = False

    def is_over(self, report: Report) -> bool:
        """Tell whether further samples would not change soon what is said of every training."""
        sample = report.sample
        if not sample.trainings:
            if "scan" in sample.late_sources:
                return False
            if self._pid is None or report.attachment.state is AttachState.CHOOSING:
                return True
            return not self._may_become(self._pid)
        ended = {reading.training.id.pid for reading in sample.trainings if reading.ended is not None}
        return all(training.settled or training.pid in ended for training in report.trainings)

    def words(self, report: Report) -> str:
        """Return what is waited for where the process is no training so far, once; else an empty text."""
        if self._has_told or self._pid is None or report.sample.trainings:
            return ""
        if report.attachment.state is AttachState.SEARCHING:
            # The first scan is not over.
            return ""
        self._has_told = True
        return report.attachment.text


def exit_code(report: Report) -> int:
    """Return 3 where something is at least a warning, else 0."""
    findings = [finding for training in report.trainings for finding in training.findings]
    return WARNING_FOUND if any(finding.severity is not Severity.INFO for finding in findings) else 0
