"""The simulated pipeline behind the model runs keeps to the laws that any pipeline keeps to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.gpu_cost import GpuCost
from tests.lab.settings_model import model_runs, model_score
from tests.lab.settings_pipeline import Load, simulate
from tests.lab.settings_scenario import Cell

FAST = GpuCost(image_seconds=1e-6, launch_seconds=1e-4)
BATCH = 16


def slow(images_per_second: float) -> GpuCost:
    """Return a GPU that takes so many images a second with a batch of 16."""
    return GpuCost().taking(BATCH, 7 * BATCH, BATCH / images_per_second)


@settings(max_examples=25, deadline=None)
@given(
    workers=st.integers(1, 12),
    cores=st.integers(2, 24),
    cpu=st.floats(0.002, 0.03),
    off_cpu=st.sampled_from([0.0, 0.01]),
    gpu=st.floats(100.0, 900.0),
)
def test_nothing_is_faster_than_its_slowest_part(
    workers: int, cores: int, cpu: float, off_cpu: float, gpu: float
) -> None:
    """GPU, workers and cores bound the rate; shares of time sum up to all of it."""
    load = Load(cores, cpu, off_cpu, slow(gpu))
    ran = simulate(load, Cell(workers, BATCH))
    assert ran.images_per_second <= 1.04 * min(gpu, workers / (cpu + off_cpu), cores / cpu)
    assert ran.idle_ratio + ran.cpu_ratio + ran.queue_ratio + ran.off_cpu_ratio == pytest.approx(1.0)
    # With cores to spare the rest of main's time is the little that it does besides.
    assert ran.wait_ratio + ran.gpu_busy_ratio <= 1.0 + 1e-9


def test_a_gpu_that_is_never_starved_is_the_limit() -> None:
    """Many workers on many cores: the rate of the GPU, less the main process's own part."""
    ran = simulate(Load(32, 0.004, 0.0, slow(400.0)), Cell(8, BATCH))
    assert ran.images_per_second == pytest.approx(BATCH / (BATCH / 400.0 + 0.002), rel=0.03)
    assert ran.wait_ratio < 0.02


def test_workers_on_too_few_cores_queue() -> None:
    """Eight workers share four cores, and lose a part of these by taking turns."""
    ran = simulate(Load(4, 0.01, 0.0, FAST), Cell(8, BATCH))
    assert ran.images_per_second == pytest.approx(4 / 0.01 / (1.0 + 0.18 * (8 / 4 - 1)), rel=0.06)
    assert ran.queue_ratio == pytest.approx(0.5, abs=0.06)


def test_twice_the_workers_are_twice_as_fast_while_both_are_the_limit() -> None:
    """Latency alone scales with workers, however few the cores are."""
    load = Load(2, 0.0005, 0.02, FAST)
    one, two = (simulate(load, Cell(workers, BATCH)).images_per_second for workers in (2, 4))
    assert two / one == pytest.approx(2.0, rel=0.05)


def test_second_threads_add_a_part_of_a_core() -> None:
    """Fifteen workers and a spinning main process on the sixteen threads of eight cores."""
    ran = simulate(Load(16, 0.01, 0.0, FAST, physical_cores=8, second_thread=0.25), Cell(15, BATCH))
    assert ran.images_per_second == pytest.approx(10 / 0.01, rel=0.10)
    # All of that time counts as time on a core.
    assert ran.cpu_ratio > 0.90


def test_a_quota_is_what_a_training_makes_of_it() -> None:
    """Twenty workers on 64 cores with a quota of eight do what eight cores do, stopped all the time."""
    ran = simulate(Load(64, 0.01, 0.0, FAST, physical_cores=32, quota_cores=8.0), Cell(20, BATCH))
    assert ran.images_per_second == pytest.approx(8 / 0.01, rel=0.06)
    assert ran.throttled_ratio > 0.95
    assert ran.queue_ratio == pytest.approx(1 - 8 / 20, abs=0.06)


def test_a_quota_that_suffices_changes_nothing() -> None:
    """Four workers and the main process never use up one of eight cores."""
    load = Load(16, 0.01, 0.0, slow(300.0))
    free, bound = (simulate(one, Cell(4, BATCH)) for one in (load, replace(load, quota_cores=8.0)))
    assert bound.images_per_second == pytest.approx(free.images_per_second, rel=1e-6)
    assert bound.throttled_ratio == 0.0


def test_launches_need_a_core() -> None:
    """Many workers beside the main process on one core slow a GPU whose step is nothing but launches."""
    launches = replace(FAST, launch_seconds=0.05)
    alone = simulate(Load(16, 0.002, 0.0, launches), Cell(4, BATCH))
    crowded = simulate(Load(1, 0.002, 0.0, launches), Cell(4, BATCH))
    assert crowded.images_per_second < 0.8 * alone.images_per_second


def test_the_same_seed_gives_the_same_run() -> None:
    """Bit for bit."""
    load = Load(8, 0.01, 0.0, slow(300.0))
    assert simulate(load, Cell(3, BATCH)) == simulate(load, Cell(3, BATCH))


@pytest.mark.parametrize("name", ["8 cores, 16 threads, +10 %", "a quota of 8, 32 cores, 64 threads"])
def test_advice_fills_cores_that_have_two_threads(name: str) -> None:
    """Where the cores are what limits a training, from each start nine tenths of the best are reached."""
    (run,) = [one for one in model_runs() if one.name == f"heavy, {name}"]
    shares = [one.share_of_best for one in model_score((run,)).outcomes["gpumon"]]
    assert len(shares) == 18
    assert all(share is not None and share > 0.90 for share in shares)


def test_advice_in_a_model_run_never_slows_a_training_down() -> None:
    """On 16 cores, from every start; and what it brings is better than to keep the settings."""
    (run,) = [one for one in model_runs() if one.name == "heavy, 16 cores"]
    found = model_score((run,)).outcomes
    assert not any(one.harmed for one in found["gpumon"])
    for own, kept in zip(found["gpumon"], found["keep"], strict=True):
        assert (own.rate or 0.0) >= 0.98 * (kept.rate or 0.0)
