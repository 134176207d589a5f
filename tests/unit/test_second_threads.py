"""Cores with two threads: what workers beyond the physical cores bring, and who has a core to itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.second_threads import done_by, rank_cores, thread_speed
from gpumon.advice.throughput import (
    Pipeline,
    needed_workers,
    predict_more,
    prepared_by,
    workers_for_cores,
)
from gpumon.diagnosis.view import View, view_of
from tests.lab.gpu_cost import GpuCost
from tests.lab.settings_pipeline import Load, Ran, simulate
from tests.lab.settings_scenario import Cell
from tests.unit.synthetic_training import PID, Scene

CORES, THREADS = 8, 16
# Eight workers on eight cores of which each has a second thread; the GPU could take twice as much.
EIGHT = Pipeline(8, wait=0.5, busy=0.98, cpu=0.98, main_cpu=0.5, cores=THREADS, physical_cores=CORES)


def view(scene: Scene) -> View:
    """Return the view of a scene."""
    found = view_of(scene.window(), PID)
    assert found is not None
    return found


def heavy(workers: int, second_thread: float) -> Ran:
    """Simulate a loader that the cores cannot feed a GPU with: 25 ms of a core an image."""
    gpu = GpuCost().taking(32, 224, 32 / 600)
    load = Load(THREADS, 0.025, 0.0, gpu, physical_cores=CORES, second_thread=second_thread)
    return simulate(load, Cell(workers, 32))


def test_second_threads_add_a_part_of_what_the_first_ones_do() -> None:
    """Six threads on eight cores have one each; of sixteen, eight add a quarter of a core each."""
    assert done_by(6.0, CORES) == 6.0
    assert done_by(16.0, CORES) == pytest.approx(10.0)
    assert done_by(16.0, None) == 16.0


@given(threads=st.floats(0.1, 64.0), cores=st.floats(1.0, 32.0), second=st.floats(0.0, 1.0))
def test_a_thread_is_never_faster_than_with_a_core_to_itself(
    threads: float, cores: float, second: float
) -> None:
    """Nor slower than what both threads of a core do, shared by two."""
    speed = thread_speed(threads, cores, cores / 2, second)
    assert (1.0 + second) / 2 - 1e-9 <= speed <= 1.0


def test_almost_every_thread_is_needed_before_the_cores_are_full() -> None:
    """Each worker beyond the eighth brings a quarter, and it is no matter of eight and two more."""
    count = workers_for_cores(EIGHT)
    assert count is not None
    assert 12 <= count <= 15
    # What ten workers bring is far from ten eighths.
    assert prepared_by(EIGHT, 10) < 1.10


def test_cores_without_second_threads_are_all_the_same() -> None:
    """As many physical cores as there are, or no word of them: workers count in full, and so do promises."""
    single, unknown = replace(EIGHT, physical_cores=THREADS), replace(EIGHT, physical_cores=None)
    assert prepared_by(single, 10) == prepared_by(unknown, 10) == 10 / (0.98 * 8)
    assert needed_workers(single) == needed_workers(unknown)
    assert predict_more(single, 10).value == predict_more(unknown, 10).value


@pytest.mark.parametrize("second_thread", [0.15, 0.25, 0.35])
@pytest.mark.parametrize("workers", [10, 12, 14])
def test_the_promise_holds_whatever_second_threads_add(workers: int, second_thread: float) -> None:
    """A simulated loader with more workers than cores makes what lies in the interval."""
    before, after = heavy(8, second_thread), heavy(workers, second_thread)
    seen = Pipeline(
        8,
        before.wait_ratio,
        1.0 - before.idle_ratio,
        cpu=before.cpu_ratio,
        main_cpu=before.main_cpu_ratio,
        cores=THREADS,
        physical_cores=CORES,
    )
    promised = predict_more(seen, workers)
    achieved = after.images_per_second / before.images_per_second
    assert promised.low <= achieved <= promised.high


def test_a_quota_leaves_each_thread_a_core_to_itself() -> None:
    """Eight cores' time on a machine of 32 cores with two threads each: the threads spread over these."""
    assert rank_cores(view(Scene(cores=64, physical_cores=32, quota=8.0))) == (8.0, 32.0)


def test_a_quota_on_a_machine_that_others_fill_does_not() -> None:
    """Where others leave 16 of 64 threads these are on 8 cores."""
    scene = Scene(cores=64, physical_cores=32, quota=12.0, workers=0, main_cpu=0.0, others_cpu=48.0)
    assert rank_cores(view(scene)) == pytest.approx((12.0, 8.0))


def test_an_affinity_is_to_threads() -> None:
    """Eight of 64 threads are those of four cores, as far as the count tells."""
    assert rank_cores(view(Scene(cores=64, physical_cores=32, affinity=8))) == (8.0, 4.0)
