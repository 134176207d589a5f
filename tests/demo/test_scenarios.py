"""The scenarios on machines of every size: each has the character that its name promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.demo.scenario import (
    DataCost,
    ModelCost,
    Scenario,
    read_data,
    read_model,
    scenarios,
    write_files,
)

CORES = [1, 2, 8, 64]
NAMES = ["healthy", "starved", "oversubscribed", "slow-disk", "memory-creep"]


def _workers(scenario: Scenario, cores: int, asked: int) -> int:
    """Return the workers that YOLOv5 gives: min(cores, batch size or 0 for a batch of 1, asked)."""
    return min(cores, scenario.batch_size if scenario.batch_size > 1 else 0, asked)


def _gpu_image_seconds(scenario: Scenario) -> float:
    model = scenario.model
    return (model.fixed_seconds + scenario.batch_size * model.image_seconds) / scenario.batch_size


def _supply(scenario: Scenario, cores: int, workers: int) -> float:
    """Return how many images a second the loader can make for each that the GPU can take."""
    data = scenario.data
    if workers == 0:
        # The main process loads between two batches: image after image, then the GPU.
        image_seconds = data.cpu_seconds + data.wait_seconds
        return _gpu_image_seconds(scenario) / (image_seconds + _gpu_image_seconds(scenario))
    usable = min(cores, scenario.affinity or cores)
    by_workers = workers / (data.cpu_seconds + data.wait_seconds)
    by_cores = usable / data.cpu_seconds
    return min(by_workers, by_cores) * _gpu_image_seconds(scenario)


@pytest.mark.parametrize("cores", CORES)
def test_every_scenario_is_there(cores: int) -> None:
    """A machine of any size has all scenarios, under the names they are called by."""
    table = scenarios(cores)

    assert NAMES == list(table) == [scenario.name for scenario in table.values()]


@given(st.integers(1, 512))
def test_workers_asked_are_workers_given(cores: int) -> None:
    """No scenario asks for workers that YOLOv5's cap would take away, but two on a machine of one core."""
    capped = [s.name for s in scenarios(cores).values() if s.workers != _workers(s, cores, s.workers)]

    assert (["oversubscribed"] if cores == 1 else []) == capped


@given(st.integers(1, 512))
def test_the_loader_of_healthy_keeps_up(cores: int) -> None:
    """The loader makes images clearly faster than the GPU takes them."""
    scenario = scenarios(cores)["healthy"]

    assert _supply(scenario, cores, scenario.workers) > 1.5


@given(st.integers(1, 512))
def test_the_loader_of_starved_does_not_keep_up(cores: int) -> None:
    """The GPU waits for a third of its time or more."""
    scenario = scenarios(cores)["starved"]

    assert _supply(scenario, cores, scenario.workers) < 0.67


@given(st.integers(1, 512))
def test_more_workers_mend_starved(cores: int) -> None:
    """The workers that would feed the GPU can be had: neither cores nor batch cap them away."""
    scenario = scenarios(cores)["starved"]
    most = _workers(scenario, cores, 1000)

    assert most > scenario.workers
    assert _supply(scenario, cores, most) > 1.0


@given(st.integers(2, 512))
def test_oversubscribed_has_more_workers_than_cores(cores: int) -> None:
    """Its affinity leaves it half as many cores as workers, and so few that the GPU waits."""
    scenario = scenarios(cores)["oversubscribed"]

    assert 2 * scenario.affinity == _workers(scenario, cores, scenario.workers)
    # The main thread spins while the GPU works and takes its share of the cores too: half, see `scenarios`.
    assert _supply(scenario, cores, scenario.workers) <= 1.0


@pytest.mark.parametrize("cores", CORES)
def test_memory_creep_fills_the_gpu_within_an_hour(cores: int) -> None:
    """It starts with room, and ends before its 100 epochs are over."""
    scenario = scenarios(cores)["memory-creep"]
    model = scenario.model
    first = model.context_bytes + model.static_bytes + scenario.batch_size * model.image_bytes

    assert model.gpu_total_bytes / 2 > first
    assert model.gpu_total_bytes < first + 100 * model.creep_bytes_per_epoch


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "memory-creep"])
def test_the_other_scenarios_fit_into_the_gpu(cores: int, name: str) -> None:
    """Only the one that is to run out of memory does, validation with twice the batch included."""
    scenario = scenarios(cores)[name]
    model = scenario.model
    images = max(scenario.batch_size, 2 * scenario.batch_size * 0.3)

    assert model.creep_bytes_per_epoch == 0
    assert model.gpu_total_bytes * 0.9 > model.context_bytes + model.static_bytes + images * model.image_bytes


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_what_is_read(tmp_path: Path, name: str) -> None:
    """The files that a training gets hold its scenario."""
    scenario = scenarios(8)[name]
    data, cfg = write_files(scenario, tmp_path)

    assert (scenario.data, scenario.model) == (read_data(data), read_model(cfg))


def test_the_defaults_are_a_training_of_40_milliseconds_a_batch() -> None:
    """The virtual GPU takes 40 ms for 16 images, 400 images a second."""
    scenario = Scenario("x", "", 1, data=DataCost(), model=ModelCost())

    assert _gpu_image_seconds(scenario) == pytest.approx(1 / 400)
