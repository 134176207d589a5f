"""`gpumon doctor`: what can be read here, and what not and why."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpumon.cli.options import settings_from, shared_options
from gpumon.model.gpu import DriverState, GpuReading
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.report import Report
from gpumon.model.training import Training

if TYPE_CHECKING:
    from gpumon.sources.file_system import Mount


@click.command("doctor", context_settings={"help_option_names": ["-h", "--help"]})
@shared_options
@click.pass_context
def command(context: click.Context, /, **flags: Any) -> None:
    """Say what gpumon can read on this machine, what it cannot, and why.

    Exit code 0: everything can be read; 1: something is missing.
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
    if driver.simulated:
        yield False, "NVIDIA driver: none that answers; only the virtual GPU of a simulated training is seen"
    else:
        yield driver.state is DriverState.OK, f"NVIDIA driver: {driver.text or known(driver.driver_version)}"
    for gpu in sample.gpus:
        if not gpu.simulated:
            yield _gpu(gpu)
    for name in ("cores", "memory", "disks"):
        yield _check(name, getattr(sample.host, name))
    yield _check("pressure stall information", sample.host.pressure.io_some_ratio)
    yield _yama()
    if os.geteuid() != 0:
        yield False, "not root: what threads of other users' trainings wait for cannot be read"
    for reading in sample.trainings:
        yield from _places(reading.training)
        yield _check(f"training {reading.training.id.pid}: data wait", reading.loader.data_wait_ratio)
    for error in sample.errors:
        yield False, f"{error.source}: {error.text}"


def _places(training: Training) -> Iterator[tuple[bool, str]]:
    """Yield on which file systems the training's data and run directory lie."""
    from gpumon.frameworks.data_directory import data_directory
    from gpumon.frameworks.file_view import ProcessFiles
    from gpumon.sources.file_system import mounts_of

    pid = training.id.pid
    mounts = mounts_of(pid)
    if isinstance(mounts, Missing):
        yield False, f"training {pid}: file systems: {mounts.reason}"
        return
    for name, path in (
        ("data", data_directory(training, ProcessFiles(pid))),
        ("run directory", training.run_dir),
    ):
        yield _place(f"training {pid}: {name}", path, mounts)


def _place(name: str, path: Maybe[str], mounts: Iterable[Mount]) -> tuple[bool, str]:
    from gpumon.sources.file_system import file_system_of

    found = path if isinstance(path, Missing) else file_system_of(path, mounts)
    if isinstance(found, Missing):
        return False, f"{name}: {found.reason}"
    far = " (remote: every read goes over the network)" if found.is_remote else ""
    return True, f"{name}: {path} on {found.kind}{far}, mounted at {found.mount_point}"


def _check(name: str, value: Any) -> tuple[bool, str]:
    """Return whether a reading could be had, with the reason if not."""
    missing = isinstance(value, Missing)
    return not missing, f"{name}: {value.reason if missing else 'can be read'}"


def _gpu(gpu: GpuReading) -> tuple[bool, str]:
    """Return whether every field of a GPU could be read; what is missing is sorted by reason."""
    missing: dict[str, list[str]] = {}
    for field in fields(gpu):
        value = getattr(gpu, field.name)
        if isinstance(value, Missing):
            missing.setdefault(value.reason, []).append(field.name)
    text = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in missing.items())
    return not missing, f"GPU {gpu.index} {gpu.name}: {text or 'every field read'}"


def _yama() -> tuple[bool, str]:
    """Return what the ptrace rule allows (gpumon looks at system calls of the training's threads)."""
    try:
        scope = Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii").strip()
    except OSError:
        return True, "ptrace: no Yama, processes of the same user can be read"
    rule = f"ptrace: kernel.yama.ptrace_scope={scope}"
    if scope == "0" or os.geteuid() == 0:
        return True, rule
    return False, f"{rule}: what the training's threads wait for can be read by root only"
