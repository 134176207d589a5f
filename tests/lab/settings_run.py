"""One cell of the laboratory of settings: the training runs, is measured, and watched by gpumon if asked."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.lab.driver import DrivenScript
from tests.lab.figures import TRAINING_LOADER
from tests.lab.jpeg.gpu import timeline_of
from tests.lab.jpeg.stamps import stamps_of
from tests.lab.looking import Looking, RunFailedError
from tests.lab.scenario import Driver
from tests.lab.settings_cells import Measured
from tests.lab.settings_rate import Rate, rate_of
from tests.lab.settings_scenario import Cell, SettingsScenario
from tests.lab.settings_stage import SettingsStage
from tests.nvml_stand_in.stand_in import build, environment
from tests.real.truth import loader_waits

MEASURED_SECONDS = 7.5
WATCHED_SECONDS = 13.0
# From the first batch on: validation workers, too, have filled their buffers by then.
WARM_SECONDS = 2.0
START_SECONDS = 45.0
# gpumon needs about that long until its first look, and its last one is that much before it ends.
_LOOK_BEGINS_SECONDS, _LOOK_ENDS_SECONDS = 2.0, 0.5
_LEAST_BATCHES = 6
_POLL_SECONDS = 0.1
_OUT_OF_MEMORY = "OutOfMemoryError"
# The bar of an epoch: `0/299      4.02G ...`.
_RESERVED = re.compile(r"\d+/\d+\s+([\d.]+)G\s")


@dataclass(frozen=True, slots=True)
class CellRun:
    """The run of one cell of one scenario."""

    scenario: SettingsScenario
    cell: Cell
    stage: SettingsStage

    @property
    def name(self) -> str:
        """The name of its trace."""
        return f"{self.scenario.name}-{self.cell}"

    def measure(self) -> Measured:
        """Return what it did. Raises RunFailedError."""
        with self._running() as (process, folder):
            if not self._is_warm(process, folder):
                return self._out_of_memory()
            start, before = time.monotonic(), _used_by_others(process.pid)
            time.sleep(MEASURED_SECONDS)
            if self._has_died(process, folder):
                return self._out_of_memory()
            end, after = time.monotonic(), _used_by_others(process.pid)
            return self._measured(folder, start, end, max(0.0, (after - before) / (end - start)))

    def watch(self, path: Path) -> Measured:
        """Write what gpumon sees to `path`; return what the training did meanwhile. Raises RunFailedError."""
        with self._running() as (process, folder):
            if not self._is_warm(process, folder):
                return self._out_of_memory()
            script = DrivenScript(Driver(), folder / "nvml.script", (folder / timeline_of(0),), process.pid)
            script.at(time.time())  # noqa: TID251 - the stand-in's time is real
            looking = Looking(
                process.pid, WATCHED_SECONDS, folder / stamps_of(0), environment(build(), script.path)
            )
            start = time.monotonic() + _LOOK_BEGINS_SECONDS
            # The script stands still: nothing but the timeline changes.
            truth = looking.record(self._known(), path, lambda: None)
            if self._has_died(process, folder):
                path.unlink(missing_ok=True)
                return self._out_of_memory()
            end = time.monotonic() - _LOOK_ENDS_SECONDS
            return self._measured(folder, start, end, float(truth["other_cores"]), self.name)

    def _known(self) -> dict[str, Any]:
        settings = {"workers": self.cell.workers, "batch_size": self.cell.batch_size}
        # No labels of a fault: what is right to say of it is not judged here.
        return {
            "scenario": self.name,
            "labels": ["settings"],
            "set": "test",
            "control": False,
            "settings": settings,
        }

    def _measured(
        self, folder: Path, start: float, end: float, others: float, recording: str = ""
    ) -> Measured:
        rate = rate_of(loader_waits(folder / stamps_of(0)), start, end)
        if rate is None:
            raise RunFailedError(f"{self.name}: hardly a batch came in {end - start:.0f} s")
        return self._of(rate, self._peak_bytes(folder), others, recording)

    def _of(self, rate: Rate, peak_bytes: int, others: float, recording: str) -> Measured:
        return Measured(
            self.scenario.name,
            self.cell,
            images_per_second=round(rate.mean, 2),
            low=round(rate.low, 2),
            high=round(rate.high, 2),
            median=round(rate.median, 2),
            data_wait_ratio=round(rate.data_wait_ratio, 4),
            peak_bytes=peak_bytes,
            other_cores=round(others, 3),
            seconds=round(rate.seconds, 2),
            recording=recording,
        )

    def _out_of_memory(self) -> Measured:
        return Measured(self.scenario.name, self.cell, out_of_memory=True)

    def _peak_bytes(self, folder: Path) -> int:
        """Return the most that the training held, as its own bar says, and its context."""
        told = _RESERVED.findall(_log_of(folder))
        if not told:
            raise RunFailedError(f"{self.name}: its log shows no memory")
        return round(float(told[-1]) * 1e9) + self.scenario.spec.gpu.cost.context_bytes

    def _is_warm(self, process: subprocess.Popen[bytes], folder: Path) -> bool:
        """Wait until it trains steadily; False where it ran out of memory. Raises RunFailedError."""
        deadline = time.monotonic() + START_SECONDS
        first: float | None = None
        while time.monotonic() < deadline:
            if self._has_died(process, folder):
                return False
            done = [wait for wait in loader_waits(folder / stamps_of(0)) if wait.end is not None]
            count = sum(wait.loader == TRAINING_LOADER for wait in done)
            if count and first is None:
                first = time.monotonic()
            is_filled = count >= max(_LEAST_BATCHES, 2 * self.cell.workers + 2)
            if is_filled and first is not None and time.monotonic() - first >= WARM_SECONDS:
                return True
            time.sleep(_POLL_SECONDS)
        raise RunFailedError(f"{self.name}: not warm in {START_SECONDS:g} s: {_log_of(folder)[-1500:]}")

    def _has_died(self, process: subprocess.Popen[bytes], folder: Path) -> bool:
        """Tell whether it ran out of memory: also a first validation, or a noisy step, can end it.

        Raises RunFailedError where it ended otherwise.
        """
        if process.poll() is None:
            return False
        log = _log_of(folder)
        if _OUT_OF_MEMORY in log:
            return True
        raise RunFailedError(f"{self.name}: it ended; its log ends {log[-1500:]}")

    @contextlib.contextmanager
    def _running(self) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        folder = self.stage.folder(self.scenario, self.cell)
        command = self.stage.command(self.scenario, self.cell, folder)
        with (folder / "train.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=self.stage.stage.variables(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            yield process, folder
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _log_of(folder: Path) -> str:
    return (folder / "train.log").read_text(errors="replace")


def _used_by_others(pid: int) -> float:
    """Return the CPU seconds of all but this training and this process since the machine started."""
    times = psutil.cpu_times()
    # A process that ends between both looks is counted by its parent from then on.
    busy = times.user + times.nice + times.system + times.irq + times.softirq + times.steal
    main = psutil.Process(pid)
    own = [main, psutil.Process(), *main.children(recursive=True)]
    return float(busy - sum(map(_used_by, own)))


def _used_by(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and of its children that have ended; 0 for one that is gone."""
    try:
        time = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(time.user + time.system + time.children_user + time.children_system)
