"""A script: makes the library of traces by running every scenario of the laboratory.

usage: python -m tests.lab.make [--list] [--only NAME ...] [--dose DOSE ...] [--again] [--into DIRECTORY]
                                [--minutes M] [--busy] [--together N]

A trace that is in the library already is not made again, so a broken run goes on where it stopped. NAME is
the beginning of a trace's name. Without a quiet machine the doses are not what their names say; the truth
in every trace is what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gpumon
from tests.lab.library import ENDING, TRACES, keep
from tests.lab.looking import RunFailedError
from tests.lab.quiet import until_quiet
from tests.lab.real_run import RealRun, real_runs
from tests.lab.run import Run
from tests.lab.scenario import Machine, Scenario
from tests.lab.scenarios import scenarios
from tests.lab.stage import Stage
from tests.lab.surround import CannotSurroundError
from tests.real.environment import yolov5_environment

_DECODING = (
    "import sys, time, pathlib\n"
    "from tests.lab.jpeg.data import Images; from tests.lab.jpeg.spec import LoaderSpec\n"
    "__import__('cv2').setNumThreads(0); __import__('torch').set_num_threads(1)\n"
    "images = Images(pathlib.Path(sys.argv[1]), 400, 320, LoaderSpec(), None)\n"
    "for index in range(100): images[index]\n"
    "start = time.thread_time()\n"
    "for index in range(300): images[index]\n"
    "print((time.thread_time() - start) / 300)"
)


# Where published rules begin to call a loader slow.
_FED_WAIT = 0.05
# What a quiet machine's own services use is far less; a test run beside it uses a core.
_OTHER_CORES = 0.25
_QUIET_SECONDS = 20.0
AnyRun = Run | RealRun


class Library:
    """What is being made: where, and what has been said about it."""

    def __init__(self, stage: Stage, machine: Machine, directory: Path) -> None:
        """Prepare; nothing runs."""
        self._stage = stage
        self._machine = machine
        self._directory = directory
        self._lock = threading.Lock()
        self._deadline = float("inf")
        self.failed: list[str] = []
        self.bytes = 0

    def until(self, minutes: float) -> None:
        """Start no run after so many minutes."""
        self._deadline = time.monotonic() + 60 * minutes

    def make(self, run: AnyRun) -> None:
        """Run one dose and keep its recording; what goes wrong is told and remembered."""
        if time.monotonic() > self._deadline:
            return
        if run.scenario.alone:
            until_quiet(_QUIET_SECONDS)
        start = time.monotonic()
        recording = self._stage.home / f"{run.name}.gpumon"
        recording.unlink(missing_ok=True)
        try:
            truth = run.record(recording)
        except CannotSurroundError as error:
            self._fail(f"{run.name}: skipped here: {error}")
            return
        except (RunFailedError, OSError) as error:
            self._fail(f"{run.name}: failed: {error}")
            return
        others = truth["other_cores"] - run.dose.around.burners
        if run.scenario.alone and not run.scenario.short_lived and others > _OTHER_CORES:
            self._fail(f"{run.name}: not kept, other programs used {others:.2f} cores: try again")
            return
        waited = truth.get("data_wait_ratio", 0.0)
        if run.scenario.is_fed and waited > _FED_WAIT:
            self._fail(f"{run.name}: not kept, it waited {waited:.0%} for data: is the machine quiet?")
            return
        with self._lock:
            size = keep(recording, run.name, self._provenance(run, truth), self._directory)
            self.bytes += size
        recording.unlink()
        rate = truth.get("images_per_second")
        print(
            f"{run.name}: wait {waited}, {rate} images/s, {size >> 10} KiB, {time.monotonic() - start:.0f} s",
            flush=True,
        )

    def _fail(self, text: str) -> None:
        self.failed.append(text)
        print(text, flush=True)

    def _provenance(self, run: AnyRun, truth: dict[str, Any]) -> dict[str, Any]:
        return {
            "set": run.scenario.set_of(run.dose),
            "scenario": run.scenario.name,
            "dose": run.dose.name,
            "labels": truth["labels"],
            "proof": run.scenario.proof.value,
            "alone": run.scenario.alone,
            "made_by": "python -m tests.lab.make",
            "gpumon": gpumon.__version__,
            "made_unix_seconds": round(time.time()),  # noqa: TID251 - when it was made
            "python": platform.python_version(),
            "kernel": platform.release().partition("-")[0],
            "cores": self._machine.cores,
            "decode_milliseconds": round(self._machine.decode_seconds * 1e3, 2),
            "data_wait_ratio": truth.get("data_wait_ratio"),
        }


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description="Make the library of traces.")
    parser.add_argument("--list", action="store_true", help="name the scenarios and run nothing")
    parser.add_argument("--only", nargs="*", default=[""], help="beginnings of names of traces")
    parser.add_argument("--dose", nargs="*", default=[], help="names of doses")
    parser.add_argument("--again", action="store_true", help="make also what is there")
    parser.add_argument("--into", type=Path, default=TRACES, help="the directory of the library")
    parser.add_argument("--minutes", type=float, default=600.0, help="start no run after so many minutes")
    parser.add_argument("--busy", action="store_true", help="only what needs no quiet machine")
    parser.add_argument("--together", type=int, default=3, help="runs at a time that need no quiet machine")
    options = parser.parse_args()
    stage = Stage(yolov5_environment())
    stage.prepare()
    machine = Machine(os.cpu_count() or 1, _decode_seconds(stage))
    table = scenarios(machine)
    print(f"{machine.cores} cores, {machine.decode_seconds * 1e3:.2f} ms to decode an image", flush=True)
    for scenario in table:
        if scenario.skipped:
            print(f"{scenario.name}: skipped: {scenario.skipped}")
    runs = [run for run in _runs(table, stage) if _wanted(run, options)]
    if options.list:
        for run in runs:
            print(f"{run.scenario.set_of(run.dose)} {run.name}: {', '.join(run.scenario.labels)}")
        return
    library = Library(stage, machine, options.into)
    library.until(options.minutes)
    with ThreadPoolExecutor(options.together) as pool:
        list(pool.map(library.make, [run for run in runs if not run.scenario.alone]))
    for run in runs:
        if run.scenario.alone:
            library.make(run)
    made = len(runs) - len(library.failed)
    print(f"{made} traces, {library.bytes / 1e6:.2f} MB, {len(library.failed)} not made")


def _runs(table: tuple[Scenario, ...], stage: Stage) -> list[AnyRun]:
    runs = [Run(scenario, dose, stage) for scenario in table for dose in scenario.doses]
    return [*runs, *real_runs(stage)]


def _wanted(run: AnyRun, options: argparse.Namespace) -> bool:
    is_named = any(run.name.startswith(name) for name in options.only)
    is_dose = not options.dose or run.dose.name in options.dose
    may_run = not (options.busy and run.scenario.alone)
    is_there = (options.into / f"{run.name}{ENDING}").exists()
    return is_named and is_dose and may_run and (options.again or not is_there)


def _decode_seconds(stage: Stage) -> float:
    """Measure what decoding an image costs a core here."""
    command = [
        str(stage.home / "venv" / "bin" / "python"),
        "-c",
        _DECODING,
        str(stage.home / "images" / "train"),
    ]
    environment = {**stage.variables(), "PYTHONPATH": str(stage.home / "checkout")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


if __name__ == "__main__":
    main()
