"""Looking inside a process: its interpreter, py-spy in its place, the reporter of `gpumon run`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from gpumon.doctor.check import Check, Remedy, State, Tier, by
from gpumon.doctor.facts import InterpreterFacts, ProcessFacts, Rights, System
from gpumon.doctor.rights import WITH_REPORTER, Need, remedies, why_refused
from gpumon.model.measure import Missing

_PY_SPY = Remedy("install py-spy, which knows more interpreters", "pip install 'gpumon[pyspy]'")
_RUN_AGAIN = Remedy("ask again in a few seconds", "gpumon doctor")
_ALLOW = Remedy("leave --no-interpreter (GPUMON_INTERPRETER, or interpreter in the config file) out")
# A reporter that has not answered by then will not any more.
REPORTER_PATIENCE_SECONDS = 10.0
_LONGEST_COMMAND = 400
# An interpreter is there, and what gpumon knows of interpreters does not fit it.
_UNKNOWN = ("version-unknown", "layout-unknown")


def interpreter_checks(process: ProcessFacts, rights: Rights, system: System) -> Iterator[Check]:
    """Yield whether its Python can be looked into, whether the monitor does, and what py-spy is for."""
    subject, facts = f"process {process.id.pid}", process.interpreter
    yield _memory(process, rights, system, subject)
    frames = _frames(process, subject)
    if frames is not None:
        yield frames
    yield py_spy_check(system, facts, subject)


def py_spy_check(system: System, facts: InterpreterFacts | None, subject: str = "") -> Check:
    """Return whether py-spy is there; it is needed only where gpumon cannot read a layout itself."""
    is_needed = facts is not None and facts.kind in _UNKNOWN
    if not isinstance(system.py_spy, Missing):
        text = f"{system.py_spy}, {'reads in place of gpumon' if is_needed else 'not needed'}"
        return Check("interpreter.py_spy", Tier.INTERPRETER, "py-spy", State.OK, text, subject)
    if is_needed:
        text = "not installed, and gpumon does not know this interpreter"
        return Check(
            "interpreter.py_spy", Tier.INTERPRETER, "py-spy", State.LIMITED, text, subject, (_PY_SPY,)
        )
    text = "not installed: needed only for interpreters that gpumon does not know"
    return Check("interpreter.py_spy", Tier.INTERPRETER, "py-spy", State.NOTE, text, subject, (_PY_SPY,))


def reporter_checks(process: ProcessFacts) -> Iterator[Check]:
    """Yield whether the training tells its own figures."""
    subject, facts, title = f"process {process.id.pid}", process.reporter, "reporter"
    reading = facts.reading
    if not isinstance(reading, Missing):
        text = "answers: batches and waits are exact"
        yield Check("reporter.answers", Tier.REPORTER, title, State.OK, text, subject)
        return
    if not facts.is_started_by_run:
        # Where the environment is closed to us that is the reason.
        text = (
            reading.reason
            if facts.is_started_by_run is None
            else "not started by `gpumon run`: figures are sampled"
        )
        offer = () if process.reading is None else (_restart(process),)
        yield Check("reporter.answers", Tier.REPORTER, title, State.NOTE, text, subject, offer)
        return
    text, helps = _silence(process)
    late = (
        bool(facts.keeping_out)
        or facts.age_seconds > REPORTER_PATIENCE_SECONDS
        or "answered yet" not in reading.reason
    )
    state = State.LIMITED if late else State.NOTE
    yield Check("reporter.answers", Tier.REPORTER, title, state, text, subject, helps)


def _memory(process: ProcessFacts, rights: Rights, system: System, subject: str) -> Check:
    facts, state = process.interpreter, State.LIMITED
    helps: tuple[Remedy, ...] = (WITH_REPORTER,)
    text = facts.text
    if facts.kind == "read":
        threads, frames = _counted(facts.threads, "thread"), _counted(facts.frames, "frame")
        text = f"{facts.version}, self-test passed: {threads}, {frames} in the main one"
        state, helps = State.OK, ()
    elif facts.kind == "switched-off":
        state, text, helps = State.NOTE, "switched off: memory is left alone", (_ALLOW,)
    elif facts.kind == "no-permission":
        text = why_refused(rights, process.user_id, process.user, Need.ATTACH)
        helps = remedies(rights, process.user_id, process.user, Need.ATTACH, process.id.pid)
    elif facts.kind == "not-python":
        state, text, helps = State.NOTE, "no CPython 3 was found in it", ()
    elif facts.kind == "not-running":
        helps = (_RUN_AGAIN,)
    elif facts.kind in _UNKNOWN and isinstance(system.py_spy, Missing):
        helps = (_PY_SPY, WITH_REPORTER)
    elif facts.kind in _UNKNOWN:
        # py-spy reads in its place.
        state = State.NOTE
    return Check("interpreter.memory", Tier.INTERPRETER, "interpreter", state, text, subject, helps)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _frames(process: ProcessFacts, subject: str) -> Check | None:
    """Return whether the monitor did look at the frames, where its memory can be read."""
    reading = process.reading
    is_readable = process.interpreter.kind in ("read", *_UNKNOWN)
    if reading is None or not is_readable:
        return None
    found, title = reading.interpreter, "frames"
    name, tier = "interpreter.frames", Tier.INTERPRETER
    if not isinstance(found, Missing):
        return Check(name, tier, title, State.OK, f"looked at {by(found)}", subject)
    if reading.training.simulated:
        return Check(name, tier, title, State.NOTE, found.reason, subject)
    helps = (_PY_SPY,) if "py-spy" in found.reason else (_RUN_AGAIN,)
    return Check(name, tier, title, State.LIMITED, found.reason, subject, helps)


def _silence(process: ProcessFacts) -> tuple[str, tuple[Remedy, ...]]:
    """Return why a reporter that should answer does not, and what helps."""
    facts = process.reporter
    started = "`gpumon run` started it"
    if facts.keeping_out:
        flags = " and ".join(facts.keeping_out)
        text = f"{started}, but python {flags} keeps the reporter out: figures are sampled"
        return text, (Remedy(f"start it again without {flags}", "gpumon run -- python train.py ..."),)
    reason = facts.reading.reason if isinstance(facts.reading, Missing) else ""
    if "another version" in reason:
        helps = Remedy("start the training again with the gpumon that watches it", WITH_REPORTER.command)
        return f"{started}: {reason}", (helps,)
    if facts.age_seconds <= REPORTER_PATIENCE_SECONDS and "answered yet" in reason:
        return f"{started}, it has not answered yet", (_RUN_AGAIN,)
    text = (
        f"{started}, but no reporter answers: {reason}" if reason else f"{started}, but no reporter answers"
    )
    room = Remedy("make room where its report lies, then start it again", "df -h /dev/shm /tmp")
    alone = Remedy("start Python itself without -I, -E and -S, and with PYTHONPATH as gpumon set it")
    return text, (room, alone)


def _restart(process: ProcessFacts) -> Remedy:
    """Return how the training would be started with the reporter."""
    text = "for exact figures start it with gpumon's reporter in it"
    reading = process.reading
    if reading is None or reading.training.simulated or not reading.training.command_is_exact:
        return Remedy(text, WITH_REPORTER.command)
    words = shlex.join(reading.training.command)
    if not words or len(words) > _LONGEST_COMMAND:
        return Remedy(text, WITH_REPORTER.command)
    return Remedy(text, f"gpumon run -- {words}")
