"""The verdict on all checks, and the exit code that scripts see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.doctor.check import State
from gpumon.doctor.examine import Health, examine, examine_foreign_system
from gpumon.doctor.facts import Facts
from gpumon.model.gpu import DriverReading, DriverState
from gpumon.model.host import HostReading
from gpumon.model.measure import Missing
from gpumon.model.sample import SourceError
from tests.doctor.scene import ANN_RIGHTS, FACTS, PROCESS, READING, ROOT_RIGHTS, commands

NO_DRIVER = DriverReading(DriverState.NOT_LOADED, "its kernel module is not loaded")
CLOSED = Missing("/proc/stat does not exist")
NO_HOST = HostReading(CLOSED, CLOSED, CLOSED)


def _verdict(facts: Facts) -> tuple[Health, int, str]:
    found = examine(facts)
    return found.health, found.exit_code, found.text


def test_all_that_matters_is_there() -> None:
    """Exit code 0, though notes stand among the checks."""
    found = examine(FACTS)

    assert State.NOTE in {check.state for check in found.checks}
    assert (Health.OK, 0, "all that matters of this machine and training 41234 can be read") == (
        found.health,
        found.exit_code,
        found.text,
    )


def test_something_falls_short() -> None:
    """Exit code 1, and how many checks."""
    health, code, text = _verdict(replace(FACTS, driver=NO_DRIVER, gpus=()))

    assert (Health.LIMITED, 1) == (health, code)
    assert text.startswith("1 of ")
    assert text.endswith(" checks of this machine and training 41234 falls short")


def test_a_machine_without_a_training() -> None:
    """The machine is checked alone, py-spy too."""
    found = examine(replace(FACTS, processes=()))

    assert found.text == "all that matters of this machine (no training runs now) can be read"
    assert "interpreter.py_spy" in {check.id for check in found.checks}


def test_a_process_that_is_no_training_is_called_a_process() -> None:
    """The verdict promises nothing that the process is not."""
    assert (
        "this machine and process 41234"
        in examine(replace(FACTS, processes=(replace(PROCESS, reading=None),))).text
    )


def test_several_trainings_are_counted() -> None:
    """Each has its checks, told apart by their subject."""
    other = replace(PROCESS, id=replace(PROCESS.id, pid=7))
    found = examine(replace(FACTS, processes=(PROCESS, other)))

    assert "this machine and 2 trainings" in found.text
    assert {"process 41234", "process 7"} <= {check.subject for check in found.checks}


def test_a_pid_that_cannot_be_looked_at() -> None:
    """Exit code 2 and the reason alone."""
    facts = replace(FACTS, asked_pid=7, pid_problem="there is no process 7", processes=())

    assert (Health.NOTHING, 2, "there is no process 7") == _verdict(facts)
    assert ["process.exists"] == [check.id for check in examine(facts).checks]


def test_a_process_that_ends_meanwhile() -> None:
    """It was asked for, so nothing is left to say."""
    facts = replace(FACTS, asked_pid=41234, processes=(replace(PROCESS, is_gone=True),))

    assert (Health.NOTHING, 2, "process 41234 ended while gpumon looked at it") == _verdict(facts)


def test_one_of_several_trainings_ends_meanwhile() -> None:
    """Nobody asked for that one: the machine is still told."""
    facts = replace(FACTS, processes=(replace(PROCESS, is_gone=True),))

    assert _verdict(facts)[:2] == (Health.LIMITED, 1)


def test_neither_gpus_nor_machine() -> None:
    """Without /proc and driver there is nothing: exit code 2."""
    facts = replace(FACTS, driver=NO_DRIVER, gpus=(), host=NO_HOST, processes=())

    assert _verdict(facts) == (Health.NOTHING, 2, "neither GPUs nor the machine can be read")


def test_a_system_that_is_no_linux() -> None:
    """Exit code 2, and where gpumon does run."""
    found = examine_foreign_system("darwin")

    assert (Health.NOTHING, 2) == (found.health, found.exit_code)
    assert found.checks[0].remedies[0].text == "run gpumon on the Linux machine that trains, through ssh"


def test_a_source_that_failed_is_a_check() -> None:
    """An error of a source is never swallowed."""
    facts = replace(FACTS, errors=(SourceError("nvml", "OSError: odd"),))
    check = next(check for check in examine(facts).checks if check.id == "machine.source")

    assert (State.LIMITED, "nvml", "OSError: odd") == (check.state, check.title, check.text)


@pytest.mark.parametrize(("rights", "prefix"), [(ROOT_RIGHTS, ""), (ANN_RIGHTS, "sudo ")])
def test_root_types_no_sudo(rights: object, prefix: str) -> None:
    """Commands are what this user would type."""
    assert isinstance(rights, type(ANN_RIGHTS))
    facts = replace(FACTS, rights=rights, driver=NO_DRIVER, gpus=())
    check = next(check for check in examine(facts).checks if check.id == "gpu.driver")

    assert commands(check)[0] == f"{prefix}modprobe nvidia"


def test_every_check_of_what_falls_short_says_why() -> None:
    """No check falls short without a sentence, whatever is missing."""
    nothing = replace(
        FACTS,
        driver=NO_DRIVER,
        gpus=(),
        host=NO_HOST,
        processes=(replace(PROCESS, reading=replace(READING, cgroup=CLOSED), cgroup=CLOSED),),
    )

    assert [] == [check.id for check in examine(nothing).checks if check.is_short and not check.text]
