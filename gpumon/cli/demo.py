"""`gpumon demo`: a simulated training, and the dashboard on it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from gpumon.cli.alerts import alert_options, check_alerts, watched
from gpumon.cli.options import settings_from, shared_options
from gpumon.cli.recorded import record_option, recorded
from gpumon.cli.runs_kept import kept_runs
from gpumon.demo.scenario import scenarios


@click.command("demo", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scenario", default="starved", required=False)
@click.option("--list", "listing", is_flag=True, help="List the scenarios and exit.")
@click.option("--no-dashboard", is_flag=True, help="Print the PID and run the training until Ctrl-C.")
@record_option
@alert_options
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    scenario: str,
    listing: bool,
    no_dashboard: bool,
    record: Path | None,
    **flags: Any,
) -> None:
    """Start a training of gpumon's own on a virtual GPU (simulated) and open the dashboard on it.

    SCENARIO is starved (the default), healthy, oversubscribed, slow-disk or memory-creep. The training
    ends with the dashboard.
    """
    table = scenarios(len(os.sched_getaffinity(0)))
    if listing:
        for item in table.values():
            click.echo(f"{item.name:<15} {item.summary}")
        return
    if scenario not in table:
        raise click.UsageError(f"there is no scenario {scenario!r}: choose one of {', '.join(table)}")
    settings = settings_from(flags)
    check_alerts(settings)
    from gpumon.demo.launch import start

    with start(table[scenario]) as demo:
        pid = demo.process.pid
        if no_dashboard:
            click.echo(f"{pid}")
            context.exit(demo.process.wait())
        if not (sys.stdout.isatty() and sys.stdin.isatty()):
            # Without a terminal the demo shows what a person would read: the advice.
            from gpumon.cli.advise import advise

            click.echo(f"simulated training {scenario}: pid {pid}", err=True)
            context.exit(advise(settings, pid, as_json=False, timeout_seconds=20.0, record=record))
        from gpumon.monitor.attaching import Wish
        from gpumon.monitor.build import build_monitor

        monitor = build_monitor(settings, Wish(pid=pid))
        monitor.start()
        # Imported while the first sample is taken: the first frame is the sooner there.
        from gpumon.sources.clock import SystemClock
        from gpumon.tui.lean_import import OPENSSL, left_out

        with left_out(*OPENSSL):
            from gpumon.tui.run import run_dashboard

        try:
            with (
                kept_runs(monitor, settings),
                recorded(record, monitor, settings) as recorder,
                watched(monitor, settings) as watch,
            ):
                code = run_dashboard(monitor, settings, SystemClock(), recorder=recorder, watch=watch)
        finally:
            monitor.close()
    context.exit(code)
