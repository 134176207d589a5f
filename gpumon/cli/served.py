"""The dashboard behind a page of `gpumon serve`: `python -m gpumon.cli.served COMMAND ...`.

It is gpumon itself, but for its end: a server that is killed can tell nobody, and a dashboard whose pipe has
no reader would go on to sample for nobody.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys

# linux/prctl.h
_PR_SET_PDEATHSIG = 1


def end_with_parent(number: int = signal.SIGTERM) -> bool:
    """Let the kernel send this process a signal when its parent dies; return whether the parent is there.

    Raises OSError where the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    # It may have died before that: then nobody reads what this process writes.
    return not _is_deserted(sys.__stdout__.fileno() if sys.__stdout__ else 1)


def _is_deserted(descriptor: int) -> bool:
    """Tell whether the reading end of a pipe is closed."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def main() -> None:
    """Run gpumon as long as its parent lives."""
    if not end_with_parent():
        return
    from gpumon.cli.app import gpumon

    gpumon(prog_name="gpumon")


if __name__ == "__main__":
    main()
