"""The numbers that causes of a data wait rest on: pace, storage, cores, and how likely each cause is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.diagnosis.candidates import candidates
from gpumon.diagnosis.cores import CoreLimit, cores_of
from gpumon.diagnosis.order import WAITS
from gpumon.diagnosis.pace import pace_drop
from gpumon.diagnosis.storage import storage_of
from gpumon.diagnosis.view import View, view_of
from gpumon.diagnosis.workers import each_words, shares_by_worker
from gpumon.model.finding import Finding
from tests.unit.starved_scene import StarvedScene
from tests.unit.synthetic_training import GIB, PID

SECONDS = 20


def view(scene: StarvedScene) -> View:
    """Return the view of a scene."""
    found = view_of(scene.window(), PID)
    assert found is not None
    return found


@given(st.lists(st.floats(0.0, 1.0), min_size=SECONDS, max_size=SECONDS))
@settings(deadline=None, max_examples=15)
def test_work_at_one_pace_never_drops(waits: list[float]) -> None:
    """However the wait goes up and down: who gets the same done in each second is not uneven."""
    drop = pace_drop(view(StarvedScene(waits=tuple(waits))))
    assert drop == pytest.approx(0.0, abs=1e-9)


def test_a_drop_is_what_the_waiting_seconds_lack() -> None:
    """Half the work in every other second, when the loop waits, is two thirds of the average less."""
    scene = StarvedScene(waits=(0.1, 0.7), works=(1.0, 0.5))
    assert pace_drop(view(scene)) == pytest.approx(0.5 / 0.75)


def test_a_pace_needs_some_seconds_and_what_the_workers_read() -> None:
    """Few seconds, or reads that cannot be seen, say nothing."""
    scene = StarvedScene(waits=(0.1, 0.7), works=(1.0, 0.5))
    assert pace_drop(view(replace(scene, seconds=6))) is None
    assert pace_drop(view(replace(scene, characters=None))) is None


def test_shares_are_told_worker_by_worker() -> None:
    """Up to four workers are named one by one, more by their range, a single one not at all."""
    assert shares_by_worker(view(StarvedScene(disk=0.5, workers=2)), lambda state: state.disk) == (0.5, 0.5)
    assert each_words((0.61,)) == ""
    assert each_words((0.61, 0.63)) == " (worker by worker 61 % and 63 %)"
    assert each_words((0.5, 0.6, 0.7, 0.55, 0.65)) == " (50 % to 70 % of each of 5 workers)"


def test_many_workers_are_looked_at_over_fewer_seconds() -> None:
    """All of 200 workers are counted, in the newest second alone."""
    assert len(shares_by_worker(view(StarvedScene(disk=0.5, workers=200)), lambda state: state.disk)) == 200


def test_the_cache_has_what_a_limit_leaves() -> None:
    """The smaller of the host's memory and the cgroup's limit, less what is in use."""
    free = storage_of(view(StarvedScene(memory_available=40 * GIB)))
    assert (free.cache_room_bytes, free.cache_is_limited) == (40 * GIB, False)
    limited = storage_of(view(StarvedScene(memory_limit=4 * GIB, memory_used=GIB)))
    assert (limited.cache_room_bytes, limited.cache_is_limited) == (3 * GIB, True)


def test_a_mosaic_reads_each_image_four_times() -> None:
    """An epoch of YOLOv5 reads a quarter of the data set's images at least."""
    scene = StarvedScene(image_bytes=4e6, batches=100, batch_size=16)
    assert storage_of(view(scene)).epoch_bytes == pytest.approx(1e6 * 1600)
    assert storage_of(view(replace(scene, framework="torch"))).epoch_bytes == pytest.approx(4e6 * 1600)


def test_hardly_any_pressure_says_nothing_of_the_cache() -> None:
    """A few thousandths of waiting for I/O are noise, whatever part of it is memory's."""
    assert storage_of(view(StarvedScene(io_stall=0.004, memory_stall=0.004))).thrown_out_ratio == 0.0
    assert storage_of(view(StarvedScene(io_stall=0.4, memory_stall=0.3))).thrown_out_ratio == pytest.approx(
        0.75
    )


def test_stolen_time_is_no_idle_time() -> None:
    """What a hypervisor takes is in use by others."""
    cores = cores_of(view(StarvedScene(cores=8, workers=2, cpu=1.0, main_cpu=0.0, stolen=0.5)))
    assert cores is not None
    assert cores.others == pytest.approx(4.0)
    assert cores.idle == pytest.approx(2.0)


def test_neighbours_on_other_cores_than_an_affinity_are_not_counted() -> None:
    """At most what the training leaves of its own cores."""
    scene = StarvedScene(cores=32, affinity=4, workers=3, cpu=1.0, main_cpu=0.2, others_cpu=20.0)
    cores = cores_of(view(scene))
    assert cores is not None
    assert cores.limit is CoreLimit.AFFINITY
    assert cores.others_ratio == pytest.approx(0.2)


shares = st.floats(0.0, 1.0)
scenes = st.builds(
    StarvedScene,
    wait=st.floats(0.06, 1.0),
    workers=st.integers(1, 12),
    idle=st.none() | shares,
    cpu=st.none() | shares,
    queue=st.none() | shares,
    disk=shares,
    remote=shares,
    lock=shares,
    sleeping=shares,
    device_busy=shares,
    cores=st.integers(1, 16),
    quota=st.none() | st.floats(0.1, 8.0),
    throttled=st.none() | shares,
    affinity=st.none() | st.integers(1, 4),
    others_cpu=st.floats(0.0, 16.0),
    stolen=shares,
    read=st.none() | st.floats(0.0, 1e9),
    characters=st.none() | st.floats(0.0, 1e9),
    memory_stall=st.none() | shares,
    io_stall=st.none() | shares,
    image_bytes=st.none() | st.floats(0.0, 1e8),
    has_disks=st.booleans(),
    has_channels=st.booleans(),
    reads_calls=st.booleans(),
    ranks=st.integers(1, 3),
)


@given(scenes)
@settings(deadline=None, max_examples=30)
def test_causes_are_told_of_any_numbers_and_weighed_in_order(scene: StarvedScene) -> None:
    """Any numbers, any of them missing: rules answer, at most one tells of storage, weights are shares."""
    seen = view(scene)
    told = [rule.id for rule in WAITS if isinstance(rule.judge(seen), Finding)]
    storages = {
        "starved-remote-storage",
        "starved-page-cache",
        "starved-local-disk",
        "starved-too-few-workers",
    }
    assert len(storages & set(told)) <= 1
    weights = [candidate.weight for candidate in candidates(seen)]
    assert weights == sorted(weights, reverse=True)
    assert all(0.0 <= weight <= 1.0 for weight in weights)
