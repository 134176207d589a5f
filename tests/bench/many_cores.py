"""A machine of many cores for those who read /proc/stat: a file that moves on, mounted there for one program.

Needs the right to mount (root, or a container with CAP_SYS_ADMIN): the mount is seen by that program alone.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import cos
from pathlib import Path

# Rewritten as often as btop looks at most, and often enough for a second to have moved everywhere.
_EVERY_SECONDS = 0.1
_TICKS_PER_SECOND = 100


def stat_text(cores: int, seconds: float, rest: str) -> bytes:
    """Return /proc/stat of a machine that has been up so long: a wave of load runs over its cores.

    All numbers have ten digits, so that a file can be written over in place. `rest` are the lines below the
    cores.
    """
    lines: list[list[int]] = []
    for core in range(cores):
        # Its busy share at second t is 0.5 + 0.45 sin(t / 7 + 0.9 core); this is the sum of it until now.
        busy = 0.5 * seconds + 0.45 * 7 * (cos(core * 0.9) - cos(core * 0.9 + seconds / 7))
        user = int(busy * _TICKS_PER_SECOND)
        idle = int(seconds * _TICKS_PER_SECOND) - user
        lines.append([user, 0, 0, max(0, idle), 0, 0, 0, 0, 0, 0])
    total = [sum(column) for column in zip(*lines, strict=True)]
    rows = [("cpu ", total), *((f"cpu{core}", line) for core, line in enumerate(lines))]
    text = "".join(f"{name} {' '.join(f'{value:010d}' for value in values)}\n" for name, values in rows)
    return f"{text}{rest}".encode()


@contextmanager
def many_cores(directory: Path, cores: int) -> Iterator[list[str]]:
    """Yield what to put before a command that shall see so many cores; raises OSError without the right."""
    path = directory / "stat"
    rest = "".join(
        line for line in Path("/proc/stat").read_text().splitlines(True) if not line.startswith("cpu")
    )
    path.write_bytes(stat_text(cores, 0.0, rest))
    prefix = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /proc/stat && exec "$@"', str(path)]
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if tried.returncode:
        raise OSError("a file cannot be mounted here: " + tried.stderr.decode(errors="replace").strip())
    done = threading.Event()
    descriptor = os.open(path, os.O_WRONLY)

    def move_on() -> None:
        passed = 0.0
        while not done.wait(_EVERY_SECONDS):
            passed += _EVERY_SECONDS
            os.pwrite(descriptor, stat_text(cores, passed, rest), 0)

    writer = threading.Thread(target=move_on)
    writer.start()
    try:
        yield prefix
    finally:
        done.set()
        writer.join()
        os.close(descriptor)
