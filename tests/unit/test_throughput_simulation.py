"""The throughput model against a simulated loader, and against the three regimes of the tuning guide."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from gpumon.advice.advise import report_on
from gpumon.model.suggestion import Effect, Suggestion
from tests.unit.loader_simulation import Run, simulate
from tests.unit.synthetic_training import GIB, PID, Scene

BATCH = 24


def scene_of(run: Run, workers: int, cores: int = 64) -> Scene:
    """Return what gpumon sees of a simulated run whose workers burn a core while they work, its GPU full."""
    return Scene(
        gpu_own=int(10.5 * GIB),
        wait=run.wait,
        workers=workers,
        idle=run.idle,
        cpu=1.0 - run.idle,
        queue=0.0,
        cores=cores,
        main_cpu=1.0 - run.wait,
        gpu_busy=1.0 - run.wait,
        rate=run.rate * BATCH,
        batch_size=BATCH,
    )


def workers_advice(scene: Scene) -> Suggestion | None:
    """Return the suggestion on workers, if there is one."""
    found = report_on(scene.window(), PID).suggestions
    return next((suggestion for suggestion in found if suggestion.setting == "workers"), None)


def images(suggestion: Suggestion) -> Effect:
    """Return the promised images per second."""
    assert isinstance(suggestion.images_per_second, Effect)
    return suggestion.images_per_second


@pytest.mark.parametrize("gpu_seconds", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("service_seconds", [0.15, 0.4, 0.8])
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("deviation", [0.05, 0.15])
def test_the_restarted_loader_reaches_the_promised_rate(
    gpu_seconds: float, service_seconds: float, workers: int, deviation: float
) -> None:
    """With the advised workers the simulated rate lies in the promised interval, and feeds the GPU."""

    def service(random: Random) -> float:
        return max(0.2 * service_seconds, random.gauss(service_seconds, deviation * service_seconds))

    before = simulate(workers, service, gpu_seconds)
    suggestion = workers_advice(scene_of(before, workers))
    if suggestion is None:
        assert before.wait < 0.12
        return
    assert isinstance(suggestion.to_value, int)
    after = simulate(suggestion.to_value, service, gpu_seconds, seed=2)
    promised = images(suggestion)
    assert promised.low <= after.rate * BATCH <= promised.high
    if suggestion.to_value < BATCH:
        assert after.wait < 0.08


# The guide: YOLOv5s on an RTX 3060, batch 24. 6 workers reach 120 images/s at 95 % utilisation, so the
# GPU takes 126; 2 workers reach 90, so one prepares 45; 12 workers fall back to 110.
GPU_RATE, WORKER_RATE = 120 / 0.95, 45.0


def test_two_workers_starve_and_the_advice_reaches_the_rate_of_six() -> None:
    """From 2 workers at 90 images/s the prediction holds the 120 that more workers reached."""
    before = simulate(2, lambda _: BATCH / WORKER_RATE, BATCH / GPU_RATE)
    assert before.rate * BATCH == pytest.approx(90.0, rel=0.01)
    scene = scene_of(before, 2, cores=12)
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == "starved-too-few-workers"
    suggestion = workers_advice(scene)
    assert suggestion is not None
    assert isinstance(suggestion.to_value, int)
    assert 3 <= suggestion.to_value <= 6
    promised = images(suggestion)
    assert promised.low <= 120.0 <= promised.high


def test_six_workers_are_healthy_and_left_alone() -> None:
    """At 6 workers the GPU is the limit and no other number is advised."""
    run = simulate(6, lambda _: BATCH / WORKER_RATE, BATCH / GPU_RATE)
    assert run.rate * BATCH == pytest.approx(GPU_RATE, rel=0.01)
    scene = scene_of(run, 6, cores=12)
    assert report_on(scene.window(), PID).findings[0].id == "compute-bound"
    assert workers_advice(scene) is None


def test_twelve_workers_on_eight_cores_are_too_many() -> None:
    """At 12 workers and 110 images/s fewer are advised, and the prediction holds 120."""
    scene = Scene(
        wait=1 - 110 / GPU_RATE,
        workers=12,
        idle=0.05,
        cpu=0.60,
        queue=0.35,
        cores=8,
        main_cpu=110 / GPU_RATE,
        rate=110.0,
        batch_size=BATCH,
    )
    assert report_on(scene.window(), PID).findings[0].id == "starved-too-many-workers"
    suggestion = workers_advice(scene)
    assert suggestion is not None
    assert isinstance(suggestion.to_value, int)
    assert 5 <= suggestion.to_value <= 8
    promised = images(suggestion)
    assert promised.low <= 120.0 <= promised.high


def test_more_batch_does_not_help_a_loader_that_is_the_limit() -> None:
    """A starved loader is never told to raise its batch."""
    before = simulate(2, lambda _: BATCH / WORKER_RATE, BATCH / GPU_RATE)
    scene = replace(scene_of(before, 2), gpu_own=2 * GIB)
    assert [found.setting for found in report_on(scene.window(), PID).suggestions] == ["workers"]
