"""Which version of a framework runs, told by names in directories alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.process_tree import absolute, variable
from gpumon.model.measure import known
from gpumon.model.process import ProcessSeen

_LIBRARY = re.compile(r"python3(\.\d+)?t?$")
# Forks of YOLOv5 that keep its file names, and what they have that YOLOv5 never had.
_FORKS = ("train_aux.py", "train_dual.py", "cfg/training")
# DataLoader workers are named pt_data_worker since torch 2.5 (pytorch PR 128448).
_NAMES_WORKERS_SINCE = (2, 5)


def yolov5_repository_version(files: FileView, root: str) -> str | None:
    """Return the version of the YOLOv5 repository at `root`, or None where there is none.

    By what came and went: utils/datasets.py until v6.1, utils/loggers since v6.0, utils/autobatch.py
    since v6.1, segment/ since v7.0, pyproject.toml in place of setup.cfg on master.
    """

    def has(name: str) -> bool:
        return files.exists(f"{root}/{name}")

    if not has("models/yolo.py") or any(has(name) for name in _FORKS):
        return None
    if has("utils/dataloaders.py"):
        if not has("segment/train.py"):
            return "v6.2"
        return "master" if has("pyproject.toml") and not has("setup.cfg") else "v7.0"
    if not has("utils/datasets.py"):
        return None
    if has("utils/autobatch.py"):
        return "v6.1"
    return "v6.0" if has("utils/loggers") else "v5.0"


def package_version(files: FileView, directories: Sequence[str], package: str) -> str | None:
    """Return the version of an installed package, from the name of its .dist-info directory."""
    pattern = re.compile(rf"{re.escape(package)}-(\d[\w.+!]*)\.(?:dist|egg)-info$", re.IGNORECASE)
    for directory in directories:
        for name in files.names(directory):
            match = pattern.match(name)
            if match:
                return match[1]
    return None


def package_directories(files: FileView, process: ProcessSeen) -> tuple[str, ...]:
    """Return the directories that the packages of a Python process may be installed in."""
    directory = known(process.working_directory)
    programs = [path for path in process.command[:2] if "/" in path]
    executable = known(process.executable)
    prefixes = [variable(process, "VIRTUAL_ENV")]
    for path in (*programs, executable):
        whole = None if path is None else absolute(path, directory)
        if whole is not None and "/bin/" in whole:
            prefixes.append(whole.rpartition("/bin/")[0])
    found: list[str] = []
    for prefix in dict.fromkeys(prefix for prefix in prefixes if prefix is not None):
        for name in files.names(f"{prefix}/lib"):
            if _LIBRARY.match(name):
                found += [f"{prefix}/lib/{name}/site-packages", f"{prefix}/lib/{name}/dist-packages"]
    return tuple(dict.fromkeys(found))


def names_workers(files: FileView, process: ProcessSeen) -> bool | None:
    """Tell whether the torch of a process names its DataLoader workers; None where it cannot be told."""
    version = package_version(files, package_directories(files, process), "torch")
    numbers = re.match(r"(\d+)\.(\d+)", version or "")
    return (int(numbers[1]), int(numbers[2])) >= _NAMES_WORKERS_SINCE if numbers else None
