"""The likeliest causes come from all families, by how likely a wait is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.diagnosis.runners_up import likeliest_two, runners_up, waits_probability
from gpumon.diagnosis.view import View, view_of
from tests.unit.gpu_scene import GpuScene
from tests.unit.synthetic_training import HEALTHY, PID, STARVED, Scene


def view(scene: Scene) -> View:
    """Return the view of a scene."""
    found = view_of(scene.window(), PID)
    assert found is not None
    return found


def test_a_clear_wait_leaves_only_its_causes() -> None:
    """The others have no chance left."""
    found = runners_up(view(STARVED))
    assert found[0].id == "starved-too-few-workers"
    assert sum(cause.weight for cause in found if not cause.id.startswith("starved-")) < 0.01


def test_without_a_wait_its_causes_come_last() -> None:
    """What limits a fed training is told by its step."""
    assert runners_up(view(HEALTHY))[0].id == "compute-bound"
    assert runners_up(view(GpuScene(gpu_busy=0.6)))[0].id == "host-overhead"


def test_near_the_threshold_both_families_are_named() -> None:
    """A wait that may be one or not: the likeliest cause of it, and the healthy state."""
    first, second = likeliest_two(view(Scene(wait=0.05, idle=0.1)))
    assert {first.id, second.id} > {"compute-bound"}
    assert any(cause.id.startswith("starved-") for cause in (first, second))
    assert first.signal == "a longer look at the wait"


@pytest.mark.parametrize(("wait", "low", "high"), [(0.0, 0.0, 0.05), (0.05, 0.2, 0.8), (0.3, 0.99, 1.0)])
def test_the_chance_of_a_wait_follows_its_interval(wait: float, low: float, high: float) -> None:
    """Far below 5 % there is none, at 5 % it is even, far above it is certain."""
    assert low <= waits_probability(view(Scene(wait=wait))) <= high


def test_an_unknown_wait_is_even() -> None:
    """Nobody knows."""
    assert 0.5 == waits_probability(view(Scene(wait=None)))


@pytest.mark.parametrize("scene", [HEALTHY, STARVED, replace(STARVED, idle=None, cpu=None), Scene(workers=0)])
def test_weights_are_chances(scene: Scene) -> None:
    """None is negative, and together they are one at most."""
    weights = [cause.weight for cause in runners_up(view(scene))]
    assert min(weights) >= 0.0
    assert sum(weights) <= 1.0 + 1e-9
    assert weights == sorted(weights, reverse=True)


def test_at_the_threshold_the_healthy_state_is_one_of_the_first_two() -> None:
    """Although causes of a wait are likelier by themselves."""
    found = runners_up(view(Scene(wait=0.06, workers=8, idle=0.02, cpu=0.6, queue=0.3, others_cpu=6.0)))
    assert "compute-bound" in [cause.id for cause in found[:2]]
