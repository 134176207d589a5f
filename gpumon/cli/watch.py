"""`gpumon watch`: a line an interval, and findings as they begin and end, without a screen."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gpumon.cli.advise import WARNING_FOUND
from gpumon.cli.alerts import alert_options, check_alerts, watched
from gpumon.cli.headless import NotATraining, ending_in_order, is_over, wait_and_write, writes_unicode
from gpumon.cli.options import Seconds, pid_argument, settings_from, shared_options
from gpumon.cli.runs_kept import kept_runs
from gpumon.cli.streams import forget_reader, tell_unwritten
from gpumon.settings import Settings

if TYPE_CHECKING:
    from gpumon.cli.watch_lines import Form

# Chosen: as long as the blocks that runs are compared by (gpumon.history.tally); a day is 8640 lines.
_EVERY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What is written: intervals of `every_seconds` (None: findings only), as text or JSON lines."""

    every_seconds: float | None
    as_json: bool = False
    full: bool = False


@click.command("watch", context_settings={"help_option_names": ["-h", "--help"]})
@pid_argument
@click.option(
    "--every",
    type=Seconds(min=0.2, max=86400.0),
    default=_EVERY_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Print a line each SECONDS, on all that was seen in them.",
)
@click.option("--findings-only", is_flag=True, help="Print only findings that begin.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as a JSON document (schema 1).")
@click.option("--full", is_flag=True, help="With --json: the whole report, not only its main figures.")
@click.option("--for", "seconds", type=Seconds(min=0.0), metavar="SECONDS", help="End after that long.")
@alert_options
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    pid: int | None,
    every: float,
    findings_only: bool,
    as_json: bool,
    full: bool,
    seconds: float | None,
    **flags: Any,
) -> None:
    """Print a line each ten seconds without a screen, and each finding as it begins and ends.

    A line sums up its interval: epoch, images a second, the share of time waited for data, GPU busy, the
    peak of GPU memory, and the verdict. Findings of severity warning or above are lines of their own. With
    PID until that training ends, else of everything that runs until Ctrl-C. Exit code 0: nothing was
    found; 3: something was; 1: there is no process PID, or stdout could not be written. Muted findings do
    not count.
    """
    settings = settings_from(flags)
    check_alerts(settings)
    if full and not as_json:
        raise click.UsageError("--full is about JSON: it needs --json")
    if full and findings_only:
        raise click.UsageError("--full is about intervals, which --findings-only leaves out")
    if not findings_only and every < settings.interval_seconds:
        interval = f"{settings.interval_seconds:g} s"
        raise click.UsageError(f"--every {every:g} is less than the interval between samples, {interval}")
    shape = Shape(None if findings_only else every, as_json=as_json, full=full)
    context.exit(watch(settings, pid, seconds, shape))


def watch(settings: Settings, pid: int | None, seconds: float | None, shape: Shape) -> int:
    """Watch until the end; return the exit code."""
    from gpumon.cli.watch_lines import WatchLines
    from gpumon.monitor.attaching import Wish
    from gpumon.monitor.build import build_monitor, process_exists

    if pid is not None and not process_exists(pid):
        click.echo(f"gpumon: there is no process {pid}", err=True)
        return 1
    over = threading.Event()
    monitor = build_monitor(settings, Wish(pid=pid, everything=pid is None))
    absent = NotATraining(pid, process_exists)

    def look() -> None:
        if pid is not None and is_over(monitor.report()):
            over.set()

    try:
        with kept_runs(monitor, settings), ending_in_order(over), watched(monitor, settings) as findings:
            lines = WatchLines(
                monitor,
                findings,
                settings,
                sys.stdout,
                form=_form(settings, shape),
                every_seconds=shape.every_seconds,
            )

            def write() -> None:
                lines.write()
                if words := absent.words(monitor.report()):
                    click.echo(f"gpumon: {words}", err=True)
                if lines.is_gone or absent.is_gone:
                    over.set()

            # Last: what is told of the end is there before the end is.
            monitor.subscribe(look)
            monitor.start()
            wait_and_write(over, seconds, write)
            if not lines.is_gone:
                lines.finish()
            if lines.is_gone:
                forget_reader(sys.stdout)
    finally:
        monitor.close()
    if lines.failure is not None:
        tell_unwritten(lines.failure)
        return 1
    if absent.is_gone:
        return 1
    return WARNING_FOUND if lines.alerts else 0


def _form(settings: Settings, shape: Shape) -> Form:
    if shape.as_json:
        from gpumon.sinks.watch_json import JsonWatch

        return JsonWatch(full=shape.full)
    from gpumon.sinks.watch_plain import PlainWatch

    unicode = writes_unicode(sys.stdout) and not settings.ascii
    return PlainWatch(unicode=unicode, color=settings.color and sys.stdout.isatty())
