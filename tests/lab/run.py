"""One run: a training in its surroundings, looked at through the stand-in driver, recorded with its truth."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from tests.lab.driver import DrivenScript
from tests.lab.figures import TRAINING_LOADER, figures
from tests.lab.jpeg.gpu import timeline_of
from tests.lab.jpeg.stamps import stamps_of
from tests.lab.looking import Looking, RunFailedError
from tests.lab.scenario import Dose, Scenario
from tests.lab.stage import Stage
from tests.lab.surround import surrounded
from tests.nvml_stand_in.stand_in import build, environment
from tests.real.truth import batches_delivered, loader_waits

_STAMPS = stamps_of(0)
_START_SECONDS = 60.0
# Batches before the recording begins: prefetched ones and the first validation worker are over by then.
_WARM_BATCHES = 6
_GRID_SECONDS = 5.0
_GRID_DOSE = "middle"
_POLL_SECONDS = 0.1


@dataclass
class Run:
    """The run of one dose in its folder."""

    scenario: Scenario
    dose: Dose
    stage: Stage
    _grid: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of its trace."""
        return f"{self.scenario.name}-{self.dose.name}"

    def record(self, path: Path) -> dict[str, Any]:
        """Write the recording to `path`; return its truth. Raises RunFailedError or CannotSurroundError."""
        if self.dose.name == _GRID_DOSE:
            others = [replace(self.dose, workers=workers) for workers in self.scenario.grid]
            others += [replace(self.dose, batch_size=size) for size in self.scenario.batch_grid]
            self._grid = [self._rate_of(dose) for dose in others]
        with self._started(self.name, self.dose) as (process, folder):
            self._until_warm(process, folder)
            pid = _main_pid(process.pid, self.dose.ranks)
            timelines = tuple(folder / timeline_of(rank) for rank in range(self.dose.ranks))
            script = DrivenScript(self.dose.driver, folder / "nvml.script", timelines, pid)
            script.at(time.time())  # noqa: TID251 - the stand-in's time is real
            return self._looked_at(pid, folder, script, path)

    def _known(self) -> dict[str, Any]:
        scenario, dose = self.scenario, self.dose
        return {
            "scenario": self.name,
            "labels": list(scenario.labels),
            "set": scenario.set_of(dose),
            "group": scenario.name,
            "control": scenario.control,
            "proof": scenario.proof.value,
            "dose": dose.name,
            "settings": {"workers": dose.workers, "batch_size": dose.batch_size},
        }

    def _looked_at(self, pid: int, folder: Path, script: DrivenScript, path: Path) -> dict[str, Any]:
        begun = time.monotonic()
        is_stopped = False

        def meanwhile() -> None:
            nonlocal is_stopped
            script.at(time.time())  # noqa: TID251 - the stand-in's time is real
            stop_after = self.dose.around.stopped_after_seconds
            if stop_after and not is_stopped and time.monotonic() - begun > stop_after:
                os.kill(pid, signal.SIGSTOP)
                is_stopped = True

        known = {**self._known(), "grid": self._grid}
        if self.dose.onset_seconds:
            known["onset_monotonic_seconds"] = begun + self.dose.onset_seconds
        environ = environment(build(), script.path)
        looking = Looking(pid, self.scenario.seconds, folder / _STAMPS, environ)
        return looking.record(known, path, meanwhile)

    def _rate_of(self, dose: Dose) -> dict[str, Any]:
        """Measure the rate with other settings."""
        with self._started(f"{self.name}-grid", dose) as (process, folder):
            self._until_warm(process, folder)
            start = time.monotonic()
            time.sleep(_GRID_SECONDS)
            found = figures(folder / _STAMPS, start, time.monotonic(), dose.batch_size)
        if "images_per_second" not in found:
            raise RunFailedError(
                f"{self.name}: no batch came in {_GRID_SECONDS:g} s with {dose.workers} workers"
            )
        settings = {"workers": dose.workers, "batch_size": dose.batch_size}
        return {"settings": settings, "images_per_second": found["images_per_second"]}

    def _until_warm(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while self._batches(folder) < _WARM_BATCHES:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (folder / "train.log").read_text(errors="replace")
                raise RunFailedError(f"{self.name}: no batches; the log ends {log[-1500:]}")
            time.sleep(_POLL_SECONDS)

    @staticmethod
    def _batches(folder: Path) -> int:
        waits = loader_waits(folder / _STAMPS)
        return batches_delivered(waits, 0.0, time.monotonic(), TRAINING_LOADER)

    @contextlib.contextmanager
    def _started(self, name: str, dose: Dose) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        folder = self.stage.folder(name)
        command = self.stage.command(dose, folder)
        with (
            surrounded(command, dose.around, folder, self.stage.images) as words,
            (folder / "train.log").open("wb") as log,
        ):
            process = subprocess.Popen(
                words, cwd=folder, env=self.stage.variables(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
            try:
                yield process, folder
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        (folder / "storage.bin").unlink(missing_ok=True)


def _main_pid(pid: int, ranks: int) -> int:
    """Return the PID of rank 0; without a launcher it is the process itself."""
    if ranks == 1:
        return pid
    children = psutil.Process(pid).children()
    return next(child.pid for child in children if child.environ().get("RANK") == "0")
