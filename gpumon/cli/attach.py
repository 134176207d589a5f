"""`gpumon` and `gpumon PID`: the dashboard on a running training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gpumon.cli.alerts import alert_options, check_alerts
from gpumon.cli.headless import has_screen
from gpumon.cli.live import run_live
from gpumon.cli.options import chosen_from, pid_argument, shared_options
from gpumon.cli.recorded import record_option


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
    chosen = chosen_from(dict(flags))
    settings = chosen.settings
    check_alerts(settings)
    if not has_screen():
        if record is not None:
            raise click.UsageError("--record stands beside a dashboard; without a terminal use gpumon record")
        if flags.get("on_finding") is not None:
            raise click.UsageError("--on-finding needs a dashboard; without a terminal use gpumon record")
        # Plain lines where there is no terminal: what a pipe or a log can use.
        from gpumon.cli.snapshot import take

        context.exit(take(settings, pid, as_json=False))
    from gpumon.monitor.build import process_exists

    if pid is not None and not process_exists(pid):
        click.echo(f"gpumon: there is no process {pid}", err=True)
        context.exit(1)
    context.exit(run_live(chosen, pid, record))
