"""Why a process is closed to gpumon, and the exact command that opens it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.doctor.facts import Rights
from gpumon.doctor.rights import Need, remedies, why_refused
from tests.doctor.scene import ANN, ANN_RIGHTS, BEN, ROOT, ROOT_RIGHTS

SUDO = 'sudo "$(command -v gpumon)" 7'
RUN = "gpumon run -- python train.py ..."
UNTIL_BOOT = "sudo sysctl kernel.yama.ptrace_scope=0"
CAPABILITY = "docker run --cap-add SYS_PTRACE ..."
IN_CONTAINER = replace(ANN_RIGHTS, container="docker")
WEAK_ROOT = Rights(ROOT, "root", container="docker")


def _commands(rights: Rights, owner: int, name: str, need: Need) -> list[str]:
    return [remedy.command for remedy in remedies(rights, owner, name, need, 7)]


def test_a_process_of_another_user() -> None:
    """Its user or root may look; both commands are there."""
    assert why_refused(ANN_RIGHTS, BEN, "ben", Need.READ) == "belongs to user ben, gpumon runs as ann"
    assert _commands(ANN_RIGHTS, BEN, "ben", Need.READ) == ['sudo -u ben "$(command -v gpumon)" 7', SUDO]


def test_a_process_of_root() -> None:
    """Only root may look, so no other user is offered."""
    assert _commands(ANN_RIGHTS, ROOT, "root", Need.READ) == [SUDO]


def test_a_user_without_a_name() -> None:
    """Sudo takes a number with a #, and quoted, for a shell."""
    assert _commands(ANN_RIGHTS, 5000, "5000", Need.READ)[0].startswith("sudo -u '#5000' ")


def test_a_user_of_a_strange_name_is_quoted() -> None:
    """A name from a user database never becomes shell."""
    assert _commands(ANN_RIGHTS, BEN, "$(reboot)", Need.READ)[0].startswith("sudo -u '$(reboot)' ")


def test_yama_1_and_2_are_named_with_their_sysctl() -> None:
    """Root, the sysctl until the next boot, for good, and the reporter as the way without rights."""
    for scope in (1, 2):
        rights = replace(ANN_RIGHTS, yama_scope=scope)
        found = _commands(rights, ANN, "ann", Need.ATTACH)

        assert why_refused(rights, ANN, "ann", Need.ATTACH) == f"kernel.yama.ptrace_scope is {scope}"
        assert [SUDO, UNTIL_BOOT, RUN] == [found[0], found[1], found[-1]]
        assert "/etc/sysctl.d/" in found[2]


def test_yama_does_not_hide_what_reading_shows() -> None:
    """Files that need no tracing are closed for another reason: the process protects itself."""
    rights = replace(ANN_RIGHTS, yama_scope=1)

    assert why_refused(rights, ANN, "ann", Need.READ) == "the kernel protects this process from its own user"
    assert _commands(rights, ANN, "ann", Need.READ) == [SUDO]


def test_under_yama_another_user_is_no_remedy() -> None:
    """That user may not look into the memory either: root alone is offered."""
    rights = replace(ANN_RIGHTS, yama_scope=1)

    assert _commands(rights, BEN, "ben", Need.ATTACH) == [SUDO]


@pytest.mark.parametrize("rights", [replace(ANN_RIGHTS, yama_scope=3), replace(ROOT_RIGHTS, yama_scope=3)])
@pytest.mark.parametrize("owner", [ANN, BEN])
def test_yama_3_needs_a_reboot_whoever_asks(rights: Rights, owner: int) -> None:
    """Scope 3 cannot be lowered while the machine runs, so neither sudo nor sysctl is offered."""
    found = _commands(rights, owner, "ben", Need.ATTACH)

    assert [True, RUN] == [found[0].startswith("grep -rn ptrace_scope /etc/sysctl"), found[1]]
    assert len(found) == 2


def test_yama_3_is_told_to_root_too() -> None:
    """Not even the capability helps."""
    rights = replace(ROOT_RIGHTS, yama_scope=3)

    assert why_refused(rights, ANN, "ann", Need.ATTACH).startswith("kernel.yama.ptrace_scope is 3: nobody")


def test_yama_in_a_container_is_set_on_the_host() -> None:
    """A container cannot set the sysctl: it is given the capability, or the host sets it."""
    found = remedies(replace(IN_CONTAINER, yama_scope=1), ANN, "ann", Need.ATTACH, 7)

    assert [CAPABILITY, UNTIL_BOOT] == [found[0].command, found[1].command]
    assert found[1].text.startswith("on the host, ")


@pytest.mark.parametrize("need", list(Need))
def test_root_of_a_container_without_the_capability(need: Need) -> None:
    """Docker takes SYS_PTRACE away from root: the flag gives it back."""
    assert why_refused(WEAK_ROOT, BEN, "ben", need) == "root lacks the capability SYS_PTRACE here"
    assert _commands(WEAK_ROOT, ROOT, "root", need)[0] == CAPABILITY


@pytest.mark.parametrize("need", list(Need))
def test_root_without_the_capability_may_be_the_owner(need: Need) -> None:
    """The process's own user needs no capability: root becomes that user before all else."""
    assert _commands(WEAK_ROOT, BEN, "ben", need)[:2] == ['sudo -u ben "$(command -v gpumon)" 7', CAPABILITY]


def test_root_outside_of_a_container_is_not_told_of_docker() -> None:
    """A service or a sandbox took the capability: a root shell elsewhere has it."""
    (first, *_) = remedies(replace(WEAK_ROOT, container=""), ROOT, "root", Need.ATTACH, 7)

    assert ("", True) == (first.command, "root shell with the capability SYS_PTRACE" in first.text)


def test_a_user_in_a_container_becomes_its_root() -> None:
    """There may be no sudo in it: docker exec does the same."""
    assert _commands(IN_CONTAINER, ROOT, "root", Need.READ) == ["docker exec -it -u 0 CONTAINER gpumon 7"]


def test_a_refusal_that_no_right_explains() -> None:
    """With every right something else refuses, and the kernel's log may tell what."""
    assert "security module" in why_refused(ROOT_RIGHTS, BEN, "ben", Need.ATTACH)
    assert _commands(ROOT_RIGHTS, BEN, "ben", Need.READ)[0].startswith("sudo dmesg")
