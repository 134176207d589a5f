"""`gpumon` and `gpumon PID`: the dashboard on a running training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gpumon.cli.alerts import alert_options, check_alerts, watched
from gpumon.cli.options import pid_argument, settings_from, shared_options
from gpumon.cli.recorded import record_option, recorded
from gpumon.cli.runs_kept import kept_runs


@click.command("attach", context_settings={"help_option_names": ["-h", "--help"]})
@pid_argument
@record_option
@alert_options
@shared_options
@click.pass_context
def command(context: click.Context, /, pid: int | None, record: Path | None, **flags: Any) -> None:
    """Open the dashboard on a running training.

    Without PID gpumon finds the training that runs. If there are several, you choose; if there is none,
    gpumon shows the machine and attaches when one starts. Where there is no terminal it prints what
    `gpumon snapshot` prints.
    """
    settings = settings_from(dict(flags))
    check_alerts(settings)
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        if record is not None:
            raise click.UsageError("--record stands beside a dashboard; without a terminal use gpumon record")
        if flags.get("on_finding") is not None:
            raise click.UsageError("--on-finding needs a dashboard; without a terminal use gpumon record")
        # Plain lines where there is no terminal: what a pipe or a log can use.
        from gpumon.cli.snapshot import take

        context.exit(take(settings, pid, as_json=False))
    from gpumon.monitor.attaching import Wish
    from gpumon.monitor.build import build_monitor, process_exists

    if pid is not None and not process_exists(pid):
        click.echo(f"gpumon: there is no process {pid}", err=True)
        context.exit(1)

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
