"""Reading one process: real ones, and made-up files for what this machine does not have."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpumon.cli.run import reporting_environment
from gpumon.doctor.facts import Access, Look, ProcessFacts, Rights
from gpumon.doctor.gather.facts import pid_problem
from gpumon.doctor.gather.inside import keeping_out, look_inside
from gpumon.doctor.gather.process import identify, look_at_channels, read_process
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.sources.clock import SystemClock
from tests.demo.processes import until
from tests.remote_python.children import until_waiting
from tests.sources.fake_proc import stat_line, write
from tests.sources.other_user import as_nobody

NO_PID = 2**22 + 1
RIGHTS = Rights(1000, "ann")
_WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"


@contextmanager
def _python(*options: str, **environment: str) -> Iterator[int]:
    """Yield the PID of a Python that waits until the block ends."""
    process = subprocess.Popen(
        [sys.executable, *options, "-c", _WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        until_waiting(process.pid)
        yield process.pid
    finally:
        process.communicate(timeout=300)


def _read(pid: int, *, interpreter: bool = True) -> ProcessFacts:
    who = identify(pid)
    assert who is not None
    return read_process(who, SystemClock().now(), reading=None, interpreter=interpreter)


def test_a_process_of_our_own_is_read_whole() -> None:
    """Every file of it is open to us, and its Python is understood."""
    with _python() as pid:
        facts = _read(pid)
    looks = [
        facts.environment,
        facts.directory,
        facts.executable,
        facts.descriptors,
        facts.counters,
        facts.maps,
        facts.root,
    ]

    assert {Access.READ} == {look.access for look in looks}
    assert facts.argv.text.startswith(sys.executable)
    assert (str(Path.cwd()), "read") == (facts.directory.text, facts.interpreter.kind)
    assert facts.interpreter.version == "CPython {}.{}".format(*sys.version_info)
    assert facts.interpreter.threads >= 1


def test_a_process_of_another_user_is_closed() -> None:
    """Each file says that it was refused; states stay in sight."""
    if os.geteuid() != 0:
        target = 1
        facts = _read(target)
    else:
        with _python() as pid, as_nobody():
            facts = _read(pid)

    assert {Access.DENIED} == {facts.environment.access, facts.directory.access, facts.descriptors.access}
    assert facts.interpreter.kind == "no-permission"
    assert facts.threads is not None
    assert (Access.READ, Access.DENIED) == (facts.threads.times.access, facts.threads.wait_channel.access)


def test_memory_is_left_alone_on_request() -> None:
    """Without the interpreter nothing attaches."""

    def attach(pid: int, start: int) -> object:
        raise AssertionError((pid, start))

    found = look_inside(ProcessId(1, 1), allowed=False, attach=attach)  # type: ignore[arg-type]

    assert found.kind == "switched-off"


def test_a_mistake_while_attaching_is_a_fact() -> None:
    """Whatever goes wrong is told, cleaned."""

    def attach(pid: int, start: int) -> object:
        raise ValueError(f"bad {pid} {start}\x1b[31m")

    found = look_inside(ProcessId(7, 8), allowed=True, attach=attach)  # type: ignore[arg-type]

    assert ("failed", "ValueError: bad 7 8") == (found.kind, found.text)


def test_a_process_that_ends_while_it_is_read() -> None:
    """What was read of it is not trusted: the number may be another's by now."""
    with _python() as pid:
        who = identify(pid)
    assert who is not None

    assert read_process(who, SystemClock().now(), reading=None, interpreter=True).is_gone


def test_a_process_started_by_gpumon_run_has_its_reporter() -> None:
    """The reporter answers in a Python that keeps it."""
    with _python(**reporting_environment(os.environ)) as pid:
        facts = _read(pid).reporter

    assert ("reporter", True, ()) == (facts.reading, facts.is_started_by_run, facts.keeping_out)


def test_a_process_that_keeps_the_reporter_out() -> None:
    """With -I nothing of gpumon is in it, and the command line tells why."""
    with _python("-I", **reporting_environment(os.environ)) as pid:
        facts = _read(pid).reporter

    assert isinstance(facts.reading, Missing)
    assert (True, ("-I",)) == (facts.is_started_by_run, facts.keeping_out)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("python train.py -I -E", ()),
        ("python -I train.py", ("-I",)),
        ("python -BE train.py", ("-E",)),
        ("python -u -S -E train.py", ("-S", "-E")),
        ("python -W ignore -I train.py", ("-I",)),
        ("python -Wignore::E train.py", ()),
        ("python -X dev -m yolov5.train -I", ()),
        ("python -Im train", ("-I",)),
        ("python -c pass -E", ()),
        ("python --help-all -I", ()),
        ("python - -I", ()),
        ("python", ()),
        ("", ()),
    ],
)
def test_options_of_python_that_keep_the_reporter_out(words: str, expected: tuple[str, ...]) -> None:
    """Python's own options end where the program begins; -W and -X take a word."""
    assert keeping_out(words.split()) == expected


def _task(root: Path, number: int, state: str, channel: str) -> str:
    write(root, {f"{number}/stat": stat_line(number, state=state), f"{number}/wchan": channel})
    return str(root / str(number))


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ((("R", "0"), ("S", "futex_do_wait")), Look(Access.READ, "futex_do_wait")),
        ((("S", "0"), ("S", "0")), Look(Access.DENIED)),
        ((("R", "0"),), Look(Access.READ, "no thread sleeps now")),
    ],
)
def test_wait_channels_that_are_hidden_are_0(
    tmp_path: Path, tasks: tuple[tuple[str, str], ...], expected: Look
) -> None:
    """A thread that sleeps in nothing is one whose channel may not be known."""
    paths = [_task(tmp_path, number, *task) for number, task in enumerate(tasks, start=1)]

    assert look_at_channels(paths) == expected


def test_where_no_thread_sleeps_another_file_tells_the_right(tmp_path: Path) -> None:
    """A busy process of another user is as closed as one that sleeps."""
    paths = [_task(tmp_path, 1, "R", "0")]

    assert look_at_channels(paths, Look(Access.DENIED, "no permission")) == Look(Access.DENIED)


def test_a_kernel_without_wait_channels(tmp_path: Path) -> None:
    """No file is another thing than no permission."""
    write(tmp_path, {"1/stat": stat_line(1)})

    assert look_at_channels([str(tmp_path / "1")]).access is Access.ABSENT


def test_no_process_is_nobody() -> None:
    """A number without a process has no identity."""
    assert identify(NO_PID) is None
    assert pid_problem(NO_PID, None, RIGHTS) == f"there is no process {NO_PID}"


def test_a_process_hidden_by_the_mount_of_proc() -> None:
    """It exists, for a signal to it is refused or would arrive, and /proc does not show it."""
    rights = Rights(1000, "ann", hidepid="2")
    problem = pid_problem(os.getpid(), None, rights)

    assert problem == f"process {os.getpid()} is hidden from ann: /proc is mounted with hidepid=2"


def test_a_number_of_the_host_in_a_container() -> None:
    """The sentence says which processes are meant."""
    rights = Rights(0, "root", is_first_pid_namespace=False)

    assert pid_problem(NO_PID, None, rights).endswith("in the container that gpumon runs in")


def test_a_zombie_has_ended() -> None:
    """Its number is still taken, and there is nothing to read."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    try:
        assert until(lambda: (who := identify(process.pid)) is not None and who.state == "Z")
        assert "has ended; its parent has not taken note yet" in pid_problem(
            process.pid, identify(process.pid), RIGHTS
        )
    finally:
        process.wait()


def test_the_number_of_a_thread(tmp_path: Path) -> None:
    """Tools show thread ids too: the process is named."""
    root = write(tmp_path, {"8/stat": stat_line(8), "8/status": "Name:\tpython\nTgid:\t7\n"})
    problem = pid_problem(8, identify(8, root), RIGHTS, root)

    assert problem == "8 is a thread of process 7: give that number"
