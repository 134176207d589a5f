"""`gpumon record`: everything a monitor sees, into a file."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import click

from gpumon.cli.alerts import AlertLines, alert_options, check_alerts, watched
from gpumon.cli.headless import NotATraining, ending_in_order, is_over, wait_and_write
from gpumon.cli.options import Seconds, pid_argument, settings_from, shared_options
from gpumon.cli.recorded import start
from gpumon.cli.runs_kept import kept_runs
from gpumon.settings import Settings


@click.command("record", context_settings={"help_option_names": ["-h", "--help"]})
@pid_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write this new file (default gpumon-DATE-TIME.gpumon in the working directory).",
)
@click.option("--for", "seconds", type=Seconds(min=0.0), metavar="SECONDS", help="End after that long.")
@alert_options
@shared_options
@click.pass_context
def command(
    context: click.Context, /, pid: int | None, output: Path | None, seconds: float | None, **flags: Any
) -> None:
    """Record what gpumon sees into one file, without a screen.

    With PID until that training ends, else everything that runs until Ctrl-C. `gpumon replay FILE` opens
    the dashboard on it. Only its owner may read the file. A finding that begins is a line on stderr. Exit
    code 1: it could not be written, or not to the end.
    """
    settings = settings_from(flags)
    check_alerts(settings)
    context.exit(record(settings, pid, output, seconds))


def record(settings: Settings, pid: int | None, path: Path | None, seconds: float | None) -> int:
    """Record until the end, say where it is, and return the exit code."""
    from gpumon.monitor.attaching import Wish
    from gpumon.monitor.build import build_monitor, process_exists

    if pid is not None and not process_exists(pid):
        click.echo(f"gpumon: there is no process {pid}", err=True)
        return 1
    over = threading.Event()
    monitor = build_monitor(settings, Wish(pid=pid, everything=pid is None))
    absent = NotATraining(pid, process_exists)
    try:
        recorder = start(path, monitor, settings)

        def look() -> None:
            if not recorder.state.is_recording or (pid is not None and is_over(monitor.report())):
                over.set()

        with (
            kept_runs(monitor, settings),
            ending_in_order(over),
            watched(monitor, settings) as watch,
        ):
            click.echo(f"gpumon: {recorder.state.text}; Ctrl-C ends it", err=True)
            lines = AlertLines(watch, settings, sys.stderr)
            monitor.subscribe(look)

            def write() -> None:
                lines.write()
                if words := absent.words(monitor.report()):
                    click.echo(f"gpumon: {words}", err=True)
                if absent.is_gone:
                    over.set()

            monitor.start()
            wait_and_write(over, seconds, write)
            recorder.close()
    finally:
        monitor.close()
    click.echo(f"gpumon: {recorder.state.text}", err=True)
    return 1 if recorder.state.has_failed else 0
