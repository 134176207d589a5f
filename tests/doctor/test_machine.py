"""The machine, what it hides, and PIDs that cannot be looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.doctor.check import Check, State
from gpumon.doctor.checks.machine import machine_checks, pid_check
from gpumon.doctor.facts import InterpreterFacts, Rights
from tests.doctor.scene import ANN_RIGHTS, FACTS, PROCESS, ROOT_RIGHTS, SYSTEM, by_id, commands

NO_PROCESS = replace(FACTS, processes=())
REFUSED = replace(PROCESS, interpreter=InterpreterFacts("no-permission", "refused"))
REMOUNT = "sudo mount -o remount,hidepid=0 /proc"


def _of(rights: Rights, *, trains: bool = False) -> dict[str, Check]:
    facts = FACTS if trains else NO_PROCESS
    return by_id(machine_checks(replace(facts, rights=rights)))


def test_a_plain_machine_is_fine() -> None:
    """A user at home on an ordinary machine falls short of nothing."""
    assert [] == [check for check in _of(ANN_RIGHTS).values() if check.is_short]


def test_the_system_is_named() -> None:
    """Kernel, architecture and Python are what a bug report needs."""
    assert _of(ANN_RIGHTS)["machine.system"].text == "Linux 6.8.0 x86_64, Python 3.11.7"


def test_a_32_bit_machine_is_limited() -> None:
    """Interpreters are read where pointers are 64 bits wide and little-endian."""
    facts = replace(FACTS, system=replace(SYSTEM, is_64_bit_little_endian=False))

    assert by_id(machine_checks(facts))["machine.system"].state is State.LIMITED


@pytest.mark.parametrize("value", ["1", "2", "4"])
def test_hidepid_hides_other_users(value: str) -> None:
    """The option is named as it stands in the mount, and root or a remount undoes it."""
    check = _of(replace(ANN_RIGHTS, hidepid=value))["machine.processes"]

    assert f"hidepid={value}" in check.text
    assert (State.LIMITED, ['sudo "$(command -v gpumon)"', REMOUNT]) == (check.state, commands(check))


def test_a_proc_of_processes_only() -> None:
    """subset=pid takes the machine's own files away."""
    check = _of(replace(ANN_RIGHTS, is_pid_only=True))["machine.processes"]

    assert (State.LIMITED, ["sudo mount -t proc proc /proc"]) == (check.state, commands(check))


def test_a_container_without_a_training() -> None:
    """The training may run in another container: inside it, or with --pid=host, it is seen."""
    rights = replace(ANN_RIGHTS, container="docker", is_first_pid_namespace=False)
    check = _of(rights)["machine.processes"]

    assert (State.LIMITED, "docker run --pid=host ...") == (check.state, commands(check)[1])


def test_a_container_with_its_training_is_fine() -> None:
    """Where the training is in sight nobody needs the host's processes."""
    rights = replace(ANN_RIGHTS, container="docker", is_first_pid_namespace=False)
    check = _of(rights, trains=True)["machine.processes"]

    assert (State.OK, ()) == (check.state, check.remedies)


@pytest.mark.parametrize(
    ("rights", "state"),
    [
        (replace(ANN_RIGHTS, yama_scope=0), State.OK),
        (replace(ANN_RIGHTS, yama_scope=1), State.LIMITED),
        (replace(ANN_RIGHTS, yama_scope=2), State.LIMITED),
        (replace(ROOT_RIGHTS, yama_scope=2), State.OK),
        (replace(ROOT_RIGHTS, yama_scope=3), State.LIMITED),
        (Rights(0, "root"), State.NOTE),
        (replace(Rights(0, "root"), yama_scope=1), State.LIMITED),
    ],
)
def test_what_yama_means_for_this_user(rights: Rights, state: State) -> None:
    """The setting limits those without the capability, and scope 3 everybody."""
    assert _of(rights)["machine.ptrace"].state is state


def test_a_training_that_can_be_read_proves_the_right() -> None:
    """Yama lets a parent read its children: what was read counts more than the setting."""
    assert _of(replace(ANN_RIGHTS, yama_scope=1), trains=True)["machine.ptrace"].state is State.OK


def test_a_training_that_cannot_be_read_does_not() -> None:
    """With the setting and a refusal the check says so."""
    facts = replace(FACTS, rights=replace(ANN_RIGHTS, yama_scope=1), processes=(REFUSED,))

    assert by_id(machine_checks(facts))["machine.ptrace"].state is State.LIMITED


def test_a_pid_that_is_hidden_is_opened_by_root() -> None:
    """The mount option makes a process look as if it were not there."""
    check = pid_check("process 7 is hidden", replace(ANN_RIGHTS, hidepid="2"), 7)

    assert (State.MISSING, ['sudo "$(command -v gpumon)" 7', REMOUNT]) == (check.state, commands(check))


def test_a_pid_of_the_host_in_a_container() -> None:
    """Numbers of the host mean nothing in a container without --pid=host."""
    check = pid_check("there is no process 7", replace(ANN_RIGHTS, is_first_pid_namespace=False), 7)

    assert commands(check) == ["gpumon doctor", "docker run --pid=host ..."]


def test_a_pid_that_is_not_there() -> None:
    """Without a PID the training is found."""
    assert commands(pid_check("there is no process 7", ANN_RIGHTS, 7)) == ["gpumon doctor"]
