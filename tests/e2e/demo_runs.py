"""Demos under `gpumon advise`, and the rate that a training's own log shows."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpumon.demo import launch
from gpumon.demo.scenario import Scenario, scenarios
from tests.lab.quiet import until_quiet
from tests.real import truth

ROOT = Path(__file__).parents[2]
# A neighbour on the machine that comes or goes voids a verdict or a promise.
TRIES = 3
_POLL_SECONDS = 0.04
_NOT_INHERITED = "GPUMON_"


@dataclass(frozen=True, slots=True)
class Advice:
    """What `gpumon advise --json PID` printed about one training, and its exit code."""

    code: int
    training: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The id of the first finding, or an empty text."""
        findings = self.training["findings"]
        return str(findings[0]["id"]) if findings else ""

    def suggestion(self, setting: str) -> dict[str, Any] | None:
        """Return the suggestion on a setting, or None."""
        found = [item for item in self.training["suggestions"] if item["setting"] == setting]
        return found[0] if found else None


def scenario(name: str) -> Scenario:
    """Return the demo's scenario of that name, scaled to the cores of this machine."""
    return scenarios(len(os.sched_getaffinity(0)))[name]


def environment() -> dict[str, str]:
    """Return the environment without settings for gpumon itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}


def advise(pid: int, timeout_seconds: float = 20.0) -> Advice:
    """Run `gpumon advise PID --json`; raises AssertionError unless it tells of one training."""
    command = [
        sys.executable,
        "-m",
        "gpumon",
        "advise",
        str(pid),
        "--json",
        "--timeout",
        f"{timeout_seconds}",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout, done.stderr
    (training,) = json.loads(done.stdout)["trainings"]
    return Advice(done.returncode, training)


def advised(demo: Scenario, right: Callable[[Advice], bool]) -> Advice:
    """Start a demo, ask for advice on it, end it; the first right advice of up to three, or the last.

    Programs beside it that take its cores make it another training: a healthy one then really starves.
    """
    advice = None
    for _ in range(TRIES):
        until_quiet()
        with launch.start(demo) as training:
            advice = advise(training.process.pid)
        if right(advice):
            break
    assert advice is not None
    return advice


@contextlib.contextmanager
def shell(command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command by a shell with its output in `log`; its whole process group is ended after."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def images_per_second(log: Path, batch_size: int, seconds: float, timeout_seconds: float = 60.0) -> float:
    """Return the rate over so many seconds of training, from the progress in its log as it grows.

    Validation does not count: within each epoch the time runs from the first progress seen to the last.
    Raises AssertionError when there were not so many seconds of training in time.
    """
    deadline = time.monotonic() + timeout_seconds
    batches, covered = 0, 0.0
    first: tuple[float, truth.Progress] | None = None
    last: tuple[float, truth.Progress] | None = None
    while time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        progress, now = truth.last_progress(log), time.monotonic()
        if progress is None or (last is not None and last[1] == progress):
            continue
        if first is None or last is None or first[1].epoch != progress.epoch:
            if first is not None and last is not None:
                batches += last[1].batch - first[1].batch
                covered += last[0] - first[0]
            first = now, progress
        last = now, progress
        span = covered + last[0] - first[0]
        if span >= seconds:
            return (batches + last[1].batch - first[1].batch) * batch_size / span
    raise AssertionError(f"no {seconds:g} s of training within {timeout_seconds:g} s; the log ends:\n{log}")
