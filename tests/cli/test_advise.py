"""What `gpumon advise PID` waits for, and when it gives up."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from gpumon.cli.advise import Wait, write
from gpumon.model.report import Attachment, AttachState, Report
from gpumon.monitor.build import may_become_training
from gpumon.settings import Settings
from tests.unit.synthetic_training import HEALTHY

_SAMPLE = HEALTHY.sample(1)
_NONE = replace(_SAMPLE, trainings=())
_TRAINING = _SAMPLE.trainings[0].training
_IS_NONE = Attachment(AttachState.MACHINE, "process 7 (python) is no training that gpumon knows")


def _wait(*, may_become: bool = True, pid: int | None = 7) -> Wait:
    return Wait(pid, lambda _: may_become)


def test_a_process_that_may_become_a_training_is_waited_for_and_this_is_said_once() -> None:
    """Imports take ten seconds; who waits for them in a log knows what for."""
    wait = _wait()
    report = Report(_NONE, _IS_NONE)

    assert not wait.is_over(report)
    assert [_IS_NONE.text, ""] == [wait.words(report), wait.words(report)]


def test_nothing_is_said_before_the_machine_was_looked_at() -> None:
    """Before the first scan is over nothing is known of the process."""
    report = Report(
        replace(_NONE, late_sources=("scan",)), Attachment(AttachState.SEARCHING, "looking for trainings")
    )

    assert (False, "") == (_wait(may_become=False).is_over(report), _wait().words(report))


@pytest.mark.parametrize(
    ("wait", "attachment"),
    [
        (_wait(may_become=False), _IS_NONE),
        (_wait(pid=None), Attachment(AttachState.SEARCHING, "no training is running")),
        (_wait(), Attachment(AttachState.CHOOSING, "process 7 (sh) has started 2 trainings: choose one")),
    ],
    ids=["no Python in it", "no process asked for", "two to choose from"],
)
def test_what_cannot_become_one_training_is_not_waited_for(wait: Wait, attachment: Attachment) -> None:
    """It would only be silence."""
    assert wait.is_over(Report(_NONE, attachment))


def test_two_trainings_below_a_process_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Their PIDs are what has to be given instead."""
    choosing = Attachment(AttachState.CHOOSING, "process 7 (sh) has started 2 trainings: choose one", None)
    code = write(
        Report(_NONE, replace(choosing, candidates=(_TRAINING, _TRAINING))), Settings(), as_json=False
    )

    pid = _TRAINING.id.pid
    assert (1, f"gpumon: {choosing.text}, by PID: {pid}, {pid}\n") == (code, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["sleep", "60"], False),
        ([sys.executable, "-c", "print(flush=True); input()"], True),
        (["sh", "-c", f"{sys.executable} -c 'print(flush=True); input()'; true"], True),
    ],
    ids=["another program", "Python", "what started Python"],
)
def test_only_python_may_become_a_training(command: list[str], expected: bool) -> None:
    """Itself, or what it has started."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if expected:
            # It runs as soon as it prints.
            assert process.stdout is not None
            process.stdout.readline()

        assert may_become_training(process.pid) is expected
        process.kill()


def test_a_process_that_is_gone_becomes_none() -> None:
    """A PID of nobody is not waited for."""
    assert not may_become_training(2**22 + 1)
