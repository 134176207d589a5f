"""Simulated trainings: they fail where the allocator does, and gpumon sees of them what NVML would show."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise

import pytest

from gpumon.diagnosis.risk import PUBLISHED
from gpumon.model.training import Phase
from tests.lab.risk_batch import autobatch, cases
from tests.lab.risk_fit import fitted
from tests.lab.risk_runs import KINDS, RESERVED_BYTES, Plan, dry_peak, plan_of, simulate
from tests.lab.risk_score import log_loss, points, record_of
from tests.lab.risk_watch import five_points, looks

GIB = 1 << 30


def a_plan(kind: str = "steady", total_bytes: int = 64 * GIB) -> Plan:
    """Return a short plan of that kind."""
    plan = plan_of(KINDS.index(kind))
    return replace(plan, batch_size=4, last_images=4, epochs=2, batches=12, total_bytes=total_bytes)


def test_a_seed_draws_the_same_plan_and_run_each_time() -> None:
    """Figures can be made again."""
    assert plan_of(5) == plan_of(5)
    assert simulate(a_plan()).seconds == simulate(a_plan()).seconds


def test_seeds_draw_all_kinds() -> None:
    """In turn."""
    assert tuple(plan_of(seed).kind for seed in range(len(KINDS))) == KINDS


def test_a_run_with_room_ends_well() -> None:
    """It passes through all its phases, and its memory is a high-water mark."""
    run = simulate(a_plan())
    assert run.failed_step is None
    assert {second.phase for second in run.seconds} == {
        Phase.START,
        Phase.TRAIN,
        Phase.VALIDATE,
        Phase.CHECKPOINT,
    }
    held = [second.own_bytes for second in run.seconds]
    assert held == list(accumulate(held, max))
    assert max(held) <= run.peak_bytes


def test_a_run_without_room_fails_at_its_first_step() -> None:
    """Its GPU is as large as its model."""
    run = simulate(a_plan(total_bytes=RESERVED_BYTES + GIB // 2))
    assert run.failed_step == 0


def test_a_leak_ends_a_run_in_the_middle() -> None:
    """By 64 MiB a step."""
    plan = a_plan("leak")
    room = RESERVED_BYTES + plan.neighbour_bytes + GIB
    run = simulate(replace(plan, leak_bytes=128 << 20, total_bytes=dry_peak(plan) + room))
    assert run.failed_step is not None
    assert 3 < run.failed_step < plan.steps


def test_gpumon_is_told_what_the_driver_would_show() -> None:
    """Its looks know total, room and steps; a leak is seen to grow."""
    plan = replace(a_plan("leak"), epochs=4, leak_bytes=30 << 20)
    run = simulate(
        replace(plan, total_bytes=dry_peak(plan) + RESERVED_BYTES + plan.neighbour_bytes + 3 * GIB)
    )
    found = looks(run)
    assert found[-1].steps >= plan.steps - 1
    assert any(look.grows for look in found)
    assert all(look.signs.total_bytes == run.plan.total_bytes for look in found)
    assert all(after.steps >= before.steps for before, after in pairwise(found))


def test_multi_scale_draws_sizes_of_different_memory() -> None:
    """Its peak lies above that of ordinary steps, below 2.25 times it."""
    plan = a_plan("multi-scale")
    ordinary = dry_peak(plan)
    assert ordinary < simulate(plan).peak_bytes < 2.5 * ordinary


def test_five_points_fire_on_a_jump() -> None:
    """SageMaker's rule: by more than 5 percentage points from one five to the next."""
    assert five_points([0.5] * 5 + [0.56] * 5)
    assert not five_points([0.5] * 5 + [0.54] * 5)
    assert not five_points([0.1, 0.9])


def test_the_recommended_batch_is_judged_by_the_allocator() -> None:
    """On these GPUs nothing recommended fails, and none is larger than the true one."""
    found = cases((7, 16))
    assert found
    for case in found:
        assert case.present <= case.true
        assert 0 < case.safe <= case.true
        assert not {"safe", "two", "round"} & set(case.died)


def test_autobatch_leaves_a_fifth_of_a_gpu_without_others() -> None:
    """Its line is near the truth there: a GPU twice as large takes about twice the batch."""
    plan = replace(a_plan(), neighbour_bytes=0, total_bytes=8 * GIB)
    larger = replace(plan, total_bytes=16 * GIB)
    assert autobatch(larger) == pytest.approx(2 * autobatch(plan), rel=0.2)


def test_a_fit_lowers_what_it_is_fitted_by() -> None:
    """The logarithmic loss of what is told of these runs, which end well with little room."""
    tight = [replace(a_plan(kind), neighbour_bytes=0) for kind in ("steady", "noisy")]
    runs = [
        simulate(replace(plan, total_bytes=dry_peak(plan) + RESERVED_BYTES + GIB // 20)) for plan in tight
    ]
    records = [record_of(run, looks(run)) for run in runs]
    before, after = (
        log_loss([point for record in records for point in points(record, weights)])
        for weights in (PUBLISHED, fitted(records))
    )
    assert after < 0.8 * before
