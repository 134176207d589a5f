"""`gpumon watch`: findings as they begin, one line each, without a screen."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from gpumon.cli.advise import WARNING_FOUND
from gpumon.cli.alerts import AlertLines, alert_options, check_alerts, watched
from gpumon.cli.headless import ending_in_order, is_over, wait_and_write
from gpumon.cli.options import pid_argument, settings_from, shared_options
from gpumon.cli.runs_kept import kept_runs
from gpumon.settings import Settings

if TYPE_CHECKING:
    from gpumon.monitor.onsets import Alert


@click.command("watch", context_settings={"help_option_names": ["-h", "--help"]})
@pid_argument
@click.option("--json", "as_json", is_flag=True, help="Print each finding as one line of JSON.")
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0.0), metavar="SECONDS", help="End after that long."
)
@alert_options
@shared_options
@click.pass_context
def command(
    context: click.Context, /, pid: int | None, as_json: bool, seconds: float | None, **flags: Any
) -> None:
    """Print each finding of severity warning or above as it begins, without a screen.

    With PID until that training ends, else of everything that runs until Ctrl-C. Exit code 0: nothing was
    found; 3: something was; 1: there is no process PID. Muted findings do not count.
    """
    settings = settings_from(flags)
    check_alerts(settings)
    context.exit(watch(settings, pid, seconds, as_json=as_json))


def watch(settings: Settings, pid: int | None, seconds: float | None, *, as_json: bool) -> int:
    """Watch until the end; return the exit code."""
    from gpumon.monitor.attaching import Wish
    from gpumon.monitor.build import build_monitor, process_exists

    if pid is not None and not process_exists(pid):
        click.echo(f"gpumon: there is no process {pid}", err=True)
        return 1
    over = threading.Event()
    monitor = build_monitor(settings, Wish(pid=pid, everything=pid is None))

    def look() -> None:
        if pid is not None and is_over(monitor.report()):
            over.set()

    try:
        with kept_runs(monitor, settings), ending_in_order(over), watched(monitor, settings) as findings:
            lines = AlertLines(findings, settings, sys.stdout, form=_json_line if as_json else None)

            def write() -> None:
                lines.write()
                if lines.is_gone:
                    over.set()

            monitor.subscribe(look)
            monitor.start()
            wait_and_write(over, seconds, write)
    finally:
        monitor.close()
    return WARNING_FOUND if lines.written else 0


def _json_line(alert: Alert) -> str:
    from gpumon.sinks.alert_json import alert_bytes

    return alert_bytes(alert).decode("ascii")
