"""The search for processes, on this machine and on trees."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessSeen
from gpumon.model.text import is_clean
from gpumon.sources.process_scan import ProcessScanner, is_python, nspid
from tests.sources.children import process_id, python_child
from tests.sources.fake_proc import stat_line, write
from tests.sources.other_user import as_nobody

SLEEP = 'import time; print("ready", flush=True); time.sleep(60)'
KERNEL_THREAD = 0x00200000


def only(seen: tuple[ProcessSeen, ...], pid: int) -> ProcessSeen:
    """Return the one process with that PID."""
    (found,) = [process for process in seen if process.id.pid == pid]
    return found


def test_a_child_is_found_with_its_argv_as_given() -> None:
    """Empty arguments are kept: `--weights ''` is what YOLOv5 trains from scratch with."""
    arguments = ("--weights", "", "--cfg", "a b.yaml", "")
    with python_child(SLEEP, arguments) as child:
        seen = only(ProcessScanner().scan(), child.pid)
        assert seen.command == (sys.executable, "-c", SLEEP, *arguments)
        assert seen.command_is_exact
        assert (seen.id, seen.parent_pid, seen.user_id) == (process_id(child.pid), os.getpid(), os.getuid())
        assert seen.working_directory == str(Path.cwd())
        assert seen.executable == os.path.realpath(sys.executable)
    assert child.pid not in [process.id.pid for process in ProcessScanner().scan()]


def test_hostile_names_and_arguments_are_cleaned() -> None:
    """Escape sequences in comm and argv do not leave the scan, and the command is marked as changed."""
    program = f'open("/proc/self/comm", "w").write("\\x1b[31mX\\x07")\n{SLEEP}'
    with python_child(program, ["\x1b]0;title\x07--name", "\u202eevil", "[bold]"]) as child:
        seen = only(ProcessScanner(wanted=lambda _name, _command: True).scan(), child.pid)
        assert seen.name == "X"
        assert seen.command[3:] == ("--name", "evil", "[bold]")
        assert not seen.command_is_exact
        assert is_clean(seen.name + "".join(seen.command))


def test_only_the_variables_asked_for_are_read() -> None:
    """An environment holds secrets: names are listed, or begin as listed."""
    scanner = ProcessScanner(variables=("GPUMON_VIRTUAL_GPU", "YOLOV5*"))
    program = f"""
import os, sys
if "again" not in sys.argv:
    variables = {{"GPUMON_VIRTUAL_GPU": "a=b", "YOLOV5_CONFIG_DIR": "\\x1b[2J/c", "SECRET": "x"}}
    os.execve(sys.executable, [sys.executable, "-c", sys.argv[1], "again"], variables)
{SLEEP}"""
    with python_child(program, [SLEEP]) as child:
        seen = only(scanner.scan(), child.pid)
        assert not isinstance(seen.environment, Missing)
        assert sorted(seen.environment) == [("GPUMON_VIRTUAL_GPU", "a=b"), ("YOLOV5_CONFIG_DIR", "/c")]


def test_a_process_of_another_user_says_whose_it_is() -> None:
    """What cannot be read is missing with the way to read it; what can be read is there."""
    with python_child(SLEEP) as child, as_nobody():
        pid = child.pid if os.getuid() == 0 else 1
        seen = only(ProcessScanner(wanted=lambda _name, _command: True).scan(), pid)
        expected = Missing("belongs to user root: run gpumon as root")
        assert (seen.working_directory, seen.executable, seen.environment) == (expected,) * 3
        assert seen.command
        assert seen.user_id == 0


def test_a_process_that_runs_another_program_is_read_again() -> None:
    """After exec the PID and the start time are the same, and the command is new."""
    program = f"""
import os, sys
print("ready", flush=True); sys.stdin.readline()
os.execv(sys.executable, [sys.executable, "-c", {SLEEP!r}, "second"])"""
    with python_child(program, ["first"]) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        scanner = ProcessScanner()
        before = only(scanner.scan(), child.pid)
        child.stdin.write("go\n")
        child.stdin.flush()
        assert child.stdout.readline() == "ready\n"
        after = only(scanner.scan(), child.pid)
    assert (before.command[-1], after.command[-1], before.id) == ("first", "second", after.id)


def test_kernel_threads_and_zombies_are_left_out(tmp_path: Path) -> None:
    """Neither can be a training."""
    files = {
        "2/stat": stat_line(2, "kthreadd", flags=KERNEL_THREAD),
        "5/stat": stat_line(5, "python", "Z"),
        "7/stat": stat_line(7),
        "7/cmdline": "python\0train.py\0",
        "self/stat": stat_line(7),
        "meminfo": "",
    }
    scanner = ProcessScanner(write(tmp_path, files))
    seen = scanner.scan()
    assert [process.id.pid for process in seen] == [7]
    assert scanner.scan() == seen
    assert seen[0].working_directory == Missing("the process is gone")


def test_a_broken_tree_gives_no_processes(tmp_path: Path) -> None:
    """Garbage, cut lines and directories in the place of files are no processes, and do not raise."""
    (tmp_path / "3" / "stat").mkdir(parents=True)
    root = write(tmp_path, {"4/stat": "4 (x", "5/stat": "", "6/cmdline": "x", "99999999999999/stat": "x"})
    assert ProcessScanner(root).scan() == ()
    assert ProcessScanner(str(tmp_path / "none")).scan() == ()


def test_a_pid_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    """The start time tells; nothing of the first process is taken for the second."""
    scanner = ProcessScanner(
        write(tmp_path, {"7/stat": stat_line(7, start=1), "7/cmdline": "python\0a.py\0"})
    )
    scanner.scan()
    write(tmp_path, {"7/stat": stat_line(7, start=2), "7/cmdline": "python\0b.py\0"})
    (seen,) = scanner.scan()
    assert (seen.id.start_ticks, seen.command) == (2, ("python", "b.py"))


def test_an_unwanted_process_that_becomes_python_is_seen_within_four_scans(tmp_path: Path) -> None:
    """A shell script that ends in `exec python train.py` may have run for hours before."""
    scanner = ProcessScanner(write(tmp_path, {"7/stat": stat_line(7, "bash"), "7/cmdline": "bash\0"}))
    for _ in range(20):
        scanner.scan()
    write(tmp_path, {"7/stat": stat_line(7, "python"), "7/cmdline": "python\0train.py\0"})
    commands = [scanner.scan()[0].command for _ in range(4)]
    assert commands[-1] == ("python", "train.py")


def test_a_process_on_a_gpu_is_wanted_whatever_its_name(tmp_path: Path) -> None:
    """Its details are read even where it was seen before without them."""
    scanner = ProcessScanner(write(tmp_path, {"7/stat": stat_line(7, "trainer"), "7/cmdline": "trainer\0"}))
    assert scanner.scan()[0].environment == Missing("not read")
    write(tmp_path, {"7/environ": "RANK=3\0HOME=/x\0"})
    assert scanner.scan(also=[7])[0].environment == (("RANK", "3"),)


def test_a_process_in_a_container_has_its_inner_pid(tmp_path: Path) -> None:
    """The last of NSpid, which the log of a container speaks of."""
    files = {"7/stat": stat_line(7), "7/status": "Name:\tx\nUid:\t5\t0\t0\t0\nNSpid:\t7\t12\n"}
    (seen,) = ProcessScanner(write(tmp_path, files)).scan()
    assert (seen.pid_in_container, seen.user_id) == (12, 5)
    assert nspid(7, str(tmp_path)) == 12
    assert nspid(8, str(tmp_path)) is None


def test_python_is_known_by_its_name_its_program_or_its_script() -> None:
    """Console scripts and renamed workers are wanted too."""
    assert is_python("python3.11", ())
    assert is_python("pt_data_worker", ())
    assert is_python("main", ("/opt/env/bin/python", "train.py"))
    assert is_python("x", ("yolo", "detect", "train"))
    assert not is_python("bash", ("bash", "-c", "sleep 1"))
