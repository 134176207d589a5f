"""What gpumon would see of a model run is what such a machine shows."""

from __future__ import annotations

import pytest

from gpumon.advice.last_batch import seen_share
from gpumon.diagnosis.cores import CoreLimit, cores_of, quota_of
from gpumon.diagnosis.view import View, view_of
from gpumon.model.measure import known
from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import GIB
from tests.lab.settings_machines import Host, hosts, scene_of
from tests.lab.settings_pipeline import simulate
from tests.lab.settings_scenario import Cell
from tests.unit.synthetic_training import PID

CELL = Cell(12, 32)


def view(host: Host) -> View:
    """Return what is seen of a training there, which its cores cannot feed."""
    load = host.load(0.025, 0.0, GpuCost().taking(16, 112, 16 / 600))
    found = view_of(scene_of(host, load, CELL, simulate(load, CELL), 4 * GIB).window(), PID)
    assert found is not None
    return found


@pytest.mark.parametrize("host", hosts(), ids=lambda host: host.name)
def test_a_machine_is_seen_as_it_is(host: Host) -> None:
    """Its cores, those that a training may use, and a /dev/shm of half of its memory."""
    seen = view(host)
    cores, shm, memory = cores_of(seen), known(seen.reading.loader.shm), known(seen.sample.host.memory)
    assert cores is not None
    assert cores.usable == (host.quota or host.allowed)
    assert known(seen.sample.host.physical_cores) == host.physical_cores
    assert shm is not None
    assert memory is not None
    assert shm.shm_total_bytes == memory.memory_total_bytes // 2


def test_a_quota_is_seen_to_stop_a_training() -> None:
    """Twelve workers use up eight cores in most of the periods."""
    (host,) = [one for one in hosts() if one.quota is not None]
    seen = view(host)
    quota, cores = known(quota_of(seen)), cores_of(seen)
    assert quota is not None
    assert quota.stops
    assert cores is not None
    assert cores.limit is CoreLimit.QUOTA


def test_the_last_batch_of_epochs_is_seen() -> None:
    """COCO leaves 15 images of 32; what they tell of one epoch is known to about a tenth of a step."""
    found = seen_share(view(hosts()[0]), CELL.batch_size)
    assert found is not None
    assert found.part == 15 / 32
    assert 0.05 < found.error < 0.20
