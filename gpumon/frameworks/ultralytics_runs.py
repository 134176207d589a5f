"""Where ultralytics puts the run directory of a training."""

from __future__ import annotations

import json
import pwd
from collections.abc import Iterator
from itertools import islice

from gpumon.advice.knobs.ultralytics import TASKS, YoloArguments
from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.process_tree import absolute, variable
from gpumon.frameworks.run_directory import (
    RunDirectory,
    candidates,
    find_run_directory,
    read_run_directory,
)
from gpumon.frameworks.settings_ultralytics import arguments_agree
from gpumon.model.measure import Missing, known
from gpumon.model.process import ProcessSeen

_SETTINGS_FILE = "args.yaml"
_PATHS_LIMIT = 2000
_SETTINGS_JSON_BYTES = 64 * 1024


def find_ultralytics_run(
    files: FileView, process: ProcessSeen, arguments: YoloArguments | None, started: float | None
) -> RunDirectory | None:
    """Return the run directory of the training that `process` is; `arguments` None for a script."""
    directory = known(process.working_directory)
    if directory is None:
        return None
    if arguments is not None and arguments.last("resume") is not None:
        model = arguments.last("model")
        checkpoint = absolute(model.value, directory) if model is not None else None
        if checkpoint is not None and "/weights/" in checkpoint:
            return read_run_directory(files, checkpoint.rpartition("/weights/")[0], _SETTINGS_FILE)
    found = _paths(files, process, arguments, directory)
    return find_run_directory(
        files,
        islice(found, _PATHS_LIMIT),
        _SETTINGS_FILE,
        started,
        lambda settings: arguments_agree(arguments, settings),
    )


def _paths(
    files: FileView, process: ProcessSeen, arguments: YoloArguments | None, directory: str
) -> Iterator[str]:
    bases = [f"{directory}/runs"]
    own = _runs_dir(files, process)
    if own is not None and own not in bases:
        bases.append(own)
    if arguments is None:
        yield from _everywhere(files, bases, directory)
        return
    project = arguments.last("project")
    name = arguments.last("name")
    base = name.value if name is not None else "train"
    projects = [f"{runs}/{task}" for runs in bases for task in TASKS]
    if project is not None:
        inside = [f"{each}/{project.value}" for each in projects]
        projects = [absolute(project.value, directory) or "", *inside]
    for each in projects:
        yield from candidates(files, each, base)


def _everywhere(files: FileView, bases: list[str], directory: str) -> Iterator[str]:
    """Yield all directories where a script may have had its training put, the usual ones first."""
    for runs in bases:
        for task in files.names(runs):
            for name in files.names(f"{runs}/{task}"):
                yield f"{runs}/{task}/{name}"
    for project in files.names(directory):
        if not project.startswith("."):
            for name in files.names(f"{directory}/{project}"):
                yield f"{directory}/{project}/{name}"
    for runs in bases:
        for task in TASKS:
            for project in files.names(f"{runs}/{task}"):
                for name in files.names(f"{runs}/{task}/{project}"):
                    yield f"{runs}/{task}/{project}/{name}"


def _runs_dir(files: FileView, process: ProcessSeen) -> str | None:
    """Return the runs_dir of the user's ultralytics settings, where these can be read."""
    folder = variable(process, "YOLO_CONFIG_DIR")
    if folder is None:
        try:
            folder = f"{pwd.getpwuid(process.user_id).pw_dir}/.config"
        except (KeyError, OverflowError):
            return None
    text = files.read_text(f"{folder}/Ultralytics/settings.json", _SETTINGS_JSON_BYTES)
    if isinstance(text, Missing):
        return None
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError):
        return None
    path = settings.get("runs_dir") if isinstance(settings, dict) else None
    return path.rstrip("/") if isinstance(path, str) and path.startswith("/") else None
