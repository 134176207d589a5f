"""A program of a short life: it works, starts threads, forks, and ends in one way or another.

Its arguments are a seed and how often it has called exec. `stamp` is its PID and that number.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading

LONGEST_LIFE = 20_000


def work(turns: int, stamp: tuple[int, int]) -> int:
    """Call and return, with something to read in the frames."""
    held = [stamp, {"turns": turns}]
    return sum(len(text) for text in map(str, range(turns % 7))) + len(held)


def live(chance: random.Random, generation: int) -> None:
    """Work for a while, then end."""
    stamp = (os.getpid(), generation)
    for turns in range(chance.randrange(LONGEST_LIFE)):
        work(turns, stamp)
        kind = chance.randrange(20_000)
        if kind == 0:
            threading.Thread(target=work, args=(turns, stamp)).start()
        elif kind == 1 and os.fork() == 0:
            # The child goes on with its own stamp, for a shorter time.
            stamp = (os.getpid(), generation)
            for rest in range(chance.randrange(2000)):
                work(rest, stamp)
            os._exit(0)
    end(chance, generation)


def end(chance: random.Random, generation: int) -> None:
    """End by return, by an exception, at once, by a signal, or by another program in the same process."""
    kind = chance.randrange(8)
    if kind == 0:
        raise SystemExit(3)
    if kind == 1:
        os._exit(4)
    if kind == 2:
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == 4:
        os.execv("/bin/true", ["true"])  # noqa: S606 - another program on purpose
    if kind < 7 and generation < 3:
        again = [sys.executable, "-I", "-S", __file__, str(chance.randrange(1 << 30)), str(generation + 1)]
        os.execv(sys.executable, again)  # noqa: S606 - the same program on purpose


if __name__ == "__main__":
    live(random.Random(int(sys.argv[1])), int(sys.argv[2]))  # noqa: S311 - no secret
