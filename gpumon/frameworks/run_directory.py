"""The run directory of a training: found by its settings file, which is written when training begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.yaml_file import Plain, read_yaml
from gpumon.model.measure import Missing

# The clock of a file server may be behind, start times are rounded.
_SLACK_SECONDS = 2.0
_CANDIDATES_LIMIT = 64

# How well settings fit a command line: 0 not at all; the best wins, of equals the first.
Fits = Callable[[dict[str, Plain]], int]


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """A run directory and the settings in its opt.yaml or args.yaml, written at `written_unix_seconds`."""

    path: str
    settings: dict[str, Plain]
    written_unix_seconds: float


def read_run_directory(files: FileView, path: str, name: str) -> RunDirectory | None:
    """Return the run directory at `path` if it has the settings file `name`."""
    written = files.modified_unix_seconds(f"{path}/{name}")
    if written is None:
        return None
    settings = read_yaml(files, f"{path}/{name}")
    return None if isinstance(settings, Missing) else RunDirectory(path, settings, written)


def candidates(files: FileView, project: str, name: str) -> tuple[str, ...]:
    """Return the directories in `project` that are called `name`, `name2`, `name-2` and so on."""
    pattern = re.compile(rf"{re.escape(name)}-?\d*$")
    return tuple(f"{project}/{found}" for found in files.names(project) if pattern.match(found))


def find_run_directory(
    files: FileView,
    paths: Iterable[str],
    settings_name: str,
    started_unix_seconds: float | None,
    fits: Fits,
) -> RunDirectory | None:
    """Return the run directory whose settings were written after the start and that `fits` best.

    Of equals the first, not the newest: a training writes them once, and one that began later writes its
    own into the same project. None where the start is not known or nothing has been written since.
    """
    if started_unix_seconds is None:
        return None
    written: list[tuple[float, str]] = []
    for path in dict.fromkeys(paths):
        seconds = files.modified_unix_seconds(f"{path}/{settings_name}")
        if seconds is not None and seconds >= started_unix_seconds - _SLACK_SECONDS:
            written.append((seconds, path))
    best: RunDirectory | None = None
    best_fit = 0
    for seconds, path in sorted(written)[:_CANDIDATES_LIMIT]:
        settings = read_yaml(files, f"{path}/{settings_name}")
        fit = 0 if isinstance(settings, Missing) else fits(settings)
        if fit > best_fit and not isinstance(settings, Missing):
            best, best_fit = RunDirectory(path, settings, seconds), fit
    return best
