"""The examination: all checks over what was gathered, and the verdict on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from gpumon.doctor.check import Check, State, Tier
from gpumon.doctor.checks.gpu import gpu_checks
from gpumon.doctor.checks.host import cgroup_checks, host_checks
from gpumon.doctor.checks.inside import interpreter_checks, py_spy_check, reporter_checks
from gpumon.doctor.checks.loader import loader_checks
from gpumon.doctor.checks.machine import machine_checks, pid_check, unusable_system
from gpumon.doctor.checks.process import gone_check, process_checks, thread_checks
from gpumon.doctor.checks.terminal import terminal_checks
from gpumon.doctor.facts import Facts, ProcessFacts, Rights


class Health(str, Enum):
    """What all checks together say."""

    OK = "ok"
    LIMITED = "limited"
    NOTHING = "nothing"


_SUDO = re.compile(r"\bsudo (?!-u)")
EXIT_CODES = {Health.OK: 0, Health.LIMITED: 1, Health.NOTHING: 2}


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks, and one sentence on them. `pids` are the processes that were looked at."""

    health: Health
    text: str
    checks: tuple[Check, ...]
    pids: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: all that matters can be read; 1: something falls short; 2: nothing can be read."""
        return EXIT_CODES[self.health]


def examine(facts: Facts) -> Examination:
    """Judge what was gathered."""
    pid = facts.asked_pid
    if facts.pid_problem and pid is not None:
        check = pid_check(facts.pid_problem, facts.rights, pid)
        return Examination(Health.NOTHING, facts.pid_problem, (check,))
    gone = tuple(gone_check(process) for process in facts.processes if process.is_gone)
    if gone and pid is not None:
        return Examination(Health.NOTHING, f"process {pid} ended while gpumon looked at it", gone)
    checks = tuple(_as_typed(check, facts.rights) for check in _checks(facts))
    pids = tuple(process.id.pid for process in facts.processes)
    has_driver = any(check.id == "gpu.driver" and not check.is_short for check in checks)
    has_host = any(check.id in ("host.cores", "host.memory") and not check.is_short for check in checks)
    if not (has_driver or has_host or pids):
        return Examination(Health.NOTHING, "neither GPUs nor the machine can be read", checks, pids)
    short = [check for check in checks if check.is_short]
    health = Health.LIMITED if short else Health.OK
    return Examination(health, _verdict(facts, checks, len(short)), checks, pids, facts.notes)


def examine_foreign_system(name: str) -> Examination:
    """Return the examination of a system that is no Linux."""
    check = unusable_system(name)
    return Examination(Health.NOTHING, check.text, (check,))


def _checks(facts: Facts) -> Iterator[Check]:
    yield from machine_checks(facts)
    yield from gpu_checks(facts)
    yield from host_checks(facts)
    for process in facts.processes:
        yield from _of_process(facts, process)
    if not facts.processes:
        yield py_spy_check(facts.system, None)
    yield from terminal_checks(facts.terminal)
    for error in facts.errors:
        yield _error(error.source, error.text)


def _as_typed(check: Check, rights: Rights) -> Check:
    """Return the check with commands as this user types them: root of a machine needs no sudo."""
    if rights.user_id != 0 or rights.container or not check.remedies:
        return check
    helps = (replace(remedy, command=_SUDO.sub("", remedy.command)) for remedy in check.remedies)
    return replace(check, remedies=tuple(helps))


def _of_process(facts: Facts, process: ProcessFacts) -> Iterator[Check]:
    if process.is_gone:
        yield gone_check(process)
        return
    rights = facts.rights
    yield from process_checks(process, rights)
    yield from cgroup_checks(process, is_container=bool(rights.container))
    yield from thread_checks(process, rights)
    yield from interpreter_checks(process, rights, facts.system)
    yield from reporter_checks(process)
    yield from loader_checks(process, rights)


def _error(source: str, text: str) -> Check:
    return Check("machine.source", Tier.MACHINE, source, State.LIMITED, text)


def _verdict(facts: Facts, checks: tuple[Check, ...], short: int) -> str:
    """Return the sentence that stands first."""
    count = len(facts.processes)
    if not count:
        what = "this machine (no training runs now)"
    elif count == 1:
        kind = "training" if facts.processes[0].reading is not None else "process"
        what = f"this machine and {kind} {facts.processes[0].id.pid}"
    else:
        what = f"this machine and {count} trainings"
    if not short:
        return f"all that matters of {what} can be read"
    return (
        f"{short} of {len(checks)} checks of {what} fall short"
        if short > 1
        else (f"1 of {len(checks)} checks of {what} falls short")
    )
