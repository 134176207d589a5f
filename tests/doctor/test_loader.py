"""The data wait: by which source, and what stands in its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.doctor.check import Check, State
from gpumon.doctor.checks.loader import loader_checks
from gpumon.doctor.facts import InterpreterFacts, Rights
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.training import Ended, Ending, Phase
from tests.doctor.scene import ANN_RIGHTS, BEN, PROCESS, READING, by_id, commands

NO_WORKERS = Missing("0 workers: loading happens in the main thread, which /proc cannot tell from computing")
RUN = "gpumon run -- python train.py ..."
REFUSED: dict[str, Any] = {"interpreter": InterpreterFacts("no-permission", "refused")}


def _checks(
    phase: Phase = Phase.TRAIN,
    process: dict[str, Any] | None = None,
    rights: Rights = ANN_RIGHTS,
    **loader: Any,
) -> dict[str, Check]:
    reading = replace(READING, phase=phase, loader=replace(READING.loader, notes=(), **loader))
    return by_id(loader_checks(replace(PROCESS, reading=reading, **(process or {})), rights))


def test_a_wait_that_is_measured() -> None:
    """Both sources say what they see, with error and name."""
    found = _checks()

    assert found["loader.wait"].text == "41 % ±3, sampled, by the interpreter (CPython 3.11)"
    assert found["loader.wait_by_state"].text == "38 % ±3, sampled, by the state of the main thread"
    assert {State.OK} == {check.state for check in found.values()}


def test_no_workers_with_an_interpreter_that_is_read() -> None:
    """The states of threads cannot tell, and nothing hangs on them."""
    found = _checks(data_wait_ratio_by_state=NO_WORKERS)

    assert (State.OK, State.NOTE) == (found["loader.wait"].state, found["loader.wait_by_state"].state)


def test_no_workers_and_nothing_that_looks_inside() -> None:
    """Then the wait is missing: the reporter tells it, or workers make it visible."""
    found = _checks(
        process={"interpreter": InterpreterFacts("failed", "why")},
        data_wait_ratio=NO_WORKERS,
        data_wait_ratio_by_state=NO_WORKERS,
    )

    assert found["loader.wait"].state is State.MISSING
    assert commands(found["loader.wait"]) == [RUN, "python train.py ... --workers 2"]


def test_no_workers_under_yama() -> None:
    """The right to look is what helps first."""
    found = _checks(
        process=REFUSED,
        rights=replace(ANN_RIGHTS, yama_scope=1),
        data_wait_ratio=NO_WORKERS,
        data_wait_ratio_by_state=NO_WORKERS,
    )

    assert "sudo sysctl kernel.yama.ptrace_scope=0" in commands(found["loader.wait"])


def test_an_estimate_of_another_users_training() -> None:
    """A number without the right to look is a poor one: what makes it better is named."""
    estimate = Measure(0.45, Certainty.ESTIMATED, "sleep of the main thread", low=0.25, high=0.65)
    found = _checks(process={**REFUSED, "user_id": BEN, "user": "ben"}, data_wait_ratio=estimate)
    check = found["loader.wait"]

    assert (State.LIMITED, "45 %, estimated, by the sleep of the main thread") == (check.state, check.text)
    assert commands(check)[0] == 'sudo -u ben "$(command -v gpumon)" 41234'


@pytest.mark.parametrize("phase", [Phase.START, Phase.VALIDATE, Phase.CHECKPOINT])
def test_a_training_that_does_not_load_now(phase: Phase) -> None:
    """What will be there in a minute is no shortcoming."""
    why = Missing("no looks at its threads yet")
    found = _checks(phase, data_wait_ratio=why, data_wait_ratio_by_state=why, batches_per_second=why)

    assert [] == [check for check in found.values() if check.is_short]
    assert f"(phase {phase.value})" in found["loader.wait"].text


def test_a_paused_training() -> None:
    """SIGCONT brings the wait back."""
    why = Missing("paused: its main thread is stopped")
    found = _checks(data_wait_ratio=why, data_wait_ratio_by_state=why)

    assert commands(found["loader.wait"]) == ["kill -CONT 41234"]


def test_sources_that_disagree_are_told() -> None:
    """The contradiction is a note: which source is right is not the doctor's to say."""
    found = by_id(loader_checks(PROCESS, ANN_RIGHTS))

    assert found["loader.sources"].text == READING.loader.notes[0]


def test_nothing_is_said_of_the_loader_of_what_is_no_training() -> None:
    """A process without a training, or after it, has no wait."""
    ended = replace(READING, ended=Ended(Ending.FINISHED, "over", 0.0))

    assert [] == [
        *loader_checks(replace(PROCESS, reading=None), ANN_RIGHTS),
        *loader_checks(replace(PROCESS, reading=ended), ANN_RIGHTS),
    ]
