"""Builds the stand-in library and writes the scripts it follows.

To run a program on it: `Script(gpus=2).set(0, memory_used_bytes=GIB).write(path)`, then start the program
with `env=environment(build(), path)`. To load it into this process: the fixtures in fixtures.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

SONAME = "libnvidia-ml.so.1"
_HERE = Path(__file__).parent
_WARNINGS = ("-Wall", "-Wextra", "-Werror")
_COMPILE = ("gcc", "-std=gnu11", "-O2", *_WARNINGS, "-fPIC", "-fvisibility=hidden", "-shared")


def build(directory: Path | None = None) -> Path:
    """Return the library's path, compiled by gcc if these sources have not been compiled yet.

    It is kept under `directory` (default: a directory of this user under the system's temporary one,
    outside the checkout), named by the hash of its sources. Raises CalledProcessError if gcc refuses
    them and FileNotFoundError if there is no gcc.
    """
    base = directory or Path(tempfile.gettempdir()) / f"gpumon-nvml-stand-in-{os.getuid()}"
    sources = sorted(_HERE.glob("*.c"))
    digest = hashlib.sha256(" ".join(_COMPILE).encode())
    for path in (*sources, *sorted(_HERE.glob("*.h"))):
        digest.update(path.read_bytes())
    home = base / digest.hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    library = home / SONAME
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not library.exists():
            unfinished = home / "unfinished.so"
            command = [*_COMPILE, f"-Wl,-soname,{SONAME}", "-o", str(unfinished), *map(str, sources)]
            subprocess.run([*command, "-lm", "-lpthread"], check=True)
            unfinished.rename(library)
    return library


def environment(library: Path, script: Path, calls: Path | None = None) -> dict[str, str]:
    """Return this process's environment with which a child finds `library` and follows `script`.

    `calls`: a file that the child fills with "FUNCTION COUNT" lines when it ends.
    """
    paths = [str(library.parent), os.environ.get("LD_LIBRARY_PATH", "")]
    result = {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(path for path in paths if path),
        "GPUMON_NVML_SCRIPT": str(script),
    }
    if calls is not None:
        result["GPUMON_NVML_CALLS"] = str(calls)
    return result


class Script:
    """What the stand-in shall say, line by line (the statements are listed in script.c).

    Every method returns the script itself, so that they can be chained. `set` takes the names of
    NUMBERS in stand_in.h, and `name`, `uuid`, `serial`, `timeline`. A `gpu` of None means all.
    """

    def __init__(self, gpus: int = 1) -> None:
        self.lines = [f"gpus {gpus}"]

    def add(self, *words: object) -> Script:
        self.lines.append(" ".join(str(word) for word in words))
        return self

    def set(self, gpu: int | None = None, **values: int | str | Path) -> Script:
        for name, value in values.items():
            self.add("gpu", _which(gpu), name, value)
        return self

    def driver(self, version: str = "560.35.03", cuda: int = 12060) -> Script:
        return self.add("driver_version", version).add("cuda_version", cuda)

    def clock(self, unix_seconds: float) -> Script:
        """Freeze the stand-in's CLOCK_REALTIME, which stamps samples and moves counters."""
        return self.add("clock", repr(unix_seconds))

    def init_fails(self, code: str) -> Script:
        return self.add("init", code)

    def fail(self, function: str, code: str, *, gpu: int | None = None, every: int = 1) -> Script:
        """Let `function` ("*": all, "field:197": one field value) return `code` on every so-manieth call."""
        self.add("fail", function, code, *(() if gpu is None else ("gpu", gpu)), "every", every)
        return self

    def delay(self, function: str, microseconds: int) -> Script:
        return self.add("delay", function, microseconds)

    def lose(self, gpu: int | None = None, at_unix_seconds: float = 0) -> Script:
        return self.add("gpu", _which(gpu), "lost", repr(at_unix_seconds))

    def wave(
        self, gpu: int | None, mean: int, amplitude: int, period_microseconds: int = 7_000_000
    ) -> Script:
        """Let the utilisation follow a triangle wave around `mean` percent."""
        self.set(gpu, busy_percent=mean, wave_amplitude_percent=amplitude)
        return self.set(gpu, wave_period_microseconds=period_microseconds)

    def process(
        self,
        gpu: int | None,
        pid: int,
        memory_used_bytes: int | None,
        *,
        kind: str = "compute",
        sm_percent: int = 0,
        instance: tuple[int, int] | None = None,
    ) -> Script:
        """Add a process; memory None is NVML's NOT_AVAILABLE, `instance` the MIG GPU and compute instance."""
        memory = "na" if memory_used_bytes is None else memory_used_bytes
        return self.add("process", _which(gpu), kind, pid, memory, sm_percent, *(instance or ()))

    def processes(self, gpu: int | None, pids: Iterable[int], memory_used_bytes: int) -> Script:
        for pid in pids:
            self.process(gpu, pid, memory_used_bytes, sm_percent=3)
        return self

    def record(self, gpu: int | None, pid: int, timestamp_us: int, sm_percent: int) -> Script:
        """Add what nvmlDeviceGetProcessUtilization says; any record replaces the generated ones."""
        return self.add("record", _which(gpu), pid, timestamp_us, sm_percent)

    def samples(self, gpu: int | None, percents: Mapping[int, int]) -> Script:
        """Set the utilisation buffer: {timestamp in microseconds: percent}, oldest first."""
        for timestamp_us, percent in percents.items():
            self.add("sample", _which(gpu), timestamp_us, percent)
        return self

    def mig(self, gpu: int, instance: tuple[int, int], total: int, used: int, uuid: str) -> Script:
        return self.add("mig", gpu, *instance, total, used, uuid)

    def write(self, path: Path) -> Path:
        """Write the script in one step: the library never sees half of it."""
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text("\n".join([*self.lines, ""]), encoding="utf-8", errors="surrogateescape")
        unfinished.replace(path)
        return path


def _which(gpu: int | None) -> int | str:
    return "*" if gpu is None else gpu
