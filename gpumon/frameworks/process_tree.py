"""The processes of a scan by parent, and what is known of the machine they run on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gpumon.advice.knobs.launch import Launch, is_python, read_launch
from gpumon.frameworks.file_view import FileViewFactory
from gpumon.model.measure import known
from gpumon.model.process import ProcessId, ProcessSeen

WORKER_NAME = "pt_data_worker"
LAUNCHER_NAME = "pt_elastic"
# What a training in a notebook is called.
NOTEBOOK = "notebook"
# Of a simulated training: where the timeline of its virtual GPU lies.
VIRTUAL_GPU_VARIABLE = "GPUMON_VIRTUAL_GPU"
# Commands that are taken apart once; of a machine with more processes than this some are again.
_MOST_LAUNCHES = 2048


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the trainings run: how to see their files, which PIDs hold GPU memory, how many cores and GPUs.

    `visible_gpus` is the number of GPUs of the machine, None where it is not known. `shell` are the variables
    of the shell that commands are given for: that of gpumon itself.
    """

    files: FileViewFactory
    gpu_pids: frozenset[int] = frozenset()
    visible_gpus: int | None = None
    cores: int | None = None
    boot_unix_seconds: float | None = None
    ticks_per_second: int = 100
    shell: Mapping[str, str] = field(default_factory=dict)

    def started_unix_seconds(self, process: ProcessId) -> float | None:
        """Return when a process was started, or None where the boot time is not known."""
        if self.boot_unix_seconds is None:
            return None
        return self.boot_unix_seconds + process.start_ticks / self.ticks_per_second


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """The processes of one scan, by PID and by parent."""

    by_pid: dict[int, ProcessSeen] = field(default_factory=dict)
    by_parent: dict[int, list[ProcessSeen]] = field(default_factory=dict)

    @classmethod
    def of(cls, processes: Iterable[ProcessSeen]) -> ProcessTree:
        """Build the tree."""
        tree = cls()
        for process in processes:
            tree.by_pid[process.id.pid] = process
            tree.by_parent.setdefault(process.parent_pid, []).append(process)
        return tree

    def parent(self, process: ProcessSeen) -> ProcessSeen | None:
        """Return the parent, where it is in the scan."""
        return self.by_pid.get(process.parent_pid)

    def children(self, process: ProcessSeen) -> tuple[ProcessSeen, ...]:
        """Return the children in the order of their start."""
        found = self.by_parent.get(process.id.pid, ())
        return tuple(sorted(found, key=lambda child: (child.id.start_ticks, child.id.pid)))

    def ancestors(self, process: ProcessSeen) -> Iterator[ProcessSeen]:
        """Yield parent, grandparent and so on; a loop in the parents (two racing reads) ends it."""
        seen = {process.id.pid}
        above = self.parent(process)
        while above is not None and above.id.pid not in seen:
            seen.add(above.id.pid)
            yield above
            above = self.parent(above)

    def descendants(self, process: ProcessSeen) -> tuple[ProcessSeen, ...]:
        """Return all processes below, in the order of their start."""
        found: list[ProcessSeen] = []
        seen = {process.id.pid}
        pending = [process]
        while pending:
            for child in self.by_parent.get(pending.pop().id.pid, ()):
                if child.id.pid not in seen:
                    seen.add(child.id.pid)
                    found.append(child)
                    pending.append(child)
        return tuple(sorted(found, key=lambda child: (child.id.start_ticks, child.id.pid)))


def launch_of(process: ProcessSeen) -> Launch | None:
    """Take the argv of a process apart, if it is a Python process."""
    return _launch(process.command, known(process.executable))


# Each scan asks it several times of each process, and argv stays as it is until another program runs.
@lru_cache(maxsize=_MOST_LAUNCHES)
def _launch(command: tuple[str, ...], executable: str | None) -> Launch | None:
    return read_launch(command, python=executable is not None and is_python(executable))


def is_python_like(process: ProcessSeen) -> bool:
    """Tell whether a process may be part of a training: a Python process, or one torch has named."""
    return process.name.startswith("pt_") or launch_of(process) is not None


def variable(process: ProcessSeen, name: str) -> str | None:
    """Return an environment variable of a process, or None where it is not set or hidden."""
    environment = known(process.environment) or ()
    return next((value for key, value in environment if key == name), None)


def whole(text: str | None) -> int | None:
    """Return the whole number in `text`, or None."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def is_helper(process: ProcessSeen) -> bool:
    """Tell whether this is one of multiprocessing's own processes: resource tracker or fork server."""
    text = " ".join(process.command[:4])
    return "multiprocessing.resource_tracker" in text or "multiprocessing.forkserver" in text


def is_spawned(process: ProcessSeen) -> bool:
    """Tell whether multiprocessing spawned this process (`--multiprocessing-fork` in its argv)."""
    return "--multiprocessing-fork" in process.command


def is_worker(process: ProcessSeen) -> bool:
    """Tell whether torch (2.5 and later) has named this process a DataLoader worker."""
    return process.name == WORKER_NAME


def absolute(path: str, directory: str | None) -> str | None:
    """Return `path` as an absolute one; None where it is relative to an unknown directory."""
    if path.startswith("/"):
        return path
    return None if directory is None else f"{directory.rstrip('/')}/{path}"
