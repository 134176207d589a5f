"""What /proc tells of one process: its command, its files, its places, its threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpumon.doctor.check import Check, Remedy, State, Tier
from gpumon.doctor.facts import Access, Look, Place, ProcessFacts, Rights
from gpumon.doctor.rights import Need, remedies, why_refused
from gpumon.model.measure import Missing
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Phase
from gpumon.paint.numbers import bytes_text

_REDIRECT = Remedy("send its output to a file when it is started", "python train.py ... > train.log 2>&1")
_FIND = Remedy("let gpumon find the training, or give a PID of it", "gpumon doctor")
_RUN_AGAIN = Remedy("ask again when it trains", "gpumon doctor")
_SHM = "/dev/shm"  # noqa: S108 - a word to show
_INSIDE = Remedy("run gpumon inside the container of the training", "docker exec -it CONTAINER gpumon")
_THREAD_TITLES = {"states": "states", "wait_channel": "wait channels", "system_call": "system calls"}
_FILES = (
    ("argv", "command"),
    ("environment", "environment"),
    ("directory", "directory"),
    ("executable", "executable"),
    ("descriptors", "descriptors"),
    ("counters", "read counters"),
    ("maps", "memory map"),
    ("root", "root"),
)


def gone_check(process: ProcessFacts) -> Check:
    """Return the check of a process that ended while it was looked at."""
    text = "it ended while gpumon looked at it"
    subject = f"process {process.id.pid}"
    return Check("process.exists", Tier.PROCESS, "process", State.MISSING, text, subject, (_FIND,))


def process_checks(process: ProcessFacts, rights: Rights) -> Iterator[Check]:
    """Yield who it is and which of its files can be read."""
    yield _training(process)
    for name, title in _FILES:
        yield _file(process, rights, name, title)
    yield _log(process)
    if process.reading is not None:
        yield _run_dir(process, process.reading)
    for place in process.places:
        yield _place(place, _subject(process))
    yield _shm(process, rights)


def thread_checks(process: ProcessFacts, rights: Rights) -> Iterator[Check]:
    """Yield what the states of its threads show."""
    threads = process.threads
    if threads is None:
        return
    many = f"{threads.count} thread{'s' if threads.count != 1 else ''}"
    yield _thread(process, rights, "states", _said(threads.times, many), Need.READ)
    channel, call = threads.wait_channel, threads.system_call
    yield _thread(process, rights, "wait_channel", channel, Need.READ)
    found = _thread(process, rights, "system_call", call, Need.ATTACH)
    if found.is_short and channel.access is Access.READ:
        found = replace(found, text=f"{found.text}: wait channels stand in, locks are not told")
    yield found


def _subject(process: ProcessFacts) -> str:
    return f"process {process.id.pid}"


def _training(process: ProcessFacts) -> Check:
    name, tier, title, subject = "process.training", Tier.PROCESS, "training", _subject(process)
    reading = process.reading
    if reading is None:
        text, helps = _no_training(process)
        return Check(name, tier, title, State.LIMITED, text, subject, helps)
    training = reading.training
    simulated = "simulated " if training.simulated else ""
    text = f"{simulated}{training.framework} {training.name} of user {process.user}"
    if reading.ended is not None:
        text = f"{text} has ended: {reading.ended.text}"
        return Check(name, tier, title, State.LIMITED, text, subject, (_FIND,))
    if process.is_stopped:
        text, helps = f"{text} is stopped (SIGSTOP, Ctrl-Z)", (_let_run_on(process),)
        return Check(name, tier, title, State.LIMITED, text, subject, helps)
    return Check(name, tier, title, State.OK, text, subject)


def _no_training(process: ProcessFacts) -> tuple[str, tuple[Remedy, ...]]:
    """Return why gpumon takes a process for no training, and what helps."""
    text = f"{process.name} is no training that gpumon knows"
    if process.interpreter.kind == "not-python":
        return f"{text}: it runs no Python", (_FIND,)
    if process.is_torch_loaded is None:
        return text, (_FIND,)
    if not process.is_torch_loaded:
        return f"{text}: torch is not loaded in it", (_FIND,)
    if process.is_stopped:
        return f"{text}: it is stopped (SIGSTOP, Ctrl-Z)", (_let_run_on(process),)
    again = Remedy("ask again when it trains", f"gpumon doctor {process.id.pid}")
    text = f"{text}: torch is loaded, but no DataLoader worker and no GPU memory was seen yet"
    return text, (again,)


def _let_run_on(process: ProcessFacts) -> Remedy:
    return Remedy("let it run on", f"kill -CONT {process.id.pid}")


def _file(process: ProcessFacts, rights: Rights, name: str, title: str) -> Check:
    look: Look = getattr(process, name)
    subject = _subject(process)
    if look.access is Access.READ:
        return Check(f"process.{name}", Tier.PROCESS, title, State.OK, look.text, subject)
    text, helps = _why(process, rights, look, Need.READ), _helps(process, rights, look, Need.READ)
    state = State.LIMITED if look.access is Access.DENIED else State.NOTE
    return Check(f"process.{name}", Tier.PROCESS, title, state, text, subject, helps)


def _log(process: ProcessFacts) -> Check:
    subject, title = _subject(process), "log"
    if not isinstance(process.log, Missing):
        return Check("process.log", Tier.PROCESS, title, State.OK, process.log, subject)
    if process.descriptors.access is Access.DENIED:
        text = "where its output goes is not seen"
        return Check("process.log", Tier.PROCESS, title, State.NOTE, text, subject)
    helps = () if process.reading is None else (_REDIRECT,)
    return Check("process.log", Tier.PROCESS, title, State.NOTE, process.log.reason, subject, helps)


def _run_dir(process: ProcessFacts, reading: TrainingReading) -> Check:
    subject, title, found = _subject(process), "run directory", reading.training.run_dir
    if not isinstance(found, Missing):
        return Check("process.run_dir", Tier.PROCESS, title, State.OK, found, subject)
    may_come = reading.phase is Phase.START and reading.training.framework != "torch"
    helps = (_RUN_AGAIN,) if may_come else ()
    return Check("process.run_dir", Tier.PROCESS, title, State.NOTE, found.reason, subject, helps)


def _place(place: Place, subject: str) -> Check:
    name = f"process.{place.name.replace(' ', '_')}_file_system"
    title = f"{place.name} on"
    for value in (place.path, place.kind):
        if isinstance(value, Missing):
            helps = (_INSIDE,) if "container" in value.reason else ()
            return Check(name, Tier.PROCESS, title, State.NOTE, value.reason, subject, helps)
    far = ", remote: every read goes over the network" if place.is_remote else ""
    text = f"{place.kind} at {place.mount_point}{far} ({place.path})"
    return Check(name, Tier.PROCESS, title, State.OK, text, subject)


def _shm(process: ProcessFacts, rights: Rights) -> Check:
    subject, shm = _subject(process), process.shm
    if not isinstance(shm, Missing):
        text = f"{bytes_text(shm.shm_free_bytes)} of {bytes_text(shm.shm_total_bytes)} free"
        return Check("process.shm", Tier.PROCESS, _SHM, State.OK, text, subject)
    if process.root.access is Access.DENIED:
        text = _why(process, rights, process.root, Need.READ)
        helps = _helps(process, rights, process.root, Need.READ)
        return Check("process.shm", Tier.PROCESS, _SHM, State.LIMITED, text, subject, helps)
    return Check("process.shm", Tier.PROCESS, _SHM, State.NOTE, shm.reason, subject)


def _thread(process: ProcessFacts, rights: Rights, name: str, look: Look, need: Need) -> Check:
    subject, title = _subject(process), _THREAD_TITLES[name]
    if look.access is Access.READ:
        return Check(f"threads.{name}", Tier.THREADS, title, State.OK, look.text, subject)
    state = State.LIMITED if look.access is Access.DENIED else State.NOTE
    why, helps = _why(process, rights, look, need), _helps(process, rights, look, need)
    return Check(f"threads.{name}", Tier.THREADS, title, state, why, subject, helps)


def _said(look: Look, text: str) -> Look:
    """Return a look that says `text` where it saw something."""
    return replace(look, text=text) if look.access is Access.READ else look


def _why(process: ProcessFacts, rights: Rights, look: Look, need: Need) -> str:
    if look.access is Access.DENIED:
        return why_refused(rights, process.user_id, process.user, need)
    return look.text


def _helps(process: ProcessFacts, rights: Rights, look: Look, need: Need) -> tuple[Remedy, ...]:
    if look.access is not Access.DENIED:
        return ()
    return remedies(rights, process.user_id, process.user, need, process.id.pid)
