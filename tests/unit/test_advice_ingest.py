"""What the GPU could take: by bursts after a validation, else by the wait; the utilisation is a word."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from gpumon.advice.image_cost import ImageCost, image_cost_of
from gpumon.advice.ingest import WAIT_ERROR, Ingest, ingest_of, utilisation_words
from gpumon.advice.throughput import drawn_pipeline
from gpumon.diagnosis.view import View, view_of
from gpumon.model.measure import Certainty, Measure
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Phase
from tests.unit.synthetic_training import LOOKS, PID, STARVED, Scene

_VALIDATES, _BURST = 6, 5


@dataclass(frozen=True)
class BurstScene(Scene):
    """Starved training, a validation of 6 s, 5 s in which batches are ready, and starved training again.

    Before and after it makes 4 batches a second, in the burst `burst_rate`; 10 workers hold 20 batches.
    """

    burst_rate: int = 10
    burst_wait: float = 0.0
    before: int = 30
    seconds: int = 80
    wait: float | None = 0.6
    workers: int = 10
    idle: float | None = 0.0
    cpu: float | None = 0.95
    main_cpu: float = 0.4
    cores: int = 32
    batch_rate: float | None = 4.0
    gpu_busy: float | None = 0.4

    def reading(self, index: int) -> TrainingReading:
        """Return the training in one second."""
        reading = super().reading(index)
        after = index - self.before - _VALIDATES
        in_burst = 0 <= after < _BURST
        batch = 4 * min(index, self.before) + self.burst_rate * max(0, min(after + 1, _BURST))
        batch += 4 * max(0, after + 1 - _BURST)
        loader = reading.loader
        if in_burst:
            waiting = round(self.burst_wait * LOOKS)
            loader = replace(
                loader,
                data_wait_ratio=Measure(waiting / LOOKS, Certainty.SAMPLED, "proc", 0.1),
                main_waiting_samples=waiting,
            )
        return replace(
            reading,
            phase=Phase.VALIDATE if self.before <= index < self.before + _VALIDATES else Phase.TRAIN,
            progress=replace(reading.progress, batch=batch),
            loader=loader,
        )


def view(scene: Scene) -> View:
    """Return the view after a scene."""
    found = view_of(scene.window(), PID)
    assert found is not None
    return found


def ingest(scene: Scene) -> Ingest:
    """Return what the GPU of a scene could take."""
    found = ingest_of(view(scene))
    assert found is not None
    return found


def test_a_burst_tells_what_the_gpu_takes() -> None:
    """Ten batches a second while batches are ready, four while they are not: a wait of 0.6."""
    found = ingest(BurstScene())
    assert found.by_burst
    assert found.wait == pytest.approx(1 - 4 / 10)
    assert found.error < WAIT_ERROR
    assert "batches were ready after a validation" in found.basis


def test_a_burst_makes_the_promise_narrower() -> None:
    """The steps are counted, looks are not: the interval of what is lost shrinks."""
    by_burst, by_looks = drawn_pipeline(view(BurstScene())), drawn_pipeline(view(BurstScene(before=200)))
    assert by_burst is not None
    assert by_looks is not None
    burst, looks = by_burst.wait_bounds, by_looks.wait_bounds
    assert burst[1] - burst[0] < looks[1] - looks[0]


def test_a_burst_that_contradicts_the_wait_does_not_count() -> None:
    """Twice as fast as the wait allows: it was of other steps."""
    found = ingest(BurstScene(burst_rate=40))
    assert not found.by_burst
    assert found.wait == pytest.approx(0.6)


def test_a_burst_that_waited_is_none() -> None:
    """Steps that waited themselves say nothing of the GPU."""
    assert not ingest(BurstScene(burst_wait=0.4)).by_burst


def test_without_a_gap_the_wait_tells() -> None:
    """A training that was only seen training has its wait alone."""
    found = ingest(STARVED)
    assert (found.by_burst, found.error) == (False, WAIT_ERROR)
    assert found.wait == pytest.approx(0.41, abs=0.005)


def test_without_a_wait_nothing_is_known() -> None:
    """Neither wait nor burst: no estimate."""
    assert ingest_of(view(replace(STARVED, wait=None))) is None


def test_a_utilisation_that_contradicts_the_wait_is_told() -> None:
    """A GPU that counts as busy all the time, while its loop waits, is a word and no doubt."""
    assert utilisation_words(view(STARVED)) == ""
    words = utilisation_words(view(replace(STARVED, gpu_busy=0.99)))
    assert "utilisation of 99 % would leave less to gain" in words


def test_an_image_costs_its_worker_cpu_and_waiting() -> None:
    """Two workers that make 90 images/s on 0.96 of a core each take 21 ms for one."""
    cost = image_cost_of(view(STARVED))
    assert cost is not None
    assert cost.cpu_seconds == pytest.approx(2 * 0.96 / 90)
    assert cost.outside_seconds == 0.0
    assert cost.contention == pytest.approx(1 + 0.01 / 0.96)


def test_workers_prepare_what_time_and_cores_allow() -> None:
    """At 20 ms on a core and 30 outside one worker makes 20 images/s, and 2 cores no more than 100."""
    cost = ImageCost(0.020, 0.030, 1.0)
    assert cost.rate(1, 2) == pytest.approx(20)
    assert cost.rate(4, 2) == pytest.approx(80)
    assert cost.rate(40, 2) == pytest.approx(100)


def test_sleeping_workers_cost_outside() -> None:
    """Nine tenths asleep are a wait outside the CPU, not CPU time."""
    cost = image_cost_of(view(replace(STARVED, cpu=0.05, sleeping=0.9)))
    assert cost is not None
    assert cost.outside_seconds > 10 * cost.cpu_seconds


def test_without_a_rate_an_image_has_no_cost() -> None:
    """Seconds for an image need images."""
    assert image_cost_of(view(replace(STARVED, rate=None))) is None
