"""Facts of machines and processes that a test writes down, and a look at the checks made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gpumon.doctor.check import Check
from gpumon.doctor.facts import (
    READ,
    Access,
    Facts,
    InterpreterFacts,
    Look,
    ProcessFacts,
    ReporterFacts,
    Rights,
    System,
    TerminalFacts,
    ThreadFacts,
)
from gpumon.model.gpu import DriverReading, DriverState
from gpumon.model.host import CgroupReading, SharedMemoryReading
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from tests.unit.full_report import FULL_READING, full_report

GIB = 1 << 30
ANN, BEN, ROOT = 1000, 1001, 0
ANN_RIGHTS = Rights(ANN, "ann")
ROOT_RIGHTS = Rights(ROOT, "root", is_ptrace_capable=True)
DENIED = Look(Access.DENIED, "no permission")
NOT_STARTED = Missing("it was not started by `gpumon run`")
SYSTEM = System(
    "Linux", "6.8.0", "x86_64", "3.11.7", nvidia_gpus=1, nvidia_module="550.54", py_spy="py-spy 0.4.3"
)
TERMINAL = TerminalFacts(is_terminal=True, columns=120, rows=36, term="xterm-256color")
READING = replace(FULL_READING, training=replace(FULL_READING.training, notes=()))
PROCESS = ProcessFacts(
    id=ProcessId(41234, 5000),
    name="python",
    user_id=ANN,
    user="ann",
    log="/home/ann/train.log",
    shm=SharedMemoryReading(8 * GIB, 6 * GIB),
    cgroup=CgroupReading(2, "/user.slice", 4.0, 0.0, 16 * GIB, 9 * GIB, 0),
    threads=ThreadFacts(5, READ, Look(Access.READ, "futex_do_wait"), READ),
    interpreter=InterpreterFacts("read", "", "CPython 3.11", 5, 12),
    reporter=ReporterFacts(NOT_STARTED, is_started_by_run=False, age_seconds=600.0),
    reading=READING,
)
_SAMPLE = full_report().sample
GPU = _SAMPLE.gpus[0]
FACTS = Facts(
    rights=ANN_RIGHTS,
    system=SYSTEM,
    terminal=TERMINAL,
    driver=DriverReading(DriverState.OK, "", "550.54", "12.4"),
    gpus=(GPU,),
    host=_SAMPLE.host,
    processes=(PROCESS,),
)


def by_id(checks: Iterable[Check]) -> dict[str, Check]:
    """Return checks by their ids; each id stands for one of them here."""
    found: dict[str, Check] = {}
    for check in checks:
        assert check.id not in found
        found[check.id] = check
    return found


def commands(check: Check) -> list[str]:
    """Return the commands of a check's remedies."""
    return [remedy.command for remedy in check.remedies if remedy.command]
