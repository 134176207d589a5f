"""How a training was started, for a shell that is to start it again: its program and its variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.process_tree import variable
from gpumon.model.process import ProcessSeen
from gpumon.sources.process_details import REPEATED_VARIABLES, VALUE_CHARACTERS

# What decides what a training sees and does: always told, where it was set at the start.
TOLD_VARIABLES = ("CUDA_VISIBLE_DEVICES", "GPUMON_VIRTUAL_GPU", "PIN_MEMORY", "PYTHONPATH")
# The others are often set for every shell of a machine: they are told only where the shell that the command
# is for has them not, or otherwise.
_ALL_VARIABLES = (*TOLD_VARIABLES, *REPEATED_VARIABLES)
_ENVIRONMENTS = ("VIRTUAL_ENV", "CONDA_PREFIX")
_INJECTED = "/gpumon/reporter/injected"


def environment_of(starter: ProcessSeen, shell: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the variables of the process that was started that `shell` needs for a repetition.

    Of a container all shells have what it was started with. A value that was too long to be read whole is
    left out.
    """
    found: list[tuple[str, str]] = []
    for name in TOLD_VARIABLES if starter.pid_in_container is not None else _ALL_VARIABLES:
        value = variable(starter, name)
        # Before the reporter's part is taken off: what is left would not look cut.
        if value is None or len(value) >= VALUE_CHARACTERS:
            continue
        if name == "PYTHONPATH":
            value = _without_reporter(value)
            if value is None:
                continue
        if name in TOLD_VARIABLES or shell.get(name) != value:
            found.append((name, value))
    return tuple(found)


def command_of(starter: ProcessSeen, files: FileView, shell: Mapping[str, str]) -> tuple[str, ...]:
    """Return the argv that starts it again from `shell`.

    A bare `python` of a virtual or conda environment is another program, or none, in a shell in which that
    is not active: there its path stands for it. Nothing is changed where the environment does not have it.
    """
    command = starter.command
    if not command or not command[0] or "/" in command[0]:
        return command
    for name in _ENVIRONMENTS:
        prefix = variable(starter, name)
        if not prefix or not prefix.startswith("/"):
            continue
        if shell.get(name) == prefix:
            return command
        program = f"{prefix.rstrip('/')}/bin/{command[0]}"
        if files.exists(program):
            return (program, *command[1:])
    return command


def _without_reporter(path: str | None) -> str | None:
    """Return a PYTHONPATH without the folder that `gpumon run` put there; None where nothing else is."""
    if path is None:
        return None
    others = [part for part in path.split(os.pathsep) if not part.endswith(_INJECTED)]
    return os.pathsep.join(others) or None
