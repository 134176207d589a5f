"""The stand-in loaded into the process of the tests, behind the real pynvml."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import ModuleType

import pynvml

from gpumon.model.clock import Instant
from tests.nvml_stand_in.stand_in import Script

# When the tests' time begins: Unix and monotonic seconds, far apart on purpose.
UNIX_START = 1_790_000_000.0
MONOTONIC_START = 5_000.0


def at(seconds: float) -> Instant:
    """Return the instant so many seconds after the tests' time began."""
    return Instant(UNIX_START + seconds, MONOTONIC_START + seconds)


class FixedClock:
    """A clock that tells what it was told."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def now(self) -> Instant:
        return at(self.seconds)


class Stage:
    """The stand-in in this process: plays scripts, counts calls.

    glibc resolves pynvml's dlopen("libnvidia-ml.so.1") to a library of that SONAME which is loaded already.
    """

    def __init__(self, library: Path, script: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.standin_calls.restype = ctypes.c_uint64
        self._script = script
        self.pynvml: ModuleType = pynvml
        loaded = pynvml.nvmlLib
        if loaded is not None and loaded._handle != self._library._handle:
            # Another test met a real driver here: let pynvml load anew.
            pynvml.nvmlLib = None
            pynvml._nvmlGetFunctionPointer_cache.clear()

    def play(self, script: Script, seconds: float | None = None) -> None:
        """Follow `script` from now on; with `seconds` its clock stands there, counted as in `at`."""
        if seconds is not None:
            script.clock(UNIX_START + seconds)
        script.write(self._script)
        self._library.standin_reload()

    def calls(self, function: str) -> int:
        """Return how often the C function has been called since the test began."""
        count: int = self._library.standin_calls(function.encode())
        return count

    def reset(self) -> None:
        """Forget the script, the calls, and that nvmlInit was called."""
        self._library.standin_reset()
