"""`gpumon demo`: a simulated training, and the dashboard on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from gpumon.cli.alerts import alert_options, check_alerts
from gpumon.cli.candidates import demos
from gpumon.cli.headless import has_screen
from gpumon.cli.live import run_live
from gpumon.cli.options import chosen_from, shared_options
from gpumon.cli.recorded import record_option
from gpumon.demo.scenario import scenarios


@click.command("demo", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scenario", default="starved", required=False, shell_complete=demos)
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
    ends with the dashboard; its files stay where you copied a command for them.
    """
    table = scenarios(len(os.sched_getaffinity(0)))
    if listing:
        for item in table.values():
            click.echo(f"{item.name:<15} {item.summary}")
        return
    if scenario not in table:
        raise click.UsageError(f"there is no scenario {scenario!r}: choose one of {', '.join(table)}")
    chosen = chosen_from(flags)
    settings = chosen.settings
    check_alerts(settings)
    from gpumon.demo.launch import start

    with start(table[scenario]) as demo:
        pid = demo.process.pid
        if no_dashboard:
            click.echo(f"{pid}")
            context.exit(demo.process.wait())
        if not has_screen():
            # Without a terminal the demo shows what a person would read: the advice.
            from gpumon.cli.advise import advise

            click.echo(f"simulated training {scenario}: pid {pid}", err=True)
            context.exit(advise(settings, pid, as_json=False, timeout_seconds=20.0, record=record))

        def keep() -> None:
            demo.keep()
            click.echo(
                f"gpumon: the demo's files stay for that command: rm -r {demo.directory} when it is done",
                err=True,
            )

        code = run_live(chosen, pid, record, keep)
    context.exit(code)
