"""The CPython interpreters that are installed on this machine, one of each version and build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OLDEST, NEWEST = (3, 8), (3, 14)
_PROGRAM = (
    "import sys, sysconfig;"
    "print(*sys.version_info[:2], sysconfig.get_config_var('Py_GIL_DISABLED') or 0,"
    # Debian says that it has a shared library, but its program does not use it.
    " int('libpython' in open('/proc/self/maps').read()), sysconfig.get_path('include'), sep='\\n')"
)


@dataclass(frozen=True, slots=True)
class Installed:
    """An interpreter: its program, version, whether it has a shared libpython, and its headers' directory."""

    program: Path
    version: tuple[int, int]
    shared: bool
    include: Path

    def __str__(self) -> str:
        return "{}.{}-{}".format(*self.version, "shared" if self.shared else "static")


def _places() -> list[Path]:
    versions = Path.home() / ".pyenv" / "versions"
    # Further ones, separated by colons.
    named = [Path(one) for one in os.environ.get("GPUMON_TEST_PYTHONS", "").split(":") if one]
    places = [*named, Path(sys.executable), *sorted(versions.glob("*/bin/python3"))]
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        places += [Path("/usr/bin", f"python3.{minor}"), Path("/usr/local/bin", f"python3.{minor}")]
        found = shutil.which(f"python3.{minor}")
        places += [Path(found)] if found else []
    return [place for place in places if place.exists()]


@cache
def installed() -> tuple[Installed, ...]:
    """Return the interpreters that the reader should understand, the running one among them."""
    found: dict[str, Installed] = {}
    for place in _places():
        told = subprocess.run([place, "-c", _PROGRAM], capture_output=True, text=True, check=False)
        if told.returncode:
            continue
        major, minor, free_threaded, shared, include = told.stdout.split("\n")[:5]
        version = int(major), int(minor)
        if OLDEST <= version <= NEWEST and free_threaded == "0":
            one = Installed(place.resolve(), version, shared == "1", Path(include))
            found.setdefault(str(one), one)
    return tuple(sorted(found.values(), key=str))
