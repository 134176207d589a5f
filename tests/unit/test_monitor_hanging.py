"""A driver that hangs in a call: what the monitor shows meanwhile, and after it has answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo.processes import until
from tests.unit.monitor_parts import REAL_GPU, Stage
from tests.unit.trainings import training

ANN = training(4000)


@pytest.fixture
def hasty() -> Iterator[Stage]:
    """Return a monitor with one training that hardly waits for its sources."""
    stage = Stage(ANN, patience_seconds=0.05)
    yield stage
    stage.close()


def test_a_gpu_source_that_hangs_does_not_stop_the_ticks(hasty: Stage) -> None:
    """The last reading stands in the sample, and the source is named as late."""
    hasty.tick()
    hasty.gpus.free.clear()
    sample = hasty.tick(2).sample

    assert (2, (REAL_GPU,), ("nvml",)) == (sample.sequence, sample.gpus, sample.late_sources)


def test_a_gpu_source_that_hangs_is_asked_once(hasty: Stage) -> None:
    """Ticks do not queue up behind a driver that does not answer."""
    hasty.tick()
    hasty.gpus.free.clear()
    hasty.tick(3)

    assert until(lambda: len(hasty.gpus.asked) > 1)
    assert len(hasty.gpus.asked) == 2


def test_a_gpu_source_that_answers_again_is_not_late(hasty: Stage) -> None:
    """Lateness ends with the answer."""
    hasty.tick()
    hasty.gpus.free.clear()
    late = hasty.tick().sample.late_sources
    hasty.gpus.free.set()

    assert ("nvml",) == late
    # The clock stands still: nothing else is asked for meanwhile.
    assert until(lambda: () == hasty.tick(seconds=0.0).sample.late_sources)
