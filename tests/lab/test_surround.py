"""What is done around a laboratory training: each thing is real, or refused in one clear sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.lab.scenario import Surroundings
from tests.lab.surround import CannotSurroundError, surrounded

MIB = 1 << 20


def said(program: str, around: Surroundings, folder: Path) -> str | None:
    """What a Python program prints in those surroundings; None where they are refused."""
    try:
        with surrounded([sys.executable, "-c", program], around, folder, folder) as words:
            return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except CannotSurroundError as error:
        assert "needs" in str(error)  # noqa: PT017 - either way it is clear
        return None


def test_nothing_around_is_the_command_itself(tmp_path: Path) -> None:
    """No wrapper where none is asked for."""
    with surrounded(["train"], Surroundings(), tmp_path, tmp_path) as words:
        assert words == ["train"]


def test_it_may_be_kept_on_one_core(tmp_path: Path) -> None:
    """By affinity, which every child inherits."""
    program = "import os; print(len(os.sched_getaffinity(0)))"
    assert said(program, Surroundings(cores=1), tmp_path) == "1"


def test_the_wrapper_becomes_the_command(tmp_path: Path) -> None:
    """The PID of what was started is the training's: gpumon is told that one."""
    with surrounded([sys.executable, "-c", "input()"], Surroundings(cores=1), tmp_path, tmp_path) as words:
        process = subprocess.Popen(words, stdin=subprocess.PIPE)
        try:
            seen = psutil.Process(process.pid)
            while psutil.Process(process.pid).cmdline()[:1] == ["taskset"]:
                pass
            assert seen.children() == []
        finally:
            process.communicate(b"\n")
    assert process.returncode == 0


def test_it_may_have_a_small_shared_memory_of_its_own(tmp_path: Path) -> None:
    """A mount in a namespace: nobody else's /dev/shm changes."""
    before = os.statvfs("/dev/shm").f_blocks
    program = "import os; found = os.statvfs('/dev/shm'); print(found.f_frsize * found.f_blocks)"
    found = said(program, Surroundings(shm_bytes=32 * MIB), tmp_path)
    assert found in {str(32 * MIB), None}
    assert os.statvfs("/dev/shm").f_blocks == before


@pytest.mark.parametrize("around", [Surroundings(quota_cores=0.5), Surroundings(memory_bytes=500 * MIB)])
def test_it_may_have_a_cgroup_of_its_own(tmp_path: Path, around: Surroundings) -> None:
    """With a limit, and removed afterwards."""
    found = said("print(open('/proc/self/cgroup').read())", around, tmp_path)
    assert found is None or f"gpumon-lab-{tmp_path.name}" in found
    left = list(Path("/sys/fs/cgroup").glob(f"**/gpumon-lab-{tmp_path.name}"))
    assert left == []


def test_neighbours_burn_while_it_runs_and_end_with_it(tmp_path: Path) -> None:
    """They are children of ours."""
    before = {child.pid for child in psutil.Process().children()}
    with surrounded(["train"], Surroundings(burners=1), tmp_path, tmp_path):
        during = {child.pid for child in psutil.Process().children()} - before
        assert len(during) == 1
    assert not any(psutil.pid_exists(pid) for pid in during)


def test_a_file_to_read_from_is_not_in_the_page_cache_for_nothing(tmp_path: Path) -> None:
    """It is as large as asked for, and real bytes: a file of zeros could be a hole."""
    with surrounded(["train"], Surroundings(storage_bytes=8 * MIB), tmp_path, tmp_path):
        found = tmp_path / "storage.bin"
        assert found.stat().st_size == 8 * MIB
        assert len(set(found.read_bytes()[:4096])) > 100
