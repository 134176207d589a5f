"""What the files of /proc/PID say, parsed from bytes. No parser raises: garbage is Missing.

Formats: proc_pid_stat(5), proc_pid_status(5), proc_pid_io(5), proc_pid_cmdline(5), and
Documentation/scheduler/sched-stats.rst of the kernel for schedstat.
"""

from __future__ import annotations

from typing import NamedTuple

from gpumon.model.measure import Maybe, Missing

_PF_KTHREAD = 0x00200000  # include/linux/sched.h
_MOST_ARGUMENTS = 4096
# Programs that write a title over their argv leave its rest as NULs: more than this many empty
# arguments in a row at the end are such a rest.
_MOST_EMPTY_AT_END = 8


# Named tuples: these are made for every process at every tick, at a third of a frozen dataclass's cost.
class ProcessStat(NamedTuple):
    """/proc/PID/stat (or a thread's): who it is and what it has used, in clock ticks and pages.

    `image` changes with every exec (address of the stack and of argv; zeros where hidden).
    """

    pid: int
    name: bytes
    state: str
    parent_pid: int
    is_kernel_thread: bool
    cpu_ticks: int
    threads: int
    start_ticks: int
    rss_pages: int
    last_core: int
    image: bytes


class ProcessStatus(NamedTuple):
    """The parts of /proc/PID/status that are not in stat: the real user, and the PID in each namespace.

    `namespace_pids` goes from the reader's namespace inwards; empty before Linux 4.1.
    """

    user_id: int
    namespace_pids: tuple[int, ...]


class IoCounters(NamedTuple):
    """/proc/PID/io, of all threads together, since the process started."""

    read_characters: int
    read_calls: int
    read_bytes: int
    write_bytes: int


class SchedStat(NamedTuple):
    """schedstat of one task: nanoseconds on a core, nanoseconds runnable without one, and turns on a core."""

    run_nanoseconds: int
    wait_nanoseconds: int
    turns: int


def parse_stat(data: bytes) -> Maybe[ProcessStat]:
    """Parse /proc/PID/stat. The name may hold spaces, parentheses and line ends: it ends at the last ')'."""
    opening = data.find(b"(")
    closing = data.rfind(b")")
    if opening < 0 or closing < opening:
        return Missing("its stat file could not be understood")
    fields = data[closing + 1 :].split()
    try:
        return ProcessStat(
            int(data[:opening]),
            data[opening + 1 : closing],
            chr(fields[0][0]),
            int(fields[1]),
            bool(int(fields[6]) & _PF_KTHREAD),
            int(fields[11]) + int(fields[12]),
            int(fields[17]),
            int(fields[19]),
            int(fields[21]),
            int(fields[36]),
            b" ".join((fields[25], *fields[45:46])),
        )
    except (ValueError, IndexError):
        return Missing("its stat file could not be understood")


def parse_status(data: bytes) -> Maybe[ProcessStatus]:
    """Parse the Uid and NSpid lines of /proc/PID/status (the kernel escapes line ends in Name)."""
    try:
        user_id = int(_line(data, b"\nUid:").split()[0])
        namespace_pids = tuple(int(pid) for pid in _line(data, b"\nNSpid:").split())
    except (ValueError, IndexError):
        return Missing("its status file could not be understood")
    return ProcessStatus(user_id, namespace_pids)


def _line(data: bytes, key: bytes) -> bytes:
    start = data.find(key)
    if start < 0:
        return b""
    start += len(key)
    end = data.find(b"\n", start)
    return data[start:end] if end >= 0 else data[start:]


def parse_io(data: bytes) -> Maybe[IoCounters]:
    """Parse /proc/PID/io."""
    words = data.split()
    values = dict(zip(words[::2], words[1::2], strict=False))
    try:
        return IoCounters(
            int(values[b"rchar:"]),
            int(values[b"syscr:"]),
            int(values[b"read_bytes:"]),
            int(values[b"write_bytes:"]),
        )
    except (KeyError, ValueError):
        return Missing("its io file could not be understood")


def parse_schedstat(data: bytes) -> Maybe[SchedStat]:
    """Parse the schedstat file of one task."""
    words = data.split()
    try:
        return SchedStat(int(words[0]), int(words[1]), int(words[2]))
    except (ValueError, IndexError):
        return Missing("its schedstat file could not be understood")


def parse_sleeps(data: bytes) -> Maybe[int]:
    """Parse the voluntary context switches of /proc/PID/task/TID/status."""
    try:
        return int(_line(data, b"\nvoluntary_ctxt_switches:"))
    except ValueError:
        return Missing("its status file could not be understood")


def parse_pss(data: bytes) -> Maybe[int]:
    """Parse the Pss line of /proc/PID/smaps_rollup, in bytes."""
    try:
        return int(_line(data, b"\nPss:").split()[0]) * 1024
    except (ValueError, IndexError):
        return Missing("it has no memory of its own")


def split_arguments(data: bytes) -> tuple[tuple[bytes, ...], bool]:
    """Split /proc/PID/cmdline at its NULs, keeping empty arguments; tell whether that is exactly argv.

    It is not where the program wrote a title over its argv, or where there are too many arguments.
    """
    if not data:
        return (), True
    is_whole = data.endswith(b"\0")
    pieces = data.split(b"\0")
    if is_whole:
        pieces.pop()
    written_over = len(data) - len(data.rstrip(b"\0")) > _MOST_EMPTY_AT_END + 1
    if written_over:
        while pieces and not pieces[-1]:
            pieces.pop()
    exact = is_whole and not written_over and len(pieces) <= _MOST_ARGUMENTS
    return tuple(pieces[:_MOST_ARGUMENTS]), exact
