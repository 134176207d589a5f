"""All user processes of the machine, for the search for trainings."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId, ProcessSeen
from gpumon.model.text import clean
from gpumon.sources.proc_fields import ProcessStat, parse_stat
from gpumon.sources.proc_file import read_file, read_names
from gpumon.sources.process_details import (
    VARIABLES,
    decode,
    read_command,
    read_environment,
    read_path,
    read_status,
    read_user,
)
from gpumon.sources.users import UserNames

_CHECK_EVERY = 4
_MOST_PROCESSES = 100_000
_PYTHONIC = ("python", "pt_", "yolo", "torchrun", "accelerate", "ipython", "jupyter")

Wanted = Callable[[str, tuple[str, ...]], bool]


def is_python(name: str, command: tuple[str, ...]) -> bool:
    """Tell whether a process may be a Python program: by its name, its program, or its script's."""
    return name.startswith(_PYTHONIC) or any(
        argument.rpartition("/")[2].startswith(_PYTHONIC) or argument.endswith(".py")
        for argument in command[:4]
    )


@dataclass(slots=True)
class _Known:
    """A process seen before. `stamp` changes when it runs another program or takes another name."""

    inode: int
    stamp: tuple[bytes, bytes]
    seen: ProcessSeen
    is_wanted: bool
    scans: int = 0


class ProcessScanner:
    """Finds all processes but kernel threads and zombies, and remembers what it has read of each.

    Of every process: PID, start, parent, name, argv, user. Of those for which `wanted(name, argv)` holds
    (Python programs by default), also directory, executable, the variables in `variables` and the PID in
    the innermost namespace. A rescan reads one small file (10 us) of each wanted and each new process,
    and of every fourth of the others: a process that was no Python program becomes one by exec, which is
    then seen at the fourth scan at the latest.
    """

    def __init__(
        self,
        proc_root: str = "/proc",
        wanted: Wanted = is_python,
        variables: Collection[str] = VARIABLES,
        users: UserNames | None = None,
    ) -> None:
        self._root = proc_root
        self._wanted = wanted
        self._variables = tuple(variables)
        self._users = users or UserNames()
        self._known: dict[int, _Known] = {}
        # PIDs and inodes of kernel threads, of which a big machine has a thousand.
        self._kernel_threads: dict[int, int] = {}
        self._scans = 0

    def scan(self, also: Collection[int] = ()) -> tuple[ProcessSeen, ...]:
        """Return the processes in order of PID. Those in `also` (PIDs on a GPU, say) are always wanted."""
        names = read_names(self._root)
        if isinstance(names, Missing):
            return ()
        pids = sorted(int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 11)
        known: dict[int, _Known] = {}
        self._scans += 1
        for pid in pids[:_MOST_PROCESSES]:
            inode = names.get(str(pid), 0)
            if self._kernel_threads.get(pid, -1) == inode:
                continue
            entry = self._look(pid, inode, pid in also)
            if entry is not None:
                known[pid] = entry
        self._known = known
        if len(self._kernel_threads) > len(pids):
            self._kernel_threads.clear()
        return tuple(entry.seen for entry in known.values())

    def _look(self, pid: int, inode: int, always: bool) -> _Known | None:
        before = self._known.get(pid)
        if before is not None and before.inode == inode:
            before.scans += 1
            settled = before.scans >= _CHECK_EVERY and not before.is_wanted and not always
            if settled and (pid + self._scans) % _CHECK_EVERY:
                return before
        data = read_file(f"{self._root}/{pid}/stat", 4096)
        stat = data if isinstance(data, Missing) else parse_stat(data)
        if isinstance(stat, Missing) or stat.state in "ZX":
            return None
        if stat.is_kernel_thread:
            self._kernel_threads[pid] = inode
            return None
        stamp = (stat.name, stat.image)
        if before is not None and before.seen.id.start_ticks == stat.start_ticks and before.stamp == stamp:
            before.inode = inode
            # The parent changes when it dies (to init, or a subreaper).
            if before.seen.parent_pid != stat.parent_pid:
                before.seen = replace(before.seen, parent_pid=stat.parent_pid)
            if always and not before.is_wanted:
                before.seen = self._details(before.seen)
                before.is_wanted = True
            return before
        seen = self._read(pid, stat)
        wanted = always or self._wanted(seen.name, seen.command)
        return _Known(inode, stamp, self._details(seen) if wanted else seen, wanted)

    def _read(self, pid: int, stat: ProcessStat) -> ProcessSeen:
        directory = f"{self._root}/{pid}"
        command, exact = read_command(directory)
        return ProcessSeen(
            id=ProcessId(pid, stat.start_ticks),
            parent_pid=stat.parent_pid,
            name=clean(decode(stat.name), 64),
            command=command,
            user_id=read_user(directory),
            command_is_exact=exact,
        )

    def _details(self, seen: ProcessSeen) -> ProcessSeen:
        directory = f"{self._root}/{seen.id.pid}"
        status = read_status(directory)
        user_id = seen.user_id if isinstance(status, Missing) else status.user_id
        inner = () if isinstance(status, Missing) else status.namespace_pids[1:]
        return replace(
            seen,
            user_id=user_id,
            working_directory=read_path(f"{directory}/cwd", user_id, self._users),
            executable=read_path(f"{directory}/exe", user_id, self._users),
            environment=read_environment(directory, self._variables, user_id, self._users),
            pid_in_container=inner[-1] if inner else None,
        )


def nspid(pid: int, proc_root: str = "/proc") -> int | None:
    """Return the PID of `pid` in its own innermost namespace; None where that is not known."""
    status = read_status(f"{proc_root}/{pid}")
    if isinstance(status, Missing) or not status.namespace_pids:
        return None
    return status.namespace_pids[-1]
