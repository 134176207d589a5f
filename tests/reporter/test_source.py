"""The source of reports against files that nobody should trust."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.reporter import wire
from gpumon.sources.proc_file import read_names
from gpumon.sources.reporter import ReporterSource
from gpumon.sources.reporter_reading import ReportedCudaMemory, ReporterReading
from tests.reporter.launch import PROGRAMS, STAND_IN, at, started
from tests.reporter.report_bytes import holder, report_bytes
from tests.sources.children import child_in, process_id, python_child
from tests.sources.other_user import NOBODY, as_nobody

_NOT_STARTED_BY_US = Missing("it was not started by `gpumon run`")
_NOT_UNDERSTOOD = Missing("its report could not be understood")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with the name of a report, empty so far."""
    path = tmp_path / f"{wire.FILE_PREFIX}1"
    path.touch(mode=0o600)
    return path


def _read(process: ProcessId) -> object:
    source = ReporterSource(process)
    try:
        return source.read(at(1.0))
    finally:
        source.close()


def test_a_sound_report(file: Path) -> None:
    """The report made by hand is understood, which the tests below break one thing at a time."""
    with holder(file) as process:
        file.write_bytes(report_bytes(process))
        file.unlink()
        reading = _read(process)

    assert isinstance(reading, ReporterReading)
    assert (5, 40, 480, 4) == (
        reading.loaders[0].batches,
        reading.loaders[0].samples,
        reading.loaders[0].image_height,
        reading.optimizer_steps,
    )
    assert isinstance(reading.cuda_memory, ReportedCudaMemory)
    assert (3, 100, 200, 150, 250, 1, 2) == (
        reading.cuda_memory.device,
        reading.cuda_memory.allocated_bytes,
        reading.cuda_memory.reserved_bytes,
        reading.cuda_memory.allocated_peak_bytes,
        reading.cuda_memory.reserved_peak_bytes,
        reading.cuda_memory.retries,
        reading.cuda_memory.out_of_memory_errors,
    )


BROKEN: dict[str, tuple[Callable[[ProcessId], bytes], Missing]] = {
    "empty": (lambda _: b"", _NOT_STARTED_BY_US),
    "short": (lambda process: report_bytes(process)[:-1], _NOT_STARTED_BY_US),
    "long": (lambda process: report_bytes(process) + b"\0", _NOT_STARTED_BY_US),
    "huge": (lambda process: report_bytes(process).ljust(1 << 24, b"\xff"), _NOT_STARTED_BY_US),
    "zeros": (lambda _: bytes(wire.FILE_BYTES), _NOT_UNDERSTOOD),
    "ones": (lambda _: b"\xff" * wire.FILE_BYTES, _NOT_UNDERSTOOD),
    "magic": (lambda process: b"X" + report_bytes(process)[1:], _NOT_UNDERSTOOD),
    "version": (
        lambda process: report_bytes(process, version=2),
        Missing("its reporter is of another version of gpumon"),
    ),
    "pid": (lambda process: report_bytes(ProcessId(1, process.start_ticks)), _NOT_STARTED_BY_US),
    "start": (lambda process: report_bytes(ProcessId(process.pid, 1)), _NOT_STARTED_BY_US),
    "error": (
        lambda process: report_bytes(process, error="OSError: \x1b[2Jfull"),
        Missing("its reporter gave up: OSError: full"),
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_report_is_missing(file: Path, what: str) -> None:
    """A report of another size, format, version or process is no report; an error is told in clean text."""
    content, missing = BROKEN[what]
    with holder(file) as process:
        file.write_bytes(content(process))
        file.unlink()

        assert missing == _read(process)


def test_a_report_with_a_name_is_none(file: Path) -> None:
    """A file that still lies in a directory was made by somebody else."""
    with holder(file) as process:
        file.write_bytes(report_bytes(process))

        assert _NOT_STARTED_BY_US == _read(process)


def test_a_fifo_does_not_block(file: Path) -> None:
    """A FIFO under the name is passed over."""
    file.unlink()
    os.mkfifo(file)
    with holder(file) as process:
        file.unlink()

        assert _NOT_STARTED_BY_US == _read(process)


def test_a_report_cut_short_while_it_is_read(file: Path) -> None:
    """A file that shrinks under gpumon is missing, and gpumon lives."""
    with holder(file) as process:
        file.write_bytes(report_bytes(process))
        with file.open("r+b") as opened:
            file.unlink()
            source = ReporterSource(process)
            first = source.read(at(1.0))
            opened.truncate(100)
            second = source.read(at(2.0))
            source.close()

    assert isinstance(first, ReporterReading)
    assert _NOT_UNDERSTOOD == second


def test_a_report_of_another_user_is_none(file: Path) -> None:
    """A descriptor that another user's process handed over does not speak for this one."""
    with holder(file) as process:
        file.write_bytes(report_bytes(process))
        if os.geteuid() == 0:
            os.chown(file, NOBODY, NOBODY)
            file.unlink()

            assert _NOT_STARTED_BY_US == _read(process)


def test_a_sound_report_is_found_behind_others(tmp_path: Path) -> None:
    """A fork has its parent's report open for a moment beside its own: each is tried."""
    program = (
        "import os, sys; files = [os.open(name, os.O_RDWR) for name in sys.argv[1:]];"
        "print('ready', flush=True); sys.stdin.read()"
    )
    files = [tmp_path / f"{wire.FILE_PREFIX}{number}" for number in range(3)]
    for one in files:
        one.touch()
    with python_child(program, [str(one) for one in files]) as child:
        process = process_id(child.pid)
        contents = (report_bytes(ProcessId(1, 1)), b"", report_bytes(process))
        for one, content in zip(files, contents, strict=True):
            one.write_bytes(content)
            one.unlink()

        assert isinstance(_read(process), ReporterReading)


def test_a_process_without_reporter() -> None:
    """A process that `gpumon run` has not started is told as such."""
    with child_in("nanosleep") as pid:
        assert _NOT_STARTED_BY_US == _read(process_id(pid))


def test_a_process_that_is_gone() -> None:
    """Of a process that never was there is no report."""
    assert Missing("the process is gone") == _read(ProcessId(2**22 + 1, 1))


def test_a_process_of_another_user() -> None:
    """Whose files may not be looked at has its user named, and what helps."""
    with child_in("nanosleep") as pid, as_nobody():
        found = _read(process_id(pid))

    expected = "belongs to user root: run gpumon as root" if os.geteuid() == 0 else _NOT_STARTED_BY_US.reason
    assert Missing(expected) == found


def test_another_program_in_the_same_process() -> None:
    """A process that becomes another program (`exec`) has lost its report, until that program has one."""
    program = (
        "import os, sys; print(1, flush=True); sys.stdin.readline();"
        "os.execv(sys.executable, [sys.executable, '-I', '-c', 'import time; time.sleep(60)'])"
    )
    with started([sys.executable, "-c", program]) as running:
        first = running.source.read(at(1.0))
        assert running.process.stdin is not None
        running.process.stdin.write("\n")
        running.process.stdin.flush()
        # For a moment in the middle of exec there are no arguments at all.
        while Path(f"/proc/{running.process.pid}/cmdline").read_text().split("\0")[1:2] != ["-I"]:
            os.sched_yield()
        second = running.source.read(at(2.0))
        third = running.source.read(at(15.0))

    assert isinstance(first, ReporterReading)
    lost = Missing("its report is gone: it runs another program now, or has closed all its files")
    assert lost == second
    assert isinstance(third, Missing)


def test_no_descriptor_stays_open() -> None:
    """Closing gives the one descriptor back; closing twice is harmless."""
    before = read_names("/proc/self/fd")
    with started(
        [sys.executable, PROGRAMS / "loop.py", "epochs"], variables={"PYTHONPATH": str(STAND_IN)}
    ) as run:
        run.reading()
        run.source.close()
        run.source.close()

    assert before == read_names("/proc/self/fd")
