"""Programs started as `gpumon run` starts them, each read through the source that gpumon uses."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpumon.cli.run import reporting_environment
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.sources.clock import SystemClock
from gpumon.sources.reporter import ReporterSource
from gpumon.sources.reporter_reading import ReporterReading
from tests.sources.children import process_id

PROGRAMS = Path(__file__).parent / "programs"
STAND_IN = Path(__file__).parent / "torch_stand_in"
# Only a failing test waits so long.
_PATIENCE_SECONDS = 300.0
# Variables of the tests' own process that would reach into the program.
_NOT_INHERITED = ("PYTHON", "GPUMON_", "TORCH", "RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_")


def plain_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a shell without the reporter."""
    shell = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    return {**shell, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **(variables or {})}


@dataclass(frozen=True, slots=True)
class Program:
    """A running program that has told something (`told`, JSON), and waits to be let go."""

    process: subprocess.Popen[str]
    told: Any
    source: ReporterSource

    @property
    def id(self) -> ProcessId:
        """The process."""
        return process_id(self.process.pid)

    def read(self) -> Maybe[ReporterReading]:
        """Look at the report now."""
        return self.source.read(SystemClock().now())

    def reading(self) -> ReporterReading:
        """Look at the report, which must be there."""
        reading = self.read()
        assert not isinstance(reading, Missing), reading.reason
        return reading

    def next_line(self) -> Any:
        """Let the program go on, and return what it tells next."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return told(self.process)

    def finish(self) -> int:
        """Let the program end by itself; return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(_PATIENCE_SECONDS)


def told(process: subprocess.Popen[str]) -> Any:
    """Return the next line of JSON that a program writes."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the program ended with {process.wait()} before it told anything"
    return json.loads(line)


@contextlib.contextmanager
def started(
    command: Sequence[str | Path],
    *,
    variables: Mapping[str, str] | None = None,
    is_reported: bool = True,
    cwd: Path | None = None,
) -> Iterator[Program]:
    """Start a program, wait for its first line, and kill it and its children in the end."""
    environment = plain_environment(variables)
    process = subprocess.Popen(
        [str(word) for word in command],
        env=reporting_environment(environment) if is_reported else environment,
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    source: ReporterSource | None = None
    try:
        first = told(process)
        source = ReporterSource(process_id(process.pid))
        yield Program(process, first, source)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        if source is not None:
            source.close()


def at(seconds: float) -> Instant:
    """Return an instant for a source that is asked at made-up times."""
    return Instant(seconds, seconds)
