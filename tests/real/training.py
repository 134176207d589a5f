"""Real trainings as processes of their own: started, followed by their own truth, and always ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.real import truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from tests.real.environment import RealEnvironment

# script: `python train.py ...` from the working directory; module: `python -m yolov5.train ...`;
# console: `yolov5 train ...` or `yolo detect train ...`.
Launch = Literal["script", "module", "console"]
# file: stdout and stderr go to the log, as with `nohup`; pty: as in a terminal; pipe: as with `| tee`.
# What arrives through a pty or a pipe is copied to the log, which the training itself then does not know.
Output = Literal["file", "pty", "pipe"]

_POLL_SECONDS = 0.1
_TERMINAL_ROWS_COLUMNS = (40, 160)


class TrainingFailed(AssertionError):  # noqa: N818 - it fails the test that waits for the training
    """A training that ended or took too long before it came to what a test waits for, with its log's tail."""


@dataclass(frozen=True, slots=True)
class RunningTraining:
    """A training's process, where it writes, and what it says of itself; leaving the context ends it."""

    framework: Literal["yolov5", "ultralytics"]
    process: subprocess.Popen[bytes]
    argv: tuple[str, ...]
    workdir: Path
    run_dir: Path
    log: Path
    waits_record: Path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log_text(self) -> str:
        return truth.log_text(self.log)

    @property
    def progress(self) -> truth.Progress | None:
        return truth.last_progress(self.log)

    @property
    def logged_workers(self) -> int | None:
        return truth.logged_workers(self.log)

    @property
    def options(self) -> dict[str, object]:
        return truth.options(self.run_dir)

    @property
    def results(self) -> list[dict[str, str]]:
        return truth.results(self.run_dir)

    @property
    def worker_pids(self) -> list[int]:
        return truth.worker_pids(self.pid)

    @property
    def waits(self) -> list[truth.LoaderWait]:
        return truth.loader_waits(self.waits_record)

    def data_wait_ratio(self, start: float, end: float) -> float:
        """The true share of [start, end] (`time.monotonic()`) spent waiting for a DataLoader."""
        return truth.data_wait_ratio(self.waits, start, end)

    def until(self, condition: Callable[[RunningTraining], object], timeout_seconds: float = 300) -> None:
        """Wait until the condition holds; raises TrainingFailed if the training ends or time is up first."""
        deadline = time.monotonic() + timeout_seconds
        while not condition(self):
            ended = self.process.poll() is not None
            if ended and condition(self):  # it came true with the last thing the training did
                return
            if ended or time.monotonic() > deadline:
                state = f"ended with {self.process.returncode}" if ended else "is still running"
                raise TrainingFailed(f"the training {state}; its log ends:\n{self.log_text[-3000:]}")
            time.sleep(_POLL_SECONDS)

    def until_batch(self, batch: int = 2, timeout_seconds: float = 300) -> None:
        """Wait until so many batches of an epoch are done: the start phase is over then."""
        self.until(lambda self: self.progress is not None and self.progress.batch >= batch, timeout_seconds)

    def until_finished(self, timeout_seconds: float = 300) -> int:
        """Wait for the training's own end and return its exit status."""
        self.until(lambda self: self.process.poll() is not None, timeout_seconds)
        return int(self.process.returncode)

    def until_logged(self, text: str, timeout_seconds: float = 60) -> None:
        """Wait until the log has a text, or time is up.

        The rest of what went through a pty or a pipe may still be on its way when the training is gone.
        """
        deadline = time.monotonic() + timeout_seconds
        while text not in self.log_text and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def end(self) -> None:
        """Kill the training with its workers, and reap it."""
        workers = self.worker_pids
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        # Killed is not gone yet: their memory and shares of the CPU must not reach into the next test.
        while any(truth.alive(pid) for pid in workers):
            time.sleep(_POLL_SECONDS)


def start_yolov5(
    environment: RealEnvironment,
    workdir: Path,
    *,
    data: Path,
    imgsz: int,
    epochs: int,
    batch_size: int,
    workers: int,
    flags: Sequence[str] = (),
    launch: Launch = "script",
    output: Output = "file",
    variables: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> RunningTraining:
    """YOLOv5n trained from scratch in `workdir`, which must be empty; its run directory is runs/train/exp.

    `under` is a command that becomes the one behind it, as `nohup` and `gpumon run` do.
    """
    # Typed as people type it: the empty --weights is two NULs in a row in /proc/PID/cmdline.
    options = ["--weights", "", "--cfg", "yolov5n.yaml", "--data", str(data), "--imgsz", str(imgsz)]
    options += ["--epochs", str(epochs), "--batch-size", str(batch_size), "--workers", str(workers)]
    options += ["--device", "cpu", *flags]
    if launch == "script":
        # A link in the working directory stands for the clone people start train.py in.
        package = next(environment.root.glob("venv/lib/python*/site-packages/yolov5"))
        (workdir / "train.py").symlink_to(package / "train.py")
    command = {
        "script": ["python", "train.py"],
        "module": ["python", "-m", "yolov5.train"],
        "console": ["yolov5", "train"],
    }[launch]
    return _start(
        "yolov5",
        [*command, *options],
        environment,
        workdir,
        run_dir=workdir / "runs" / "train" / "exp",
        output=output,
        variables=variables or {},
        under=under,
    )


def start_ultralytics(
    environment: RealEnvironment,
    workdir: Path,
    *,
    data: Path,
    imgsz: int,
    epochs: int,
    batch_size: int,
    workers: int,
    flags: Sequence[str] = (),
    launch: Launch = "console",
    output: Output = "file",
    variables: Mapping[str, str] | None = None,
) -> RunningTraining:
    """YOLOv8n trained from scratch in `workdir`, which must be empty: run directory runs/detect/train.

    Flags are `name=value`. With launch "script" all settings are keyword arguments in a file (values then
    are Python literals) and nothing of them is in its argv.
    On the CPU ultralytics uses no workers, whatever is asked for.
    """
    settings = {"data": str(data), "imgsz": imgsz, "epochs": epochs, "batch": batch_size, "workers": workers}
    if launch == "script":
        keywords = ", ".join([f"{name}={value!r}" for name, value in settings.items()] + list(flags))
        call = f'YOLO("yolov8n.yaml").train(device="cpu", {keywords})'
        (workdir / "train.py").write_text(f"from ultralytics import YOLO\n\n{call}\n")
        argv = ["python", "train.py"]
    elif launch == "console":
        pairs = [f"{name}={value}" for name, value in settings.items()]
        argv = ["yolo", "detect", "train", "model=yolov8n.yaml", *pairs, "device=cpu", *flags]
    else:
        raise ValueError("ultralytics has no module to be started with -m")
    # Its settings file keeps the first working directory's runs folder: a folder of its own each time.
    config = workdir / "config" / "Ultralytics"
    config.mkdir(parents=True)
    (config / environment.font.name).symlink_to(environment.font)
    return _start(
        "ultralytics",
        argv,
        environment,
        workdir,
        run_dir=workdir / "runs" / "detect" / "train",
        output=output,
        variables={"YOLO_CONFIG_DIR": str(config.parent), **(variables or {})},
    )


def _start(
    framework: Literal["yolov5", "ultralytics"],
    argv: list[str],
    environment: RealEnvironment,
    workdir: Path,
    *,
    run_dir: Path,
    output: Output,
    variables: Mapping[str, str],
    under: Sequence[str] = (),
) -> RunningTraining:
    log, record = workdir / "train.log", workdir / "loader_waits.bin"
    environ = environment.environ(
        {
            "LOADER_WAITS_FILE": str(record),
            "TRAINING_PARENT_PID": str(os.getpid()),
            **variables,
        }
    )
    with _channel(output, log) as descriptor:
        process = subprocess.Popen(
            [*under, *argv],
            cwd=workdir,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,  # one process group for the training and its workers
        )
    return RunningTraining(framework, process, tuple(argv), workdir, run_dir, log, record)


@contextlib.contextmanager
def _channel(output: Output, log: Path) -> Iterator[int]:
    """The descriptor that the training writes to; ours is closed once it has been started."""
    if output == "file":
        reading, writing = None, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    elif output == "pty":
        reading, writing = pty.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", *_TERMINAL_ROWS_COLUMNS, 0, 0))
    else:
        reading, writing = os.pipe()
    if reading is not None:
        threading.Thread(target=_copy, args=(reading, log), daemon=True).start()
    try:
        yield writing
    finally:
        os.close(writing)


def _copy(reading: int, log: Path) -> None:
    """Copy to the log what a pty or pipe delivers, until its last writer is gone."""
    with log.open("ab", buffering=0) as file, contextlib.suppress(OSError):  # EIO: the end of a pty
        while chunk := os.read(reading, 65536):
            file.write(chunk)
    os.close(reading)
