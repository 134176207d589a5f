"""The system, and what the kernel lets this user see of other processes."""

from __future__ import annotations

from collections.abc import Iterator

from gpumon.doctor.check import Check, Remedy, State, Tier
from gpumon.doctor.facts import Facts, Rights
from gpumon.doctor.rights import HOST_PIDS, Need, as_root, remedies

_INSIDE = Remedy("run gpumon inside the container of the training", "docker exec -it CONTAINER gpumon")


def machine_checks(facts: Facts) -> Iterator[Check]:
    """Yield what the machine and the user allow before any training is looked at."""
    system = facts.system
    name = f"{system.name} {system.release} {system.machine}, Python {system.python}"
    if system.is_64_bit_little_endian:
        yield Check("machine.system", Tier.MACHINE, "system", State.OK, name)
    else:
        text = f"{name}: interpreters are read on 64-bit little-endian machines only"
        yield Check("machine.system", Tier.MACHINE, "system", State.LIMITED, text)
    yield _user(facts.rights)
    yield _processes(facts)
    yield _ptrace(facts)


def unusable_system(name: str) -> Check:
    """Return the check of a system on which gpumon reads nothing."""
    text = f"{name}: gpumon reads /proc of Linux"
    helps = Remedy("run gpumon on the Linux machine that trains, through ssh")
    return Check("machine.system", Tier.MACHINE, "system", State.MISSING, text, remedies=(helps,))


def pid_check(problem: str, rights: Rights, pid: int) -> Check:
    """Return the check of a PID that cannot be looked at at all."""
    helps: tuple[Remedy, ...] = (Remedy("let gpumon find the training", "gpumon doctor"),)
    if rights.hidepid and rights.user_id != 0:
        helps = (as_root(rights, pid), _remount())
    elif not rights.is_first_pid_namespace:
        helps = (*helps, HOST_PIDS)
    subject = f"process {pid}"
    return Check("process.exists", Tier.PROCESS, "process", State.MISSING, problem, subject, helps)


def _user(rights: Rights) -> Check:
    if rights.user_id == 0:
        return Check("machine.user", Tier.MACHINE, "user", State.OK, "root")
    text = f"{rights.user}: of other users' trainings only CPU and states are seen"
    return Check("machine.user", Tier.MACHINE, "user", State.NOTE, text)


def _remount() -> Remedy:
    return Remedy("show all processes to all users", "sudo mount -o remount,hidepid=0 /proc")


def _processes(facts: Facts) -> Check:
    """Return whether the trainings of this machine are in sight."""
    rights = facts.rights
    state, text, helps = State.OK, "all in sight", tuple[Remedy, ...]()
    has_training = any(process.reading is not None for process in facts.processes)
    if rights.is_pid_only:
        state, text = State.LIMITED, "/proc is mounted with subset=pid: it hides the machine's own files"
        helps = (Remedy("mount a whole /proc for gpumon", "sudo mount -t proc proc /proc"),)
    elif rights.hidepid:
        state = State.LIMITED
        text = f"/proc is mounted with hidepid={rights.hidepid}: other users' processes are hidden"
        helps = (as_root(rights), _remount())
    elif not rights.is_first_pid_namespace:
        where = (
            f"in a container ({rights.container})" if rights.container else "in a PID namespace of its own"
        )
        text = f"gpumon runs {where} and sees the processes in it only"
        if not has_training:
            state, helps = State.LIMITED, (_INSIDE, HOST_PIDS)
            text += "; no training is among them"
    return Check("machine.processes", Tier.MACHINE, "processes", state, text, remedies=helps)


def _ptrace(facts: Facts) -> Check:
    """Return what the kernel's rule for looking into processes of the same user is."""
    rights = facts.rights
    scope = "no Yama" if rights.yama_scope is None else f"kernel.yama.ptrace_scope is {rights.yama_scope}"
    kinds = {process.interpreter.kind for process in facts.processes}
    if "read" in kinds and "no-permission" not in kinds:
        return Check("machine.ptrace", Tier.MACHINE, "ptrace", State.OK, f"{scope}: allowed")
    if rights.yama_scope and (rights.yama_scope == 3 or not rights.is_ptrace_capable):
        text = f"{scope}: the memory and the system calls of trainings cannot be read"
        helps = remedies(rights, rights.user_id, rights.user, Need.ATTACH)
        return Check("machine.ptrace", Tier.MACHINE, "ptrace", State.LIMITED, text, remedies=helps)
    if rights.is_ptrace_capable:
        return Check(
            "machine.ptrace", Tier.MACHINE, "ptrace", State.OK, f"{scope}: every process may be read"
        )
    if rights.user_id == 0:
        text = f"{scope}, but root has no CAP_SYS_PTRACE here: only processes with no more rights may be read"
        return Check("machine.ptrace", Tier.MACHINE, "ptrace", State.NOTE, text)
    return Check("machine.ptrace", Tier.MACHINE, "ptrace", State.OK, f"{scope}: own processes may be read")
