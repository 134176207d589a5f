"""PIDs of the driver and PIDs of ours."""

from __future__ import annotations

from pathlib import Path

from gpumon.sources.nvml_pids import NamespacePids
from tests.nvml_stand_in.stage import FixedClock


def process(proc: Path, pid: int, nspid: str) -> None:
    """Write the little of a /proc/PID that is read."""
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "status").write_text(f"Name:\tpython\nPid:\t{pid}\nNSpid:\t{nspid}\nVmRSS:\t1 kB\n")


def test_a_process_that_is_here_is_meant(tmp_path: Path) -> None:
    """Its number is ours already."""
    process(tmp_path, 41234, "41234")
    assert NamespacePids(FixedClock(), tmp_path)(41234) == 41234


def test_a_number_of_a_container_is_found_by_nspid(tmp_path: Path) -> None:
    """Seen from the host: the container's 324 is our 41234."""
    process(tmp_path, 41234, "41234\t324")
    process(tmp_path, 50000, "50000")
    assert NamespacePids(FixedClock(), tmp_path)(324) == 41234


def test_a_number_that_two_containers_use_is_nobodys(tmp_path: Path) -> None:
    """Each container has its PID 7: which one is meant cannot be known."""
    process(tmp_path, 41234, "41234\t7")
    process(tmp_path, 51234, "51234\t7")
    assert NamespacePids(FixedClock(), tmp_path)(7) is None


def test_a_number_of_the_host_is_not_seen_from_within(tmp_path: Path) -> None:
    """In a container NSpid lists our own numbers only."""
    process(tmp_path, 324, "324")
    assert NamespacePids(FixedClock(), tmp_path)(645400) is None


def test_processes_are_scanned_every_thirty_seconds(tmp_path: Path) -> None:
    """For PIDs that are not found: a process that came later is found later."""
    clock = FixedClock()
    pids = NamespacePids(clock, tmp_path)
    before = pids(324)
    process(tmp_path, 41234, "41234\t324")
    clock.seconds = 29
    soon = pids(324)
    clock.seconds = 31
    assert (before, soon, pids(324)) == (None, None, 41234)


def test_a_process_that_ends_meanwhile_does_no_harm(tmp_path: Path) -> None:
    """Its status is gone between the listing and the reading."""
    (tmp_path / "999").mkdir()
    (tmp_path / "self").mkdir()
    assert NamespacePids(FixedClock(), tmp_path)(324) is None
