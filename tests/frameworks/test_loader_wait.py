"""The data wait by the best source: frames weighed by the time off the CPU, the reporter, the states."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.frameworks.loader import LoaderSources, read_loader
from gpumon.frameworks.loader_wait import NO_WORKERS, Wait, best_wait, slowest, wait_by_frames
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId, Role, ThreadStates
from gpumon.model.training import Member, Phase, Setting, Settings, Training
from gpumon.sources.interpreter_reading import InterpreterReading, IteratorReading, PhaseLooks
from gpumon.sources.reporter_reading import ReporterReading

SOURCE = "interpreter (CPython 3.11)"
NOT_RUN = Missing("it was not started by `gpumon run`")
MAIN = ProcessId(100, 1)
LOADER = IteratorReading(
    1,
    0.0,
    9,
    tasks_outstanding=4,
    batches_ready=2,
    batch_size=8,
    workers=2,
    prefetch_factor=2,
    pin_memory=True,
    persistent_workers=False,
    drop_last=False,
)


def seen(
    *phases: PhaseLooks, blocked: float | None = None, unread: int = 0, late: int = 0
) -> InterpreterReading:
    return InterpreterReading(SOURCE, phases, unread, train=LOADER, blocked_ratio=blocked, late=late)


def told(ratio: float) -> ReporterReading:
    unread = Missing("not asked")
    wait = Measure(ratio, Certainty.EXACT, "reporter")
    return ReporterReading((), wait, unread, unread, unread, unread, unread)


def measure(wait: Wait) -> Measure:
    assert isinstance(wait.ratio, Measure), wait.ratio.reason
    return wait.ratio


STATE = Wait(Measure(0.5, Certainty.SAMPLED, "state of the main thread", 0.1), 20, 10)


def test_frames_are_better_than_states() -> None:
    """Where the frames can be seen, they count."""
    found = best_wait(STATE, seen(PhaseLooks(Phase.TRAIN, 50, 20)), NOT_RUN)
    assert measure(found).source == SOURCE
    assert (found.samples, found.waiting) == (50, 20)


def test_the_training_itself_knows_best() -> None:
    """What the reporter told is exact."""
    found = best_wait(STATE, seen(PhaseLooks(Phase.TRAIN, 50, 20)), told(0.41))
    assert found.ratio == Measure(0.41, Certainty.EXACT, "reporter")


def test_states_stand_in_for_frames_that_cannot_be_seen() -> None:
    """Without the right to read memory the states of threads remain."""
    assert best_wait(STATE, Missing("kernel.yama.ptrace_scope is 1"), NOT_RUN) == STATE


def test_contradiction_is_noted_and_not_averaged() -> None:
    """States that are far from the frames are told beside them."""
    looks = seen(PhaseLooks(Phase.TRAIN, 500, 490))
    far = replace(STATE, ratio=Measure(0.1, Certainty.SAMPLED, "state of the main thread", 0.05))
    found = best_wait(far, looks, NOT_RUN)
    assert measure(found).value == pytest.approx(0.98)
    assert "98%" in found.note
    assert "10%" in found.note
    near = replace(STATE, ratio=Measure(0.9, Certainty.SAMPLED, "state of the main thread", 0.05))
    assert best_wait(near, looks, NOT_RUN).note == ""


def test_without_workers_only_the_frames_can_tell() -> None:
    """Why they cannot be seen is then what helps."""
    state = Wait(Missing(NO_WORKERS))
    found = best_wait(state, Missing("use root"), NOT_RUN)
    assert found.ratio == Missing(f"{NO_WORKERS}; use root")
    assert measure(best_wait(state, seen(PhaseLooks(Phase.TRAIN, 50, 20)), NOT_RUN)).value == 0.4


def test_late_looks_are_weighed_by_the_time_off_the_cpu() -> None:
    """40 of 50 looks found it blocked and waiting, but it was blocked for 60 % of the time only."""
    looks = seen(PhaseLooks(Phase.TRAIN, 50, 40, blocked=40, blocked_waiting=40), blocked=0.6, late=20)
    assert measure(wait_by_frames(looks)).value == pytest.approx(0.6)


def test_looks_count_alike_where_the_account_is_not_known_to_be_right() -> None:
    """Of punctual looks that were not compared with the account, the share that waited is the wait."""
    looks = seen(PhaseLooks(Phase.TRAIN, 50, 40, blocked=40, blocked_waiting=40), blocked=0.6, late=10)
    assert measure(wait_by_frames(looks)).value == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("surplus", "wait"), [(0.0, 0.6), (0.02, 0.6), (-0.03, 0.7), (0.05, 0.8), (-0.2, 0.8)]
)
def test_account_counts_as_far_as_punctual_looks_agree(surplus: float, wait: float) -> None:
    """Within one standard error it weighs the looks, beyond two it is left out."""
    looks = replace(
        seen(PhaseLooks(Phase.TRAIN, 50, 40, blocked=40, blocked_waiting=40), blocked=0.6),
        blocked_surplus_ratio=surplus,
        blocked_surplus_error=0.02,
    )
    assert measure(wait_by_frames(looks)).value == pytest.approx(wait)


@pytest.mark.parametrize(("surplus", "wait"), [(0.2, 0.6), (-0.2, 0.8)])
def test_late_looks_are_weighed_unless_they_find_it_running_too_often(surplus: float, wait: float) -> None:
    """Being late makes looks find a thread blocked; the opposite is a fault of the account."""
    looks = replace(
        seen(PhaseLooks(Phase.TRAIN, 50, 40, blocked=40, blocked_waiting=40), blocked=0.6, late=20),
        blocked_surplus_ratio=surplus,
        blocked_surplus_error=0.02,
    )
    assert measure(wait_by_frames(looks)).value == pytest.approx(wait)


def test_spinning_for_a_gpu_is_no_wait() -> None:
    """A thread that is never off the CPU waits as often as the looks at it found."""
    looks = seen(PhaseLooks(Phase.TRAIN, 50, 5), blocked=0.0, late=50)
    assert measure(wait_by_frames(looks)).value == pytest.approx(0.1)


def test_account_of_two_phases_is_of_neither() -> None:
    """The time off the CPU is that of the whole second: with a validation in it the looks count alone."""
    looks = seen(
        PhaseLooks(Phase.TRAIN, 40, 20, blocked=20, blocked_waiting=20),
        PhaseLooks(Phase.VALIDATE, 10, 0, blocked=9),
        blocked=0.9,
        late=50,
    )
    assert measure(wait_by_frames(looks)).value == 0.5


def test_waiting_in_validation_is_not_the_trainings() -> None:
    """Of a second that is mostly training, looks at validation do not count."""
    looks = seen(PhaseLooks(Phase.TRAIN, 30, 3), PhaseLooks(Phase.VALIDATE, 20, 20))
    found = wait_by_frames(looks)
    assert measure(found).value == pytest.approx(0.1)
    assert found.samples == 30


def test_unread_looks_widen_the_error() -> None:
    """What could not be read may have been either."""
    clear = measure(wait_by_frames(seen(PhaseLooks(Phase.TRAIN, 50, 20))))
    torn = measure(wait_by_frames(seen(PhaseLooks(Phase.TRAIN, 50, 20), unread=10)))
    assert clear.standard_error is not None
    assert torn.standard_error == pytest.approx(clear.standard_error + 10 / 60 / 2)


def test_program_without_torchs_loader_has_no_wait_by_frames() -> None:
    """No look at a loader is not a proof of no waiting."""
    looks = InterpreterReading(SOURCE, (PhaseLooks(Phase.TRAIN, 50, 0),))
    assert isinstance(wait_by_frames(looks).ratio, Missing)


def test_second_without_a_wait_counts_once_there_is_a_loader() -> None:
    """Workers prove a DataLoader before any look found it; one that was seen once needs no second proof."""
    looks = InterpreterReading(SOURCE, (PhaseLooks(Phase.TRAIN, 50, 0),))
    assert measure(wait_by_frames(looks, has_workers=True)).value == 0.0
    assert measure(wait_by_frames(replace(looks, has_loader=True))).value == 0.0


@settings(max_examples=60)
@given(
    blocked=st.floats(0.05, 0.95),
    waits_blocked=st.floats(0.0, 1.0),
    waits_running=st.floats(0.0, 1.0),
    favour=st.floats(0.5, 4.0),
    seed=st.integers(0, 1000),
)
def test_late_looks_do_not_bias_the_wait(
    blocked: float, waits_blocked: float, waits_running: float, favour: float, seed: int
) -> None:
    """However much rather a look finds the thread blocked, the wait lies within five stated errors."""
    draw = random.Random(seed)  # noqa: S311 - a reproducible draw
    counts = [0, 0, 0, 0]
    chance = blocked * favour / (blocked * favour + 1 - blocked)
    for _ in range(500):
        is_blocked = draw.random() < chance
        waits = draw.random() < (waits_blocked if is_blocked else waits_running)
        counts[0] += 1
        counts[1] += waits
        counts[2] += is_blocked
        counts[3] += is_blocked and waits
    found = measure(wait_by_frames(seen(PhaseLooks(Phase.TRAIN, *counts), blocked=blocked, late=500)))
    real = blocked * waits_blocked + (1 - blocked) * waits_running
    assert found.standard_error is not None
    assert abs(found.value - real) <= 5 * found.standard_error


def ranks(*waits: Maybe[Measure]) -> dict[int, Wait]:
    return {rank: Wait(wait) for rank, wait in enumerate(waits)}


def sampled(value: float) -> Measure:
    return Measure(value, Certainty.SAMPLED, SOURCE, 0.05)


def test_slowest_rank_is_the_one_that_waits_most() -> None:
    """The others wait for it at the end of each step; the spread is between the extremes."""
    rank, wait, spread = slowest(ranks(sampled(0.1), sampled(0.5), sampled(0.2)))
    assert (rank, wait) == (1, sampled(0.5))
    assert spread == pytest.approx(0.4)


def test_one_rank_has_no_slowest() -> None:
    """Neither has a training of which one rank alone can be looked at."""
    assert slowest(ranks(sampled(0.1)))[0] == Missing("it has one rank")
    assert isinstance(slowest(ranks(sampled(0.1), Missing("no"))), tuple)
    assert isinstance(slowest(ranks(sampled(0.1), Missing("no")))[2], Missing)


def test_loader_is_read_with_all_its_sources() -> None:
    """Rank 0's loader tells its settings, and of two ranks the slower one is named."""
    members = (
        Member(MAIN, 1, Role.MAIN, 0),
        Member(ProcessId(101, 1), 1, Role.RANK, 1),
        Member(ProcessId(200, 2), 100, Role.TRAIN_WORKER, 0),
    )
    set_to = Settings(batch_size=Setting(16, "argv"), imgsz=Setting(64, "argv"))
    training = Training(MAIN, "yolov5", "exp", (), True, "/w", 0, set_to, members, world_size=2)
    states = (ThreadStates(MAIN, 100, 20, running=20), ThreadStates(ProcessId(200, 2), 200, 20, polling=20))
    looks = {0: seen(PhaseLooks(Phase.TRAIN, 50, 5)), 1: seen(PhaseLooks(Phase.TRAIN, 50, 30))}
    found = read_loader(training, states, (), NOT_RUN, sources=LoaderSources(looks, {}))
    assert isinstance(found.data_wait_ratio, Measure)
    assert (found.data_wait_ratio.value, found.main_samples, found.main_waiting_samples) == (0.1, 50, 5)
    assert isinstance(found.data_wait_ratio_by_state, Measure)
    assert found.data_wait_ratio_by_state.value == 0.0
    # One worker was seen; the loader itself has two.
    assert found.workers == 2
    assert found.slowest_rank == 1
    assert found.rank_data_wait_spread_ratio == pytest.approx(0.5)
    assert (found.batch_size, found.prefetch_factor, found.pin_memory) == (8, 2, True)
    assert (found.batches_ready, found.tasks_outstanding) == (2, 4)
    assert isinstance(found.batch_bytes, Measure)
    assert found.batch_bytes.value == 8 * 3 * 64 * 64
