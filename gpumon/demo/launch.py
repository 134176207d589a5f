"""Starting and ending a demo training."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gpumon.demo import train
from gpumon.demo.scenario import Scenario, write_files
from gpumon.sources.timeline import ENVIRONMENT_VARIABLE

if TYPE_CHECKING:
    from typing_extensions import Self

_STORAGE_BYTES = 256 << 20
_CHUNK_BYTES = 4 << 20


@dataclass
class DemoTraining:
    """A running demo. Leaving it as a context ends every process and removes its directory, unless kept."""

    scenario: Scenario
    directory: Path
    process: subprocess.Popen[bytes]
    command: tuple[str, ...]
    log_path: Path
    timeline_path: Path
    _lifeline: int
    _is_temporary: bool = field(default=False, repr=False)

    def __enter__(self) -> Self:
        """Return the demo itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the demo."""
        self.stop()

    def stop(self) -> None:
        """End the training and its workers, then remove what it wrote; stopping twice is harmless."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=3.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        if self._is_temporary:
            shutil.rmtree(self.directory, ignore_errors=True)
            self._is_temporary = False

    def keep(self) -> None:
        """Leave the directory where it is when the demo is stopped: a command is to start it there again."""
        self._is_temporary = False


def start(scenario: Scenario, directory: Path | None = None) -> DemoTraining:
    """Start the training of `scenario` in `directory` (a temporary one by default).

    The training ends when this process ends, however it ends: it holds the read end of a pipe whose only
    write end is here. Then it removes its temporary directory too.
    """
    is_temporary = directory is None
    if directory is None:
        directory = Path(tempfile.mkdtemp(prefix=train.TEMPORARY_PREFIX, dir=_disk_directory()))
    try:
        return _start(scenario, directory, is_temporary=is_temporary)
    except BaseException:
        if is_temporary:
            shutil.rmtree(directory, ignore_errors=True)
        raise


def _start(scenario: Scenario, directory: Path, *, is_temporary: bool) -> DemoTraining:
    data, cfg = write_files(_with_storage(scenario, directory), directory)
    timeline = directory / "virtual-gpu.timeline"
    log_path = directory / "train.log"
    command = (
        sys.executable, str(Path(train.__file__).resolve()),
        "--weights", "", "--cfg", str(cfg), "--data", str(data),
        "--imgsz", "640", "--epochs", "100", "--batch-size", str(scenario.batch_size),
        "--workers", str(scenario.workers), "--device", "0",
    )  # fmt: skip
    read_end, write_end = os.pipe()
    environment = {
        **os.environ,
        ENVIRONMENT_VARIABLE: str(timeline),
        train.LIFELINE_VARIABLE: str(read_end),
    }
    if is_temporary:
        environment[train.TEMPORARY_VARIABLE] = str(directory)
        # Where multiprocessing puts its sockets: killed workers would leave them in /tmp.
        environment["TMPDIR"] = str(directory)
    usable = os.sched_getaffinity(0)
    try:
        if scenario.affinity:
            # A child inherits the affinity of the thread that starts it.
            os.sched_setaffinity(0, sorted(usable)[: scenario.affinity])
        with log_path.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own script
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(read_end,),
                start_new_session=True,
            )
    finally:
        os.sched_setaffinity(0, usable)
        os.close(read_end)
    return DemoTraining(scenario, directory, process, command, log_path, timeline, write_end, is_temporary)


def _disk_directory() -> str | None:
    """Return where a temporary directory lies on a disk: /var/tmp, which is never a tmpfs."""
    return "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # noqa: S108 - a private directory within


def _with_storage(scenario: Scenario, directory: Path) -> Scenario:
    """Write the storage file that a scenario reads from, and return the scenario with its full path."""
    if not scenario.data.storage:
        return scenario
    path = directory / scenario.data.storage
    with path.open("wb") as storage:
        for _ in range(_STORAGE_BYTES // _CHUNK_BYTES):
            storage.write(os.urandom(_CHUNK_BYTES))
        os.fsync(storage.fileno())
    return replace(scenario, data=replace(scenario.data, storage=str(path)))
