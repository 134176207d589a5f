"""Everything the checks need, gathered: the system, a short watch, and each process by itself."""

from __future__ import annotations

import os
import sys
import time

from gpumon.doctor.facts import Facts, ProcessFacts, Rights
from gpumon.doctor.gather.process import Identity, identify, read_process
from gpumon.doctor.gather.rights import read_rights
from gpumon.doctor.gather.system import read_system, read_terminal
from gpumon.doctor.gather.watch import watch
from gpumon.model.reading import TrainingReading
from gpumon.model.report import Report
from gpumon.model.sample import SourceError
from gpumon.monitor.attaching import Wish
from gpumon.monitor.build import build_monitor
from gpumon.settings import Settings
from gpumon.sources.clock import SystemClock
from gpumon.sources.proc_file import read_file
from gpumon.sources.process_details import decode

_LONGEST_INTERVAL_SECONDS = 1.0
_MOST_PROCESSES = 8


def gather(settings: Settings, pid: int | None) -> Facts:
    """Look at this machine and at process `pid`, or at the trainings that run. Takes some seconds."""
    rights = read_rights()
    is_terminal = sys.stdout.isatty() and sys.stdin.isatty()
    terminal = read_terminal(settings, sys.stdout, os.environ, is_terminal=is_terminal)
    system = read_system()
    who = None if pid is None else identify(pid)
    problem = "" if pid is None else pid_problem(pid, who, rights)
    if problem:
        return Facts(rights, system, terminal, asked_pid=pid, pid_problem=problem)
    monitor = build_monitor(settings, Wish(pid=pid, everything=pid is None))
    interval = min(settings.interval_seconds, _LONGEST_INTERVAL_SECONDS)
    try:
        report = watch(monitor.tick, lambda: time.sleep(interval))
        processes, notes = _processes(report, who, settings)
    finally:
        monitor.close()
    sample = report.sample
    return Facts(
        rights=rights,
        system=system,
        terminal=terminal,
        driver=sample.driver,
        gpus=sample.gpus,
        host=sample.host,
        processes=processes,
        errors=sample.errors + late_driver(sample.late_sources),
        asked_pid=pid,
        notes=notes,
    )


def late_driver(late_sources: tuple[str, ...]) -> tuple[SourceError, ...]:
    """Return that the driver is slow, if it is: a scan that is late means a busy machine and no more."""
    text = "the driver does not answer in time: what is shown of it is old"
    return (SourceError("nvml", text),) if "nvml" in late_sources else ()


def pid_problem(pid: int, who: Identity | None, rights: Rights, proc_root: str = "/proc") -> str:
    """Say why a PID cannot be looked at at all; an empty text where it can."""
    if who is None:
        if rights.hidepid and _exists(pid):
            return (
                f"process {pid} is hidden from {rights.user}: /proc is mounted with hidepid={rights.hidepid}"
            )
        where = "" if rights.is_first_pid_namespace else " in the container that gpumon runs in"
        return f"there is no process {pid}{where}"
    if who.state in ("Z", "X"):
        return f"process {pid} ({who.name}) has ended; its parent has not taken note yet"
    leader = _leader(pid, proc_root)
    if leader is not None and leader != pid:
        return f"{pid} is a thread of process {leader}: give that number"
    return ""


def _exists(pid: int) -> bool:
    """Tell whether there is a process that /proc does not show: signal 0 is sent to nobody."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _leader(pid: int, proc_root: str) -> int | None:
    data = read_file(f"{proc_root}/{pid}/status", 8192)
    if not isinstance(data, bytes):
        return None
    for line in decode(data).split("\n"):
        name, _, value = line.partition(":")
        if name == "Tgid" and value.strip().isdigit():
            return int(value)
    return None


def _processes(
    report: Report, who: Identity | None, settings: Settings
) -> tuple[tuple[ProcessFacts, ...], tuple[str, ...]]:
    """Return the processes to look at, and what is to be said about their choice."""
    readings = report.sample.trainings[:_MOST_PROCESSES]
    notes: tuple[str, ...] = ()
    if len(report.sample.trainings) > len(readings):
        notes = (f"only the first {_MOST_PROCESSES} of {len(report.sample.trainings)} trainings are shown",)
    if who is not None:
        of = _training_of(who.id.pid, readings)
        if of is None:
            return (_read(who, None, settings),), notes
        if of.training.id.pid != who.id.pid:
            notes = (f"process {who.id.pid} belongs to training {of.training.id.pid}, which is shown",)
        readings = (of,)
    found: list[ProcessFacts] = []
    for reading in readings:
        main = reading.training.id
        one = identify(main.pid)
        if one is None or one.id != main or one.state in ("Z", "X"):
            found.append(
                ProcessFacts(main, reading.training.name, reading.training.user_id, "", is_gone=True)
            )
        else:
            found.append(_read(one, reading, settings))
    return tuple(found), notes


def _training_of(pid: int, readings: tuple[TrainingReading, ...]) -> TrainingReading | None:
    for reading in readings:
        if pid == reading.training.id.pid or pid in reading.training.pids():
            return reading
    return None


def _read(who: Identity, reading: TrainingReading | None, settings: Settings) -> ProcessFacts:
    return read_process(who, SystemClock().now(), reading=reading, interpreter=settings.interpreter)
