"""The machine's own figures and the limits of a cgroup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.doctor.check import State
from gpumon.doctor.checks.host import cgroup_checks, host_checks
from gpumon.model.host import CgroupReading, PressureReading
from gpumon.model.measure import Missing
from tests.doctor.scene import FACTS, GIB, PROCESS, by_id, commands

GONE = Missing("/proc/stat does not exist")


def test_a_whole_host_is_fine() -> None:
    """Nothing is wrong where nothing is missing."""
    assert [] == [check for check in host_checks(FACTS) if check.state is not State.OK]


@pytest.mark.parametrize(
    ("name", "field", "state"),
    [
        ("cores", "cores", State.LIMITED),
        ("memory", "memory", State.LIMITED),
        ("disks", "disks", State.NOTE),
        ("physical_cores", "physical_cores", State.NOTE),
        ("load", "load_1_minute", State.NOTE),
    ],
)
def test_what_the_host_does_not_tell(name: str, field: str, state: State) -> None:
    """Cores and memory matter, the rest is told and no more."""
    changes: dict[str, Any] = {field: GONE}
    check = by_id(host_checks(replace(FACTS, host=replace(FACTS.host, **changes))))[f"host.{name}"]

    assert (state, GONE.reason) == (check.state, check.text)


def test_a_kernel_without_pressure_information() -> None:
    """The boot option is named; nothing that matters hangs on it."""
    pressure = PressureReading(io_some_ratio=Missing("this kernel keeps no pressure information"))
    check = by_id(host_checks(replace(FACTS, host=replace(FACTS.host, pressure=pressure))))["host.pressure"]

    assert check.state is State.NOTE
    assert "psi=1" in check.remedies[0].text


def test_the_limits_of_a_cgroup_are_told() -> None:
    """Quota and memory limit are what the advice is bounded by."""
    check = by_id(cgroup_checks(PROCESS, is_container=False))["cgroup.limits"]

    expected = "quota of 4.00 cores, memory limit 16.0 GiB (cgroup v2)"
    assert (State.OK, expected) == (check.state, check.text)


def test_a_cgroup_without_limits_says_so() -> None:
    """No limit is something known, not something missing."""
    free = replace(PROCESS, cgroup=CgroupReading(2, "/", None, 0.0, None, GIB, 0))

    assert by_id(cgroup_checks(free, is_container=False))["cgroup.limits"].text == (
        "no CPU quota, no memory limit (cgroup v2)"
    )


@pytest.mark.parametrize(
    ("is_container", "command"),
    [
        (True, "docker run -v /sys/fs/cgroup:/sys/fs/cgroup:ro ..."),
        (False, "sudo mount -t cgroup2 none /sys/fs/cgroup"),
    ],
)
def test_a_cgroup_that_cannot_be_seen(is_container: bool, command: str) -> None:
    """In a container it is mounted from outside."""
    hidden = replace(PROCESS, cgroup=Missing("its cgroup hierarchy is not mounted here"))
    check = by_id(cgroup_checks(hidden, is_container=is_container))["cgroup.limits"]

    assert (State.LIMITED, command) == (check.state, commands(check)[0])


def test_kills_that_are_not_counted_are_a_note() -> None:
    """Old kernels do not count them."""
    cgroup = CgroupReading(1, "/", None, 0.0, None, GIB, Missing("this kernel does not count kills"))

    found = by_id(cgroup_checks(replace(PROCESS, cgroup=cgroup), is_container=False))
    assert found["cgroup.kills"].state is State.NOTE
