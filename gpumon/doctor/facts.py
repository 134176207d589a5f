"""What was gathered before anything is judged. Plain values only: a test can write down any machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpumon.model.gpu import DriverReading, DriverState, GpuReading
from gpumon.model.host import CgroupReading, HostReading, SharedMemoryReading
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import SourceError

_UNREAD = Missing("not read")
_NO_DRIVER = DriverReading(DriverState.ABSENT, "not asked")
_NO_HOST = HostReading(_UNREAD, _UNREAD, _UNREAD)


class Access(str, Enum):
    """How a try to read a file of /proc ended."""

    READ = "read"
    DENIED = "denied"
    ABSENT = "absent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Look:
    """One try to read something: how it ended, and what it said or why not."""

    access: Access
    text: str = ""


READ = Look(Access.READ)


@dataclass(frozen=True, slots=True)
class Rights:
    """What gpumon may do here.

    `yama_scope` is kernel.yama.ptrace_scope, None without Yama. `container` names the kind of container
    gpumon runs in, "" outside. `hidepid` is that mount option of /proc where it hides processes from this
    user, "" where it does not; `is_pid_only` that /proc shows processes and nothing else (subset=pid).
    """

    user_id: int
    user: str
    is_ptrace_capable: bool = False
    yama_scope: int | None = None
    container: str = ""
    is_first_pid_namespace: bool = True
    hidepid: str = ""
    is_pid_only: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """The machine and the Python that gpumon runs on; `nvidia_gpus` are those on the PCI bus.

    `nvidia_module` is the version of the loaded kernel module, "" where none is loaded.
    """

    name: str
    release: str
    machine: str
    python: str
    is_64_bit_little_endian: bool = True
    is_wsl: bool = False
    nvidia_gpus: Maybe[int] = _UNREAD
    nvidia_module: str = ""
    py_spy: Maybe[str] = _UNREAD


@dataclass(frozen=True, slots=True)
class InterpreterFacts:
    """What became of looking into a process' Python.

    `kind` is "read", "switched-off", or the kind of error: "no-permission", "gone", "not-python",
    "not-running", "version-unknown", "layout-unknown", "failed".
    """

    kind: str
    text: str = ""
    version: str = ""
    threads: int = 0
    frames: int = 0


@dataclass(frozen=True, slots=True)
class ReporterFacts:
    """The reporter of `gpumon run` in a process.

    `reading` says that it answers, or why not; `is_started_by_run` is None where its environment is closed
    to us; `keeping_out` are Python's own options on its command line that keep the reporter out.
    """

    reading: Maybe[str]
    is_started_by_run: bool | None = None
    keeping_out: tuple[str, ...] = ()
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ThreadFacts:
    """The threads of a process, as far as they show what they wait for."""

    count: int
    times: Look
    wait_channel: Look
    system_call: Look


@dataclass(frozen=True, slots=True)
class Place:
    """A directory of a training: where it is and on which file system, or why that is not known."""

    name: str
    path: Maybe[str]
    kind: Maybe[str]
    mount_point: str = ""
    is_remote: bool = False


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """One process that was looked at. `is_gone` is set where it ended meanwhile.

    `reading` is the training that it is the main process of, None where gpumon knows none.
    """

    id: ProcessId
    name: str
    user_id: int
    user: str
    is_gone: bool = False
    is_stopped: bool = False
    is_torch_loaded: bool | None = None
    argv: Look = READ
    environment: Look = READ
    directory: Look = READ
    executable: Look = READ
    descriptors: Look = READ
    counters: Look = READ
    maps: Look = READ
    root: Look = READ
    log: Maybe[str] = _UNREAD
    shm: Maybe[SharedMemoryReading] = _UNREAD
    places: tuple[Place, ...] = ()
    cgroup: Maybe[CgroupReading] = _UNREAD
    threads: ThreadFacts | None = None
    interpreter: InterpreterFacts = InterpreterFacts("switched-off")
    reporter: ReporterFacts = ReporterFacts(_UNREAD)
    reading: TrainingReading | None = None


@dataclass(frozen=True, slots=True)
class TerminalFacts:
    """Where the dashboard would be drawn. `term` to `no_color` are environment variables."""

    is_terminal: bool
    columns: int = 80
    rows: int = 24
    encoding: str = "utf-8"
    term: str = ""
    colorterm: str = ""
    is_color_wanted: bool = True
    is_ascii_wanted: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was gathered. `asked_pid` is the PID on the command line, None without one.

    `pid_problem` says why that PID cannot be looked at at all.
    """

    rights: Rights
    system: System
    terminal: TerminalFacts
    driver: DriverReading = _NO_DRIVER
    gpus: tuple[GpuReading, ...] = ()
    host: HostReading = _NO_HOST
    processes: tuple[ProcessFacts, ...] = ()
    errors: tuple[SourceError, ...] = ()
    asked_pid: int | None = None
    pid_problem: str = ""
    notes: tuple[str, ...] = ()
