"""What /proc tells of a process: who it is, its files, its threads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.doctor.check import Check, State
from gpumon.doctor.checks.process import process_checks, thread_checks
from gpumon.doctor.facts import (
    READ,
    Access,
    InterpreterFacts,
    Look,
    Place,
    ProcessFacts,
    Rights,
    ThreadFacts,
)
from gpumon.model.measure import Missing
from gpumon.model.training import Ended, Ending, Phase
from tests.doctor.scene import ANN_RIGHTS, BEN, DENIED, PROCESS, READING, by_id, commands

FILES = ("environment", "directory", "executable", "descriptors", "counters", "maps", "root")
OTHER = replace(PROCESS, user_id=BEN, user="ben")
AS_BEN = 'sudo -u ben "$(command -v gpumon)" 41234'
YAMA = replace(ANN_RIGHTS, yama_scope=1)


def _checks(process: ProcessFacts, rights: Rights = ANN_RIGHTS) -> dict[str, Check]:
    return by_id(process_checks(process, rights))


def _threads(threads: ThreadFacts, rights: Rights = ANN_RIGHTS, **changes: Any) -> dict[str, Check]:
    return by_id(thread_checks(replace(PROCESS, threads=threads, **changes), rights))


def test_a_training_that_can_be_read_falls_short_of_nothing() -> None:
    """Nothing is wrong where nothing is missing."""
    checks = [*process_checks(PROCESS, ANN_RIGHTS), *thread_checks(PROCESS, ANN_RIGHTS)]

    assert [] == [check for check in checks if check.state is not State.OK]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_user(name: str) -> None:
    """Each file that is closed says whose it is and how it is opened."""
    denied: dict[str, Any] = {name: DENIED}
    check = _checks(replace(OTHER, **denied))[f"process.{name}"]

    assert (State.LIMITED, "belongs to user ben, gpumon runs as ann") == (check.state, check.text)
    assert commands(check)[0] == AS_BEN


def test_a_file_that_this_kernel_lacks_is_a_note() -> None:
    """No right would bring it."""
    process = replace(PROCESS, counters=Look(Access.ABSENT, "/proc/41234/io does not exist"))
    check = _checks(process)["process.counters"]

    assert (State.NOTE, "/proc/41234/io does not exist", ()) == (check.state, check.text, check.remedies)


def test_the_shared_memory_of_another_user() -> None:
    """It is reached through the process' root, and is closed with it."""
    process = replace(OTHER, root=DENIED, shm=Missing("no permission to look into its mounts"))
    check = _checks(process)["process.shm"]

    assert (State.LIMITED, AS_BEN) == (check.state, commands(check)[0])


def test_a_shared_memory_without_limit_is_a_note() -> None:
    """A tmpfs of no size cannot be full."""
    check = _checks(replace(PROCESS, shm=Missing("its /dev/shm has no size limit")))["process.shm"]

    assert (State.NOTE, "its /dev/shm has no size limit") == (check.state, check.text)


def test_output_to_a_terminal_is_a_note_with_the_way_to_a_log() -> None:
    """The log is one source of several."""
    reason = "its stderr goes to a terminal or a device, not to a file"
    check = _checks(replace(PROCESS, log=Missing(reason)))["process.log"]

    assert (State.NOTE, reason) == (check.state, check.text)
    assert commands(check) == ["python train.py ... > train.log 2>&1"]


def test_a_run_directory_that_may_come() -> None:
    """While the training starts it has none yet."""
    training = replace(READING.training, run_dir=Missing("not found yet"))
    reading = replace(READING, training=training, phase=Phase.START)
    check = _checks(replace(PROCESS, reading=reading))["process.run_dir"]

    assert (State.NOTE, ["gpumon doctor"]) == (check.state, commands(check))


def test_remote_data_is_told() -> None:
    """A network file system is what a slow loader often comes from."""
    place = Place("data", "/mnt/coco/images", "nfs4", "/mnt", is_remote=True)
    check = _checks(replace(PROCESS, places=(place,)))["process.data_file_system"]

    expected = "nfs4 at /mnt, remote: every read goes over the network (/mnt/coco/images)"
    assert (State.OK, expected) == (check.state, check.text)


def test_mounts_of_a_container() -> None:
    """From outside its mounts are not those that gpumon sees."""
    place = Place(
        "data", "/data", Missing("it has mounts of its own, as in a container: run gpumon inside it")
    )
    check = _checks(replace(PROCESS, places=(place,)))["process.data_file_system"]

    assert (State.NOTE, ["docker exec -it CONTAINER gpumon"]) == (check.state, commands(check))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_torch_loaded": False}, "torch is not loaded in it"),
        ({"is_torch_loaded": True}, "no DataLoader worker and no GPU memory was seen yet"),
        ({"interpreter": InterpreterFacts("not-python")}, "it runs no Python"),
        ({}, "is no training that gpumon knows"),
    ],
)
def test_a_process_that_is_no_training(changes: dict[str, Any], words: str) -> None:
    """What it lacks is said, and that gpumon finds trainings itself."""
    found = _checks(replace(PROCESS, reading=None, **changes))
    check = found["process.training"]

    assert words in check.text
    assert (State.LIMITED, True) == (check.state, commands(check)[0].startswith("gpumon doctor"))
    assert "process.run_dir" not in found


def test_a_stopped_training_can_be_let_run_on() -> None:
    """Nothing can be measured of a training that was stopped."""
    check = _checks(replace(PROCESS, is_stopped=True))["process.training"]

    assert (State.LIMITED, ["kill -CONT 41234"]) == (check.state, commands(check))


def test_a_stopped_process_may_be_a_training() -> None:
    """With torch in it, and nothing that moves, it is let run on before it is judged."""
    process = replace(PROCESS, reading=None, is_torch_loaded=True, is_stopped=True)

    assert commands(_checks(process)["process.training"]) == ["kill -CONT 41234"]


def test_a_training_that_has_ended_says_how() -> None:
    """Its last reading is all there will be."""
    ended = Ended(Ending.FINISHED, "the log says so", 0.0)
    check = _checks(replace(PROCESS, reading=replace(READING, ended=ended)))["process.training"]

    assert (State.LIMITED, True) == (check.state, check.text.endswith("has ended: the log says so"))


def test_hidden_wait_channels() -> None:
    """Without them a sleep is only a sleep."""
    threads = ThreadFacts(5, READ, DENIED, DENIED)
    found = _threads(threads, user_id=BEN, user="ben")

    assert State.LIMITED is found["threads.wait_channel"].state is found["threads.system_call"].state
    assert commands(found["threads.wait_channel"])[0] == AS_BEN


def test_yama_closes_system_calls_and_leaves_wait_channels() -> None:
    """The channels stand in for the calls; what is lost is said, and the sysctl too."""
    found = _threads(ThreadFacts(5, READ, Look(Access.READ, "futex_do_wait"), DENIED), YAMA)
    check = found["threads.system_call"]

    assert found["threads.wait_channel"].state is State.OK
    assert check.text == "kernel.yama.ptrace_scope is 1: wait channels stand in, locks are not told"
    assert "sudo sysctl kernel.yama.ptrace_scope=0" in commands(check)


def test_a_kernel_that_shows_no_system_calls() -> None:
    """No remedy is invented for what the kernel was built without."""
    call = Look(Access.ABSENT, "/proc/41234/task/41234/syscall does not exist")
    check = _threads(ThreadFacts(5, READ, READ, call))["threads.system_call"]

    assert (State.NOTE, ()) == (check.state, check.remedies)
