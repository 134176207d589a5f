"""`gpumon doctor`: what can be read here, and what not and why."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gpumon.cli.options import settings_from, shared_options
from gpumon.model.gpu import DriverState
from gpumon.model.measure import Missing
from gpumon.model.report import Report


@click.command("doctor", context_settings={"help_option_names": ["-h", "--help"]})
@shared_options
@click.pass_context
def command(context: click.Context, /, **flags: Any) -> None:
    """Say what gpumon can read on this machine, and what is missing and why.

    Exit code 0: everything; 1: something is missing.
    """
    settings = settings_from(flags)
    from gpumon.monitor.attaching import Wish
    from gpumon.monitor.build import build_monitor

    monitor = build_monitor(settings, Wish(everything=True))
    try:
        monitor.tick()
        time.sleep(settings.interval_seconds)
        report = monitor.tick()
    finally:
        monitor.close()
    found = list(_checks(report))
    for good, text in found:
        click.echo(f"{'ok     ' if good else 'missing'}  {text}")
    context.exit(0 if all(good for good, _ in found) else 1)


def _checks(report: Report) -> Iterator[tuple[bool, str]]:
    sample = report.sample
    driver = sample.driver
    yield driver.state is DriverState.OK, f"NVIDIA driver: {driver.text or driver.driver_version}"
    for gpu in sample.gpus:
        names = [name for name in type(gpu).__dataclass_fields__ if isinstance(getattr(gpu, name), Missing)]
        yield (
            not names,
            f"GPU {gpu.index} {gpu.name}: "
            + ("every field" if not names else "; ".join(f"{n}: {getattr(gpu, n).reason}" for n in names)),
        )
    for name in ("cores", "memory", "disks"):
        value = getattr(sample.host, name)
        yield (
            not isinstance(value, Missing),
            f"{name}: {value.reason if isinstance(value, Missing) else 'read'}",
        )
    pressure = sample.host.pressure.io_some_ratio
    yield (
        not isinstance(pressure, Missing),
        (f"pressure stall information: {pressure.reason if isinstance(pressure, Missing) else 'read'}"),
    )
    yield _yama()
    if os.geteuid() != 0:
        yield False, "not root: wait states of other users' trainings cannot be read"
    for reading in sample.trainings:
        wait = reading.loader.data_wait_ratio
        yield (
            not isinstance(wait, Missing),
            (
                f"training {reading.training.id.pid}: data wait "
                f"{wait.reason if isinstance(wait, Missing) else 'read'}"
            ),
        )
    for error in sample.errors:
        yield False, f"{error.source}: {error.text}"


def _yama() -> tuple[bool, str]:
    """Return what the ptrace rule allows (gpumon looks at system calls of the training's threads)."""
    try:
        scope = Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii").strip()
    except OSError:
        return True, "ptrace: no Yama, processes of the same user can be read"
    return scope == "0" or os.geteuid() == 0, f"ptrace: kernel.yama.ptrace_scope={scope}"
