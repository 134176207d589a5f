"""A saw-tooth of memory near the limit is the allocator's last resort; other falls are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gpumon.diagnosis.flushes import flushes_of
from gpumon.diagnosis.rules.vram_at_limit import RULE
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.unit.run_scene import finding, view
from tests.unit.synthetic_training import GIB, HEALTHY

_LIMIT = 12 * GIB
_PEAK = 11.4


def _holding(used_gib: Sequence[float], phases: tuple[Phase, ...] = ()) -> list[Sample]:
    scenes = [replace(HEALTHY, gpu_own=int(used * GIB), phases=phases) for used in used_gib]
    return [scene.sample(index) for index, scene in enumerate(scenes)]


@pytest.mark.parametrize(
    ("used", "count"),
    [
        ([_PEAK] * 10, 0),
        ([*[_PEAK] * 5, 9.0, *[_PEAK] * 5], 1),
        ([*[_PEAK] * 5, 9.0, *[_PEAK] * 5, 10.2, 11.0, *[_PEAK] * 5], 2),
        ([*[_PEAK] * 5, *[9.0] * 9, _PEAK], 0),
        ([*[_PEAK] * 5, *[9.0] * 9], 0),
        ([*[6.0] * 5, 4.0, *[6.0] * 5], 0),
        ([*[_PEAK] * 5, 11.38, *[_PEAK] * 5], 0),
    ],
    ids=["at rest", "one", "two", "back late", "fell for good", "far from the limit", "jitter"],
)
def test_what_a_flush_is(used: list[float], count: int) -> None:
    """A fall by 100 MB or more above 90 % of the limit that is made up for within seconds."""
    assert flushes_of(view(_holding(used)), _LIMIT) == count


def test_a_cache_emptied_between_two_phases_is_no_flush() -> None:
    """So does ultralytics before each validation."""
    phases = (*[Phase.TRAIN] * 5, Phase.VALIDATE, *[Phase.TRAIN] * 5)
    used = [*[_PEAK] * 5, 9.0, *[_PEAK] * 5]
    assert flushes_of(view(_holding(used, phases)), _LIMIT) == 0


def test_flushes_make_the_risk_elevated() -> None:
    """Two within the last minutes are told, though most that flush end well."""
    found = finding(RULE, _holding([*[_PEAK] * 5, 9.0, *[_PEAK] * 5, 9.0, *[_PEAK] * 5]))
    assert "is elevated, about 10 %" in found.text
    assert "give its cache back 2 times" in found.text
