"""Trainings of the laboratory as processes: started with a dose, and always ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.real import truth

SCRIPT = Path(__file__).parent / "train.py"
_POLL_SECONDS = 0.1
# A launcher's own variables, were the tests started by one.
_NOT_INHERITED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_", "TORCHELASTIC", "PYTHON", "GPUMON_")


@dataclass(frozen=True, slots=True)
class Dose:
    """What an image costs a worker and a batch the main process, in milliseconds; `more` are other flags."""

    name: str
    workers: int
    load_ms: float
    compute_ms: float
    wait_ms: float = 0.0
    batch_size: int = 8
    more: tuple[str, ...] = ()

    def flags(self, record: Path) -> list[str]:
        """Return the flags of the script."""
        numbers = [
            ("--load-ms", self.load_ms),
            ("--wait-ms", self.wait_ms),
            ("--compute-ms", self.compute_ms),
        ]
        costs = [word for flag, number in numbers for word in (flag, f"{number:g}")]
        sizes = ["--batch-size", str(self.batch_size), "--workers", str(self.workers)]
        return [*sizes, *costs, *self.more, "--truth", str(record)]


@dataclass(frozen=True, slots=True)
class LabTraining:
    """A running training, or its launcher, and the record of its waits."""

    process: subprocess.Popen[bytes]
    record: Path

    @property
    def waits(self) -> list[truth.LoaderWait]:
        """Every `next()` so far."""
        return truth.loader_waits(self.record)

    def until_batches(self, count: int = 3, timeout_seconds: float = 180) -> None:
        """Wait until so many batches were delivered."""
        deadline = time.monotonic() + timeout_seconds
        while truth.batches_delivered(self.waits, 0.0, time.monotonic()) < count:
            assert self.process.poll() is None, "the training ended"
            assert time.monotonic() < deadline, f"no {count} batches within {timeout_seconds:g} s"
            time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def started(dose: Dose, folder: Path, *, ranks: int = 1) -> Iterator[LabTraining]:
    """A training of that dose with its output in `folder`; with several ranks under torch's launcher."""
    record = folder / "waits.bin"
    script = [str(SCRIPT), *dose.flags(record)]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(ranks)]
    command = [sys.executable, *([*launcher, *script, "--ddp"] if ranks > 1 else script)]
    with running(command, folder) as process:
        yield LabTraining(process, record)


@contextlib.contextmanager
def running(command: Sequence[str] | str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command (a text: for a shell) with its output in `folder`, its whole process group ended after."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    environ["OMP_NUM_THREADS"] = "1"
    with (folder / "train.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            shell=isinstance(command, str),
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # The launcher's ranks have groups of their own, and end with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
