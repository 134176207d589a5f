"""An argv as a line for a POSIX shell: with its directory and the environment that matters."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.text import is_clean
from gpumon.model.training import Training


def shell_line(
    training: Training, arguments: Sequence[str], *, here: str | None = None, first: str = ""
) -> Maybe[str]:
    """Return the line that runs `arguments` where and as `training` was started.

    `cd` is left out where `here` is the directory the command runs in. `first` is a command, quoted
    already and without relative paths, that has to succeed before. Missing where a text holds characters
    that cannot be copied safely, or is not known exactly.
    """
    directory = known(training.command_directory)
    environment = training.environment
    texts = (*arguments, directory or "", first, *(value for _, value in environment))
    if not training.command_is_exact or not all(map(is_clean, texts)):
        return Missing("its command line holds characters that cannot be copied safely")
    assignments = "".join(f"{name}={shlex.quote(value)} " for name, value in environment)
    change_directory = f"cd {shlex.quote(directory)} && " if directory and directory != here else ""
    before = f"{first} && " if first else ""
    return f"{before}{change_directory}{assignments}{shlex.join(arguments)}"
