"""`gpumon run`: starts a training with the reporter in it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

import gpumon.reporter
from gpumon.reporter.wire import VARIABLE, VERSION

INJECTED = Path(gpumon.reporter.__file__).resolve().parent / "injected"
# As a shell, env(1) and timeout(1) exit where a command cannot be started.
NOT_EXECUTABLE = 126
NOT_FOUND = 127


@click.command(
    "run",
    # What follows the command's name is the command's: `gpumon run python train.py --help`.
    context_settings={"help_option_names": ["-h", "--help"], "allow_interspersed_args": False},
)
@click.argument("words", metavar="COMMAND [ARGUMENT]...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("-q", "--quiet", is_flag=True, help="Do not say on the terminal how to watch the training.")
@click.pass_context
def command(context: click.Context, /, words: tuple[str, ...], quiet: bool) -> None:
    """Start COMMAND so that gpumon sees exact figures of its training instead of samples.

    Example: gpumon run -- python train.py --data coco128.yaml. Its output stays here: open gpumon in a
    second terminal. Every Python that COMMAND starts (torchrun, console scripts, shell scripts) reports how
    long it waits for each batch, its optimizer's steps and PyTorch's GPU memory, at about two microseconds a
    batch. gpumon itself is gone once COMMAND runs: signals, exit code and terminal are COMMAND's own.
    """
    try:
        environment = reporting_environment(os.environ)
    except NoPlaceError as error:
        click.echo(f"gpumon: {error}", err=True)
        context.exit(1)
    if not quiet and sys.stderr.isatty():
        click.echo("gpumon: to watch this training, run gpumon in another terminal", err=True)
    try:
        become(words, environment)
    except FileNotFoundError:
        click.echo(f"gpumon: there is no command {words[0]!r}", err=True)
        context.exit(NOT_FOUND)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        click.echo(f"gpumon: {words[0]!r} cannot be started: {reason}", err=True)
        context.exit(NOT_EXECUTABLE)


class NoPlaceError(Exception):
    """The reporter lies where PYTHONPATH cannot name it, in one sentence."""


def reporting_environment(environment: Mapping[str, str], injected: Path = INJECTED) -> dict[str, str]:
    """Return `environment` with the reporter's folder first on PYTHONPATH; twice is the same as once.

    Raises NoPlaceError where the path of the folder holds the separator of PYTHONPATH.
    """
    folder = str(injected)
    if os.pathsep in folder:
        raise NoPlaceError(f"gpumon lies in a folder with {os.pathsep!r} in its name: {folder}")
    old = environment.get("PYTHONPATH", "")
    # An empty part would be the working directory, an empty variable is none.
    others = [part for part in old.split(os.pathsep) if part != folder] if old else []
    return {**environment, "PYTHONPATH": os.pathsep.join([folder, *others]), VARIABLE: str(VERSION)}


def become(words: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """Become the command: it keeps this PID, terminal, directory, descriptors 0 to 2 and job.

    A parent in between would have to hand on each signal, stop with the terminal's job, and take 128 + n
    for an exit; a process that is replaced has nothing to hand on. Raises OSError where it cannot be.
    """
    # Python ignores these two for itself, and what is ignored stays so in the command.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvpe(words[0], words, environment)  # noqa: S606 - the user's own command, as typed
