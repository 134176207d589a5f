"""The interpreter, py-spy in its place, and the reporter of `gpumon run`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.doctor.check import Check, State
from gpumon.doctor.checks.inside import interpreter_checks, py_spy_check, reporter_checks
from gpumon.doctor.facts import InterpreterFacts, ProcessFacts, ReporterFacts, Rights, System
from gpumon.model.measure import Maybe, Missing
from tests.doctor.scene import ANN_RIGHTS, PROCESS, READING, SYSTEM, by_id, commands

PY_SPY = "pip install 'gpumon[pyspy]'"
RUN = "gpumon run -- python train.py ..."
WITHOUT_PY_SPY = replace(SYSTEM, py_spy=Missing("not installed"))
UNKNOWN = InterpreterFacts("version-unknown", "Python 3.15 is not known here")
NOT_YET = Missing("its reporter has not answered yet")


def _checks(
    kind: str,
    text: str = "why",
    *,
    system: System = SYSTEM,
    rights: Rights = ANN_RIGHTS,
    process: ProcessFacts = PROCESS,
) -> dict[str, Check]:
    facts = InterpreterFacts(kind, text)
    return by_id(interpreter_checks(replace(process, interpreter=facts), rights, system))


def _reporter(
    reading: Maybe[str],
    *,
    is_started: bool | None = True,
    flags: tuple[str, ...] = (),
    age: float = 60.0,
    process: ProcessFacts = PROCESS,
) -> Check:
    facts = ReporterFacts(reading, is_started, flags, age)
    return by_id(reporter_checks(replace(process, reporter=facts)))["reporter.answers"]


def test_an_interpreter_that_is_understood() -> None:
    """Version, self-test, and a proof that something was read."""
    found = by_id(interpreter_checks(PROCESS, ANN_RIGHTS, SYSTEM))

    expected = "CPython 3.11, self-test passed: 5 threads, 12 frames in the main one"
    assert (State.OK, expected) == (found["interpreter.memory"].state, found["interpreter.memory"].text)
    assert found["interpreter.frames"].text == "looked at by the interpreter (CPython 3.11)"
    assert found["interpreter.py_spy"].text == "py-spy 0.4.3, not needed"


def test_a_refusal_by_yama() -> None:
    """The sysctl and the reporter are offered, and no frames are promised."""
    found = _checks("no-permission", rights=replace(ANN_RIGHTS, yama_scope=1))
    check = found["interpreter.memory"]

    assert (State.LIMITED, "kernel.yama.ptrace_scope is 1") == (check.state, check.text)
    assert {"sudo sysctl kernel.yama.ptrace_scope=0", RUN} <= set(commands(check))
    assert "interpreter.frames" not in found


@pytest.mark.parametrize("kind", ["version-unknown", "layout-unknown"])
def test_an_unknown_interpreter_without_py_spy(kind: str) -> None:
    """The extra is named as pip takes it, and both checks want it."""
    found = _checks(kind, system=WITHOUT_PY_SPY)

    assert State.LIMITED is found["interpreter.memory"].state is found["interpreter.py_spy"].state
    assert [PY_SPY, RUN] == commands(found["interpreter.memory"])
    assert [PY_SPY] == commands(found["interpreter.py_spy"])


def test_an_unknown_interpreter_with_py_spy() -> None:
    """Py-spy reads in its place: nothing that matters is missing."""
    reading = replace(READING, interpreter="py-spy")
    found = _checks("layout-unknown", process=replace(PROCESS, reading=reading))

    assert found["interpreter.memory"].state is State.NOTE
    assert found["interpreter.frames"].text == "looked at by py-spy"
    assert found["interpreter.py_spy"].text == "py-spy 0.4.3, reads in place of gpumon"


def test_py_spy_is_not_needed_for_a_known_interpreter() -> None:
    """Its absence is a note then."""
    check = py_spy_check(WITHOUT_PY_SPY, PROCESS.interpreter)

    assert (State.NOTE, [PY_SPY]) == (check.state, commands(check))


def test_memory_that_is_left_alone_on_request() -> None:
    """The switch is named by all the names it has."""
    check = _checks("switched-off")["interpreter.memory"]

    assert check.state is State.NOTE
    assert "--no-interpreter (GPUMON_INTERPRETER" in check.remedies[0].text


def test_a_process_without_python_has_no_interpreter() -> None:
    """That is no shortcoming of gpumon's."""
    assert _checks("not-python")["interpreter.memory"].state is State.NOTE


def test_an_interpreter_that_starts() -> None:
    """A later try may succeed."""
    check = _checks("not-running", "the interpreter is starting or ending")["interpreter.memory"]

    assert (State.LIMITED, ["gpumon doctor"]) == (check.state, commands(check))


def test_a_mistake_of_gpumon_is_shown() -> None:
    """An error that nobody expected is told as it is."""
    check = _checks("failed", "ValueError: bad")["interpreter.memory"]

    assert (State.LIMITED, "ValueError: bad") == (check.state, check.text)


def test_frames_that_the_monitor_does_not_get() -> None:
    """The layout is understood, and yet there is no reading: the reason is the monitor's own."""
    reading = replace(READING, interpreter=Missing("its memory does not answer"))
    found = by_id(interpreter_checks(replace(PROCESS, reading=reading), ANN_RIGHTS, SYSTEM))

    assert found["interpreter.frames"].state is State.LIMITED
    assert found["interpreter.frames"].text == "its memory does not answer"


def test_frames_of_a_simulated_training_are_not_wanted() -> None:
    """It has no DataLoader of torch to look for."""
    training = replace(READING.training, simulated=True)
    reading = replace(READING, training=training, interpreter=Missing("a simulated training has none"))
    found = by_id(interpreter_checks(replace(PROCESS, reading=reading), ANN_RIGHTS, SYSTEM))

    assert found["interpreter.frames"].state is State.NOTE


def test_a_reporter_that_answers() -> None:
    """Exact figures: nothing to do."""
    assert _reporter("reporter").state is State.OK


def test_a_training_without_reporter_is_offered_one() -> None:
    """Its own command is there to copy, with what starts the reporter in front."""
    check = _reporter(Missing("it was not started by `gpumon run`"), is_started=False)

    assert check.state is State.NOTE
    assert commands(check)[0].startswith("gpumon run -- python ")


def test_a_command_that_is_not_exact_is_not_offered() -> None:
    """What was cut or cleaned would start something else."""
    training = replace(READING.training, command_is_exact=False)
    process = replace(PROCESS, reading=replace(READING, training=training))
    check = _reporter(Missing("no"), is_started=False, process=process)

    assert commands(check) == [RUN]


def test_a_command_is_quoted_for_the_shell() -> None:
    """An argument with blanks or signs stays one argument."""
    training = replace(READING.training, command=("python", "train.py", "--name", "a b; reboot"))
    process = replace(PROCESS, reading=replace(READING, training=training))

    assert commands(_reporter(Missing("no"), is_started=False, process=process)) == [
        "gpumon run -- python train.py --name 'a b; reboot'"
    ]


@pytest.mark.parametrize("flags", [("-I",), ("-E",), ("-S", "-E")])
def test_python_that_keeps_the_reporter_out(flags: tuple[str, ...]) -> None:
    """The option is named at once, without waiting for an answer that will not come."""
    check = _reporter(NOT_YET, flags=flags, age=1.0)

    assert check.state is State.LIMITED
    assert check.remedies[0].text == f"start it again without {' and '.join(flags)}"


def test_a_reporter_that_may_still_answer() -> None:
    """Python takes its time to start on a cold disk."""
    assert _reporter(NOT_YET, age=2.0).state is State.NOTE


def test_a_reporter_that_should_have_answered() -> None:
    """After ten seconds something keeps it out: a full /dev/shm is looked at first."""
    check = _reporter(NOT_YET, age=60.0)

    assert (State.LIMITED, ["df -h /dev/shm /tmp"]) == (check.state, commands(check))


def test_a_reporter_of_another_version() -> None:
    """Its file cannot be read by this gpumon: the training is started by it again."""
    check = _reporter(Missing("its reporter is of another version of gpumon"), age=1.0)

    assert (State.LIMITED, [RUN]) == (check.state, commands(check))


def test_a_reporter_behind_a_closed_environment() -> None:
    """Where nothing may be read that is the reason."""
    reason = "belongs to user ben: run gpumon as ben or root"
    check = _reporter(Missing(reason), is_started=None)

    assert (State.NOTE, reason) == (check.state, check.text)
