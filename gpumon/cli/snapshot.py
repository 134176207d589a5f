"""`gpumon snapshot`: one look, then exit."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from gpumon.cli.options import pid_argument, settings_from, shared_options
from gpumon.cli.recorded import record_option, recorded
from gpumon.cli.replay import check_replay, replay_options, report_from
from gpumon.model.gpu import DriverState
from gpumon.model.measure import Missing
from gpumon.model.report import Report
from gpumon.settings import Settings


@click.command("snapshot", context_settings={"help_option_names": ["-h", "--help"]})
@pid_argument
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document (schema 1).")
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
    record: Path | None,
    replay: Path | None,
    at: str | None,
    **flags: Any,
) -> None:
    """Take one look at GPUs, host and trainings (all, or that of PID), print it, and exit.

    With --replay it is the last moment of a recording, or that of --at. Exit code 0; 1: nothing could be
    read, or there is no process PID.
    """
    check_replay(replay, at, record)
    settings = settings_from(flags)
    if replay is not None:
        context.exit(write(report_from(replay, at, pid), settings, as_json=as_json))
    context.exit(take(settings, pid, as_json=as_json, record=record))


def take(settings: Settings, pid: int | None, *, as_json: bool, record: Path | None = None) -> int:
    """Print one report, and record what it rests on into `record`; return the exit code."""
    from gpumon.monitor.attaching import Wish
    from gpumon.monitor.build import build_monitor, process_exists

    if pid is not None and not process_exists(pid):
        click.echo(f"gpumon: there is no process {pid}", err=True)
        return 1
    monitor = build_monitor(settings, Wish(pid=pid, everything=pid is None))
    try:
        with recorded(record, monitor, settings):
            # Ratios are differences: two readings, an interval apart.
            monitor.tick()
            time.sleep(settings.interval_seconds)
            report = monitor.tick()
    finally:
        monitor.close()
    if as_json and pid is not None and not report.sample.trainings:
        # The document has no place for it; the plain lines end with it.
        click.echo(f"gpumon: {report.attachment.text}", err=True)
    return write(report, settings, as_json=as_json)


def write(report: Report, settings: Settings, *, as_json: bool) -> int:
    """Print a report of a machine; return the exit code."""
    sink_for(settings, as_json=as_json, machine=True).write(report)
    return 0 if _anything(report) else 1


def sink_for(settings: Settings, *, as_json: bool, machine: bool) -> Any:
    """Return the sink that writes to stdout."""
    if as_json:
        from gpumon.sinks.json import JsonSink

        return JsonSink(sys.stdout)
    from gpumon.sinks.plain import PlainSink

    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return PlainSink(sys.stdout, machine=machine, unicode=encoding == "utf8" and not settings.ascii)


def _anything(report: Report) -> bool:
    """Tell whether anything could be read at all."""
    sample = report.sample
    host = not isinstance(sample.host.memory, Missing) or not isinstance(sample.host.cores, Missing)
    return host or sample.driver.state is DriverState.OK
