"""What is told beside the verdict does not flicker, and dangers do not wait."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.rules import thermal_throttle
from gpumon.diagnosis.view import view_of
from gpumon.history.history import History
from gpumon.model.finding import Finding
from tests.unit.gpu_scene import GpuScene
from tests.unit.synthetic_training import PID

COOL = GpuScene()
HOT = GpuScene(throttle_thermal=0.9, temperature=93.0, sm_clock=0.9e9)
LOST = GpuScene(lost_at=0, others=(0.0,))


def told(*parts: tuple[GpuScene, int]) -> Iterator[tuple[set[str], bool]]:
    """Yield the ids of each second, and whether the rule of heat fires by itself then."""
    history = History()
    scenes = [scene for scene, seconds in parts for _ in range(seconds)]
    for index, scene in enumerate(scenes):
        history.append(scene.sample(index))
        view = view_of(history.window(), PID)
        assert view is not None
        by_itself = isinstance(thermal_throttle.RULE.judge(view), Finding)
        yield {finding.id for finding in diagnose(history.window(), PID)}, by_itself


def test_a_state_of_the_gpu_is_told_when_most_of_five_seconds_say_so() -> None:
    """Three seconds after it fires by itself at the latest, and as long after it does not any more."""
    seconds = list(told((COOL, 10), (HOT, 12), (COOL, 30)))
    by_itself = [fires for _, fires in seconds]
    shown = ["thermal-throttle" in ids for ids, _ in seconds]
    begins, ends = by_itself.index(True), len(by_itself) - by_itself[::-1].index(True)
    assert shown.index(True) == begins + 2
    assert len(shown) - shown[::-1].index(True) == ends + 2
    assert 2 == sum(1 for one, other in pairwise(shown) if one != other)


def test_a_lost_gpu_is_told_at_once() -> None:
    """It is critical: in its first second."""
    seconds = list(told((COOL, 10), (LOST, 1)))
    assert "gpu-lost" in seconds[-1][0]


def test_what_has_not_lasted_is_silent() -> None:
    """The rule by itself would fire, the diagnosis does not tell it yet."""
    seconds = list(told((COOL, 10), (HOT, 12)))
    first = [fires for _, fires in seconds].index(True)
    assert "thermal-throttle" not in seconds[first][0]
