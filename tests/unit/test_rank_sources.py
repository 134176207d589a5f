"""What looks into the ranks of a training, as they come and go and as the user allows it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId, Role
from gpumon.model.training import Member, Settings, Training
from gpumon.monitor.rank_sources import RankSources
from gpumon.settings import resolve
from tests.sources.children import process_id

NOW = Instant(0.0, 0.0)
MAIN = process_id(os.getpid())
GONE = ProcessId(2**22 - 1, 1)


def training(*ranks: ProcessId, simulated: bool = False) -> Training:
    members = [
        Member(MAIN, 1, Role.MAIN, 0),
        *(Member(one, 1, Role.RANK, n + 1) for n, one in enumerate(ranks)),
    ]
    found = Training(MAIN, "torch", "exp", (), True, "/w", 0, Settings(), tuple(members))
    return replace(found, simulated=simulated)


def count(sources: RankSources) -> int:
    return len(sources.interpreters)


def test_each_rank_is_looked_into() -> None:
    """Every rank's main process has sources of its own; a rank that is gone says so."""
    sources = RankSources(training(GONE))
    assert count(sources) == 2
    read = sources.read(NOW)
    assert set(read.looks) == set(read.reports) == {0, 1}
    sources.close()


def test_ranks_come_and_go() -> None:
    """What is followed changes with the members, and only then is there news."""
    sources = RankSources(training())
    assert not sources.follow(training())
    assert sources.follow(training(GONE))
    assert count(sources) == 2
    assert sources.follow(training())
    assert count(sources) == 1
    sources.close()
    assert count(sources) == 0


def test_memory_is_left_alone_when_told_so() -> None:
    """With the interpreter switched off nothing is opened, and the reason is the user's own choice."""
    sources = RankSources(training(), interpreter=False)
    assert sources.interpreters == ()
    looks, _ = sources.read(NOW).of(0)
    assert looks == Missing("switched off: other processes' memory is left alone")
    sources.close()


@pytest.mark.parametrize("interpreter", [True, False])
def test_simulated_training_has_nothing_to_look_into(interpreter: bool) -> None:
    """The demo has no DataLoader of torch."""
    sources = RankSources(training(simulated=True), interpreter=interpreter)
    assert sources.interpreters == ()
    assert isinstance(sources.read(NOW).of(0)[0], Missing)
    sources.close()


@pytest.mark.parametrize(
    ("flags", "environment", "config"),
    [
        ({"interpreter": False}, {}, {}),
        ({}, {"GPUMON_INTERPRETER": "0"}, {}),
        ({}, {}, {"interpreter": False}),
    ],
)
def test_interpreter_is_switched_off_in_any_of_three_places(
    flags: dict[str, bool], environment: dict[str, str], config: dict[str, bool]
) -> None:
    """By --no-interpreter, by a variable, or in the config file; else it is on."""
    assert not resolve(flags, environment, config).interpreter
    assert resolve({}, {}, {}).interpreter
