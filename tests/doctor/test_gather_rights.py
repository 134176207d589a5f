"""Reading what this user may do: capabilities, Yama, the mount of /proc, containers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.doctor.gather.rights import parse_proc_mount, parse_scope, read_rights
from gpumon.sources.users import may_ptrace
from tests.sources.fake_proc import write

MOUNT = b"proc /proc proc rw,nosuid,nodev,noexec,relatime%b 0 0\n"


@pytest.mark.parametrize(
    ("data", "scope"), [(b"1\n", 1), (b"0\n", 0), (b"", None), (b"x\n", None), (b"-1", None)]
)
def test_the_scope_of_yama(data: bytes, scope: int | None) -> None:
    """A number, or no Yama."""
    assert parse_scope(data) == scope


@pytest.mark.parametrize(
    ("status", "capable"),
    [
        (b"Name:\tx\nCapEff:\t000001ffffffffff\n", True),
        (b"CapEff:\t0000000000080000\n", True),
        (b"CapEff:\t00000000a80425fb\n", False),  # Docker's default
        (b"CapPrm:\t000001ffffffffff\n", False),
        (b"", False),
    ],
)
def test_the_capability_to_trace(status: bytes, capable: bool) -> None:
    """Bit 19 of the effective set decides."""
    assert may_ptrace(status) is capable


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (b"", ("", 0, False)),
        (b",hidepid=2", ("2", 0, False)),
        (b",hidepid=invisible,gid=100", ("2", 100, False)),
        (b",hidepid=ptraceable", ("4", 0, False)),
        (b",hidepid=0", ("", 0, False)),
        (b",hidepid=off", ("", 0, False)),
        (b",subset=pid", ("", 0, True)),
    ],
)
def test_what_the_mount_of_proc_hides(options: bytes, expected: tuple[str, int, bool]) -> None:
    """Old and new names of the option, its group, and a /proc of processes only."""
    assert parse_proc_mount(b"sysfs /sys sysfs rw 0 0\n" + MOUNT % options) == expected


def test_the_last_mount_of_proc_counts() -> None:
    """A later mount covers an earlier one."""
    assert parse_proc_mount(MOUNT % b",hidepid=2" + MOUNT % b"") == ("", 0, False)


@given(st.binary(max_size=400))
def test_no_mounts_break_the_parser(data: bytes) -> None:
    """Mounts are made by others."""
    hidepid, group, _ = parse_proc_mount(data + MOUNT % b"," + data)

    assert hidepid in ("", "1", "2", "4")
    assert group >= 0


@given(st.binary(max_size=200))
def test_no_status_breaks_the_parsers(data: bytes) -> None:
    """Garbage gives no rights."""
    assert parse_scope(data) in (None, *range(1000))
    assert may_ptrace(data) in (True, False)


def test_rights_of_a_made_up_machine(tmp_path: Path) -> None:
    """Everything comes from its own file."""
    root = write(
        tmp_path,
        {
            "self/status": "CapEff:\t0000000000000000\n",
            "self/mounts": "proc /proc proc rw,hidepid=2,gid=4294967295 0 0\n",
            "self/cgroup": "0::/kubepods/besteffort/pod1\n",
            "self/ns/pid": "",
            "sys/kernel/yama/ptrace_scope": "1\n",
        },
    )
    rights = read_rights(root, {})

    assert (1, "2", False, False) == (
        rights.yama_scope,
        rights.hidepid,
        rights.is_ptrace_capable,
        rights.is_first_pid_namespace,
    )
    # A file that marks a container, as in the image the tests may run in, comes first.
    assert rights.container == ("docker" if Path("/.dockerenv").exists() else "kubepods")


def test_rights_here() -> None:
    """The user is who runs the tests."""
    assert read_rights().user_id == os.geteuid()
