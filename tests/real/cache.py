"""The cache, outside the checkout, of what real trainings need: their environment and images."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Callable

_MARKER = "complete"


def cache_root() -> Path:
    """`$GPUMON_TEST_CACHE`, or the user's cache folder for `gpumon-tests`; made when it is not there."""
    named = os.environ.get("GPUMON_TEST_CACHE")
    root = Path(named).expanduser().absolute() if named else platformdirs.user_cache_path("gpumon-tests")
    root.mkdir(parents=True, exist_ok=True)
    return root


def digest(*parts: str) -> str:
    """Twelve hex digits that stand for a recipe: another recipe gets another folder."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def built_once(folder: Path, build: Callable[[Path], None], *, sound: Callable[[Path], bool]) -> Path:
    """`folder`, built by `build(folder)` unless a complete and sound one is there.

    A lock file beside it lets concurrent test runs wait for one builder. A virtual environment cannot be
    moved, so it is built in its final place and a marker is written last: a folder without marker is the
    rest of a broken build and is removed first. Whatever `build` raises is passed on.
    """
    marker = folder / _MARKER
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (marker.is_file() and sound(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            marker.touch()
    return folder
