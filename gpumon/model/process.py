"""Processes and threads at one instant."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.kinds import Role as Role  # noqa: PLC0414 - a name of this module too
from gpumon.model.measure import Maybe, Missing

_UNREAD = Missing("not read")


@dataclass(frozen=True, slots=True, order=True)
class ProcessId:
    """A process for good: PIDs are used again, (PID, start time) is not.

    `start_ticks` is field 22 of /proc/PID/stat, in clock ticks after boot.
    """

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """A process as a scan of /proc finds it: enough to tell who it is. All text is cleaned.

    `command` keeps empty arguments; `command_is_exact` is False where cleaning or a limit changed it.
    `environment` holds only the variables that gpumon asks for, where they may be read.
    """

    id: ProcessId
    parent_pid: int
    name: str
    command: tuple[str, ...]
    user_id: int
    command_is_exact: bool = True
    working_directory: Maybe[str] = _UNREAD
    executable: Maybe[str] = _UNREAD
    environment: Maybe[tuple[tuple[str, str], ...]] = _UNREAD
    pid_in_container: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """One process of a training at one instant; rates and shares are since the last reading.

    `cpu_busy_ratio` is in cores (1.0 = one core busy). `run_queue_wait_ratio` is time spent runnable but
    not running, from schedstat. `read_calls_per_second` is syscr of /proc/PID/io.
    """

    id: ProcessId
    parent_pid: int
    role: Role
    name: str
    command: tuple[str, ...]
    user: str
    state: str
    cpu_busy_ratio: Maybe[float] = _UNREAD
    run_queue_wait_ratio: Maybe[float] = _UNREAD
    cpu_seconds_total: Maybe[float] = _UNREAD
    threads: Maybe[int] = _UNREAD
    memory_rss_bytes: Maybe[int] = _UNREAD
    memory_pss_bytes: Maybe[int] = _UNREAD
    read_bytes_per_second: Maybe[float] = _UNREAD
    write_bytes_per_second: Maybe[float] = _UNREAD
    read_characters_per_second: Maybe[float] = _UNREAD
    read_calls_per_second: Maybe[float] = _UNREAD
    last_core: Maybe[int] = _UNREAD


@dataclass(frozen=True, slots=True)
class ThreadStates:
    """How often one thread was seen in each state since the last reading (counts of samples).

    Classes (facts of the kernel, by state, wchan and syscall): `running` R; `polling` S in poll with
    torch's 5 s timeout on one descriptor; `futex_timed` S in a futex with a timeout; `futex_untimed`;
    `disk` D; `remote` S or D in an RPC or FUSE wait; `sleeping` any other S; `stopped` T or t.
    `receiving` are those of `sleeping` that read from a Unix socket, as who is handed a batch does.

    `turns_per_second` are turns on a core, `sleeps_per_second` those that ended because the thread itself
    had to wait (schedstat's third number and the voluntary context switches).
    """

    id: ProcessId
    thread_id: int
    samples: int
    running: int = 0
    polling: int = 0
    futex_timed: int = 0
    futex_untimed: int = 0
    disk: int = 0
    remote: int = 0
    sleeping: int = 0
    stopped: int = 0
    receiving: int = 0
    cpu_busy_ratio: Maybe[float] = _UNREAD
    run_queue_wait_ratio: Maybe[float] = _UNREAD
    turns_per_second: Maybe[float] = _UNREAD
    sleeps_per_second: Maybe[float] = _UNREAD
