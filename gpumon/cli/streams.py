"""The standard streams where they end: closed from the start, read by nobody, on a disk that is full."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Literal, TextIO

import click

# write(2): no space, no quota, a file as large as may be, and a disk or terminal that is gone.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def open_closed() -> None:
    """Put /dev/null in the place of each standard stream that was closed (`gpumon >&-`).

    Python has None there, and the next file that is opened, a recording say, would become descriptor 1.
    """
    if sys.stdin is None:
        sys.stdin = _nowhere("r")
    if sys.stdout is None:
        sys.stdout = _nowhere("w")
    if sys.stderr is None:
        sys.stderr = _nowhere("w")


def forget_reader(stream: TextIO) -> None:
    """Nobody reads `stream` any more: what is still in its buffer goes nowhere.

    Python would try to write it at the exit, and complain (the note on SIGPIPE in its module `signal`).
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def is_full(error: OSError) -> bool:
    """Tell whether an error is that of a stream whose disk takes no more: those of files have their names."""
    return error.filename is None and error.errno in _FULL


def finish(stream: TextIO) -> int:
    """Write what is still in the buffer of `stream`; return 0, or 1 where it cannot be written.

    Why not is said on stderr, but of a reader that has seen enough (`| head`).
    """
    try:
        stream.flush()
    except OSError as error:
        if error.errno != errno.EPIPE:
            tell_unwritten(error)
        forget_reader(stream)
        return 1
    except ValueError:
        # Closed by whoever wrote to it.
        return 0
    return 0


def tell_unwritten(error: OSError) -> None:
    """Say on stderr why stdout could not be written, where that can be."""
    reason = os.strerror(error.errno) if error.errno else "it failed"
    with suppress(OSError, ValueError):
        click.echo(f"gpumon: stdout could not be written to the end: {reason.lower()}", err=True)


def _nowhere(mode: Literal["r", "w"]) -> TextIO:
    # Open as long as the process: it is the process's stream. `gpumon --help` imports no pathlib.
    return open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123
