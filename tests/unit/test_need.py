"""What training needs of what it holds: validation's share is given back before memory runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.diagnosis.need import need_of
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.unit.run_scene import view
from tests.unit.synthetic_training import GIB, HEALTHY

_PEAK = 6


def run(*spans: tuple[Phase, int, float], epoch: int = 1) -> list[Sample]:
    """Return samples of these phases, so many seconds each, with so many GiB held."""
    found: list[Sample] = []
    for phase, seconds, held in spans:
        for _ in range(seconds):
            scene = replace(HEALTHY, gpu_own=int(held * GIB), phases=(phase,) * 400, epoch=epoch)
            found.append(scene.sample(len(found)))
    return found


def test_the_peak_before_the_first_validation_is_what_training_needs() -> None:
    """5 of 6 GiB: the rest is free again while it trains."""
    samples = run(
        (Phase.START, 10, 0.4), (Phase.TRAIN, 60, 5.0), (Phase.VALIDATE, 10, 6.0), (Phase.TRAIN, 60, 6.0)
    )
    need = need_of(view(samples), _PEAK * GIB, 12 * GIB)
    assert need.is_seen
    assert need.bytes == pytest.approx(5.0 * GIB)
    assert need.rises == ()


def test_later_rises_are_needed_too() -> None:
    """A crowded batch after the validation adds its GiB."""
    samples = run(
        (Phase.TRAIN, 60, 5.0), (Phase.VALIDATE, 10, 6.0), (Phase.TRAIN, 60, 6.0), (Phase.TRAIN, 60, 7.0)
    )
    need = need_of(view(samples), 7 * GIB, 12 * GIB)
    assert len(need.rises) == 1
    assert need.rises[0] == pytest.approx(GIB)
    assert need.bytes == pytest.approx(6.0 * GIB)


@pytest.mark.parametrize(
    "spans",
    [
        ((Phase.TRAIN, 120, 6.0),),
        ((Phase.VALIDATE, 20, 6.0), (Phase.TRAIN, 100, 6.0)),
        ((Phase.START, 60, 0.4), (Phase.VALIDATE, 20, 6.0), (Phase.TRAIN, 100, 6.0)),
        ((Phase.START, 60, 0.4), (Phase.TRAIN, 5, 5.0), (Phase.VALIDATE, 20, 6.0), (Phase.TRAIN, 100, 6.0)),
    ],
    ids=["no validation seen", "attached in one", "no training before one", "too little training before one"],
)
def test_where_it_was_not_seen_the_whole_peak_is_taken(spans: Sequence[tuple[Phase, int, float]]) -> None:
    """The start's few hundred MiB are no need of training."""
    need = need_of(view(run(*spans)), _PEAK * GIB, 12 * GIB)
    assert not need.is_seen
    assert need.bytes == _PEAK * GIB


def test_the_risk_is_judged_by_what_is_needed() -> None:
    """11.9 of 12 GiB held, of which 2 are validation's: there is room."""
    samples = run((Phase.TRAIN, 60, 9.9), (Phase.VALIDATE, 10, 11.9), (Phase.TRAIN, 60, 11.9))
    memory = memory_of(view(samples))
    assert isinstance(memory, GpuMemory)
    assert memory.need == pytest.approx(9.9 * GIB, rel=1e-6)
    assert memory.peak == pytest.approx(11.9 * GIB, rel=1e-6)


def test_before_the_first_validation_all_is_needed() -> None:
    """All that is held then is training's."""
    memory = memory_of(view(run((Phase.TRAIN, 30, 5.0), epoch=0)))
    assert isinstance(memory, GpuMemory)
    assert memory.need == memory.peak
