"""One process through /proc: what can be read of it, file by file."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from gpumon.doctor.facts import READ, Access, Look, Place, ProcessFacts, ThreadFacts
from gpumon.doctor.gather.inside import look_for_reporter, look_inside
from gpumon.frameworks.data_directory import data_directory
from gpumon.frameworks.file_view import ProcessFiles
from gpumon.model.clock import Instant
from gpumon.model.host import CgroupReading
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.text import clean
from gpumon.sources.cgroup import CgroupSource
from gpumon.sources.file_system import file_system_of, mounts_of
from gpumon.sources.proc_fields import ProcessStat, parse_stat
from gpumon.sources.proc_file import Absent, Denied, read_file, read_link, read_names
from gpumon.sources.process_details import read_command, read_user
from gpumon.sources.shm import shared_memory
from gpumon.sources.thread_state import state_letter
from gpumon.sources.users import UserNames

_COMMAND_CHARACTERS = 500
_MOST_THREADS = 64
# A thread that wakes shows no wait channel for that moment.
_CHANNEL_TRIES = 5
_NO_CHANNEL = frozenset({b"", b"0"})


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that exists: which one, its name, and the owner of what it shows."""

    id: ProcessId
    name: str
    state: str
    user_id: int


def identify(pid: int, proc_root: str = "/proc") -> Identity | None:
    """Return who process `pid` is; None where there is none to be seen."""
    stat = _stat(f"{proc_root}/{pid}")
    if stat is None:
        return None
    name = clean(stat.name.decode("utf-8", "replace"), 64)
    return Identity(ProcessId(pid, stat.start_ticks), name, stat.state, read_user(f"{proc_root}/{pid}"))


def read_process(
    who: Identity,
    now: Instant,
    *,
    reading: TrainingReading | None,
    interpreter: bool,
    proc_root: str = "/proc",
) -> ProcessFacts:
    """Return what can be read of one process; with `interpreter` False its memory is left alone."""
    pid, directory = who.id.pid, f"{proc_root}/{who.id.pid}"
    files = ProcessFiles(pid, proc_root)
    users = UserNames()
    facts = ProcessFacts(
        id=who.id,
        name=who.name,
        user_id=who.user_id,
        user=users.name(who.user_id),
        is_stopped=who.state in ("T", "t"),
        is_torch_loaded=files.has_loaded("libtorch"),
        argv=_argv(directory),
        environment=look_at(f"{directory}/environ"),
        directory=look_at_link(f"{directory}/cwd"),
        executable=look_at_link(f"{directory}/exe"),
        descriptors=_names(f"{directory}/fd"),
        counters=look_at(f"{directory}/io"),
        maps=look_at(f"{directory}/maps"),
        root=look_at_link(f"{directory}/root", shown=False),
        log=files.log_path() if reading is None else reading.training.log_path,
        shm=shared_memory(pid, proc_root),
        places=() if reading is None else _places(reading, files),
        cgroup=_cgroup(pid, now, reading),
        threads=read_threads(pid, proc_root),
        interpreter=look_inside(who.id, allowed=interpreter),
        reporter=look_for_reporter(who.id, now, reading),
        reading=reading,
    )
    return (
        facts
        if _is_there(who.id, proc_root)
        else ProcessFacts(who.id, who.name, who.user_id, facts.user, is_gone=True)
    )


def look_at(path: str) -> Look:
    """Try to read the beginning of a file."""
    return _look(read_file(path, 4096))


def look_at_link(path: str, *, shown: bool = True) -> Look:
    """Try to follow a link of /proc; `shown` puts its target into the text."""
    found = read_link(path)
    if isinstance(found, Missing):
        return _look(found)
    return Look(Access.READ, clean(found, 200) if shown else "")


def read_threads(pid: int, proc_root: str = "/proc") -> ThreadFacts | None:
    """Return what the threads of a process show; None where it has none any more."""
    names = read_names(f"{proc_root}/{pid}/task")
    if isinstance(names, Missing):
        return None
    tasks = sorted(
        (int(name) for name in names if name.isascii() and name.isdigit()), key=lambda t: (t != pid, t)
    )
    paths = [f"{proc_root}/{pid}/task/{task}" for task in tasks]
    if not paths:
        return None
    return ThreadFacts(
        count=len(paths),
        times=look_at(f"{paths[0]}/schedstat"),
        wait_channel=look_at_channels(paths[:_MOST_THREADS], look_at(f"{proc_root}/{pid}/io")),
        system_call=look_at(f"{paths[0]}/syscall"),
    )


def look_at_channels(tasks: list[str], otherwise: Look = READ) -> Look:
    """Return whether the kernel names what sleeping threads wait for.

    It answers 0 to those who may not know, and for a thread that does not sleep. Where none sleeps,
    `otherwise` decides: a look at another file that needs the same right.
    """
    refused: Look | None = None
    sleeping = False
    for _ in range(_CHANNEL_TRIES):
        for task in tasks:
            stat = read_file(f"{task}/stat", 4096)
            letter = "" if isinstance(stat, Missing) else state_letter(stat)
            channel = read_file(f"{task}/wchan", 64)
            if isinstance(channel, Missing):
                refused = _look(channel)
            elif channel.strip() not in _NO_CHANNEL:
                return Look(Access.READ, clean(channel.decode("ascii", "replace").strip(), 60))
            elif letter in ("S", "D"):
                sleeping = True
    if refused is not None:
        return refused
    if sleeping or otherwise.access is Access.DENIED:
        return Look(Access.DENIED)
    return Look(Access.READ, "no thread sleeps now")


def _look(found: Maybe[bytes] | Maybe[str]) -> Look:
    if isinstance(found, Denied):
        return Look(Access.DENIED, found.reason)
    if isinstance(found, Absent):
        return Look(Access.ABSENT, found.reason)
    return Look(Access.FAILED, found.reason) if isinstance(found, Missing) else Look(Access.READ)


def _names(path: str) -> Look:
    names = read_names(path)
    return _look(names) if isinstance(names, Missing) else Look(Access.READ, f"{len(names)} open")


def _argv(directory: str) -> Look:
    words, _ = read_command(directory)
    if not words:
        found = look_at(f"{directory}/cmdline")
        return Look(Access.ABSENT, "it has no command line") if found.access is Access.READ else found
    text = clean(shlex.join(words))
    return Look(
        Access.READ, text if len(text) <= _COMMAND_CHARACTERS else f"{text[:_COMMAND_CHARACTERS]} ..."
    )


def _stat(directory: str) -> ProcessStat | None:
    data = read_file(f"{directory}/stat", 4096)
    stat = data if isinstance(data, Missing) else parse_stat(data)
    return None if isinstance(stat, Missing) else stat


def _is_there(process: ProcessId, proc_root: str) -> bool:
    stat = _stat(f"{proc_root}/{process.pid}")
    return stat is not None and stat.state not in "ZX" and stat.start_ticks == process.start_ticks


def _cgroup(pid: int, now: Instant, reading: TrainingReading | None) -> Maybe[CgroupReading]:
    if reading is not None:
        return reading.cgroup
    source = CgroupSource(pid)
    try:
        return source.read(now)
    finally:
        source.close()


def _places(reading: TrainingReading, files: ProcessFiles) -> tuple[Place, ...]:
    """Return on which file systems the training's images and its run directory lie."""
    training = reading.training
    mounts = mounts_of(training.id.pid)
    found: list[Place] = []
    wanted = [("data", data_directory(training, files))]
    run_dir = _run_dir(reading, files)
    if not isinstance(run_dir, Missing):
        wanted.append(("run directory", run_dir))
    for name, path in wanted:
        if isinstance(path, Missing) or isinstance(mounts, Missing):
            why = path if isinstance(path, Missing) else mounts
            found.append(Place(name, path, why if isinstance(why, Missing) else Missing("not known")))
            continue
        on = file_system_of(path, mounts)
        if isinstance(on, Missing):
            found.append(Place(name, path, on))
        else:
            found.append(Place(name, clean(path, 200), on.kind, on.mount_point, on.is_remote))
    return tuple(found)


def _run_dir(reading: TrainingReading, files: ProcessFiles) -> Maybe[str]:
    path, place = reading.training.run_dir, reading.training.command_directory
    if isinstance(path, Missing) or path.startswith("/") or isinstance(place, Missing):
        return path
    return files.real_path(f"{place}/{path}")
