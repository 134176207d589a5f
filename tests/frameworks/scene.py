"""Processes and files made by hand, as facts about real trainings say they look from outside."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpumon.frameworks.file_view import FileView, FileViewFactory, ProcessFiles
from gpumon.frameworks.find import find_trainings, refresh
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId, ProcessSeen
from gpumon.model.training import Training

# The machine was started so long before the Unix time of tick 0.
BOOT = 1_700_000_000.0
V7_0 = ("models/yolo.py", "models/yolov5s.yaml", "utils/dataloaders.py", "utils/loggers/",
        "utils/autobatch.py", "segment/train.py", "classify/train.py", "setup.cfg", "train.py")  # fmt: skip
V6_2 = tuple(name for name in V7_0 if name != "segment/train.py")
V6_1 = ("models/yolo.py", "utils/datasets.py", "utils/loggers/", "utils/autobatch.py", "train.py")
V6_0 = ("models/yolo.py", "utils/datasets.py", "utils/loggers/", "train.py")
V5_0 = ("models/yolo.py", "utils/datasets.py", "train.py")
MASTER = (*(name for name in V7_0 if name != "setup.cfg"), "pyproject.toml")


def add_files(folder: Path, names: Sequence[str]) -> Path:
    """Create empty files (directories where a name ends in `/`) below `folder`."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return folder


def write_at(path: Path, text: str, ticks: int) -> Path:
    """Write a file as if it was written at `ticks` after boot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    seconds = BOOT + ticks / 100
    os.utime(path, (seconds, seconds))
    return path


def look(pid: int) -> FileView:
    """Return the files of a process that does not exist: those of this machine."""
    return ProcessFiles(pid, proc_root="/nonexistent")


@dataclass
class Scene:
    """A machine: its processes, and their files (all in the root of this machine)."""

    directory: str | None = None
    processes: list[ProcessSeen] = field(default_factory=list)
    cores: int = 8
    files: FileViewFactory = look
    next_pid: int = 100

    def add(
        self,
        command: Sequence[str],
        *,
        parent: int = 1,
        name: str = "python",
        start: int = 1000,
        directory: str | None = None,
        environment: Mapping[str, str] | None = None,
        exact: bool = True,
        in_container: int | None = None,
        executable: str = "/usr/bin/python3.10",
    ) -> int:
        """Add a process and return its PID: 100, 101 ..."""
        pid = self.next_pid
        self.next_pid += 1
        where = directory or self.directory
        self.processes.append(
            ProcessSeen(
                id=ProcessId(pid, start),
                parent_pid=parent,
                name=name,
                command=tuple(command),
                user_id=os.getuid(),
                command_is_exact=exact,
                working_directory=Missing("hidden") if where is None else where,
                executable=executable,
                environment=tuple((environment or {}).items()),
                pid_in_container=in_container,
            )
        )
        return pid

    def fork(
        self, parent: int, count: int, *, start: int, name: str = "pt_data_worker", step: int = 1
    ) -> list[int]:
        """Add forks of a process: DataLoader workers of a recent torch, by their name."""
        of = next(process for process in self.processes if process.id.pid == parent)
        return [
            self.add(of.command, parent=parent, name=name, start=start + step * index, directory=None)
            for index in range(count)
        ]

    def find(
        self,
        *,
        gpu_pids: Sequence[int] = (),
        visible_gpus: int | None = 1,
        before: tuple[Training, ...] = (),
    ) -> tuple[Training, ...]:
        """Look for trainings."""
        return find_trainings(
            tuple(self.processes),
            gpu_pids=frozenset(gpu_pids),
            visible_gpus=visible_gpus,
            files=self.files,
            cores=self.cores,
            boot_unix_seconds=BOOT,
            before=before,
        )

    def one(self, *, gpu_pids: Sequence[int] = (), visible_gpus: int | None = 1) -> Training:
        """Return the only training."""
        (training,) = self.find(gpu_pids=gpu_pids, visible_gpus=visible_gpus)
        return training

    def end(self, *pids: int) -> None:
        """Take processes away."""
        self.processes = [process for process in self.processes if process.id.pid not in pids]

    def refresh(self, training: Training) -> Training:
        """Look at a known training again."""
        return refresh(
            training,
            tuple(self.processes),
            visible_gpus=1,
            files=self.files,
            cores=self.cores,
            boot_unix_seconds=BOOT,
        )
