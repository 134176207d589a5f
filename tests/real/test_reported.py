"""A real YOLOv5 started by `gpumon run` and watched: its own word is shown, and its frames agree with it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from gpumon.model.measure import Certainty, Measure
from gpumon.model.training import Phase
from gpumon.monitor.attaching import Wish
from gpumon.sources.reporter_reading import SOURCE
from tests.lab.watch import Look, Watch, images_per_second, training_stretch
from tests.real import recipes, truth
from tests.real.stage import Stage
from tests.real.training import RunningTraining

pytestmark = pytest.mark.real

_WATCH_SECONDS = 16.0
_WAIT_ERROR = 0.02
_READ_SECONDS = 0.3
RUN = (sys.executable, "-m", "gpumon", "run", "-q", "--")
STARVED = replace(recipes.STARVED, under=RUN)


@dataclass(frozen=True, slots=True)
class Reported:
    """The training, and what was told of it while it trained and the reporter told two numbers."""

    training: RunningTraining
    steady: list[Look]


@pytest.fixture(scope="module")
def reported(stage: Stage) -> Iterator[Reported]:
    """A starved YOLOv5, watched past its start."""
    training = stage.steady(STARVED)
    with Watch(training.pid, wish=Wish(training.pid)) as watch:
        watch.until(_is_told, 180)
        watch.for_seconds(_WATCH_SECONDS)
        yield Reported(training, [look for look in training_stretch(watch.looks) if _is_told(look)])


def _is_told(look: Look) -> bool:
    wait = look.reading.loader.data_wait_ratio
    is_told = isinstance(wait, Measure) and wait.source == SOURCE
    return is_told and look.reading.phase is Phase.TRAIN


def _wait(look: Look) -> Measure:
    wait = look.reading.loader.data_wait_ratio
    assert isinstance(wait, Measure), wait.reason
    return wait


def test_it_is_yolov5_with_a_reporter(reported: Reported) -> None:
    """It is known as what it is, and the command to repeat it is the one behind `gpumon run`."""
    reading = reported.steady[-1].reading
    assert (reading.training.framework, reading.reporter) == ("yolov5", SOURCE)
    assert reading.training.command[-len(reported.training.argv) + 1 :] == reported.training.argv[1:]
    assert not any("reporter" in value for _, value in reading.training.environment)


def test_the_wait_is_the_recorded_one(reported: Reported) -> None:
    """The wait is exact by its own word, and that of the recorder inside the training."""
    looks = reported.steady
    assert {_wait(look).certainty for look in looks} == {Certainty.EXACT}
    start, end = looks[0].seconds, looks[-1].seconds
    real = reported.training.data_wait_ratio(start, end)
    spans = [other.seconds - one.seconds for one, other in itertools.pairwise(looks)]
    told = sum(_wait(look).value * span for look, span in zip(looks[1:], spans, strict=True)) / sum(spans)
    print(f"yolov5, reported: wait {told:.4f}, recorded {real:.4f}, error {told - real:+.4f}")
    assert pytest.approx(real, abs=_WAIT_ERROR) == told


def test_the_rate_is_the_recorded_one(reported: Reported) -> None:
    """Images per second are those of the last ten seconds, to a batch and a half."""
    look = reported.steady[-1]
    seconds = 10.0
    delivered = truth.batches_delivered(reported.training.waits, look.seconds - seconds, look.seconds)
    batches = images_per_second(look) / STARVED.batch_size * seconds
    assert pytest.approx(batches, rel=0.03, abs=1.5) == delivered


def test_the_place_is_the_recorded_one(reported: Reported) -> None:
    """The finished batches of the first epoch are those before the one under way."""
    for look in reported.steady:
        moments = (look.seconds, look.seconds + _READ_SECONDS)
        first, last = (truth.batches_delivered(reported.training.waits, 0.0, at) for at in moments)
        batch = look.reading.progress.batch
        assert isinstance(batch, int)
        assert (look.reading.progress.epoch, first - 1 <= batch <= last) == (0, True)


def test_the_bytes_of_a_batch_are_its_images(reported: Reported) -> None:
    """4 images of 64 x 64 bytes in three colours, as the reporter saw the tensor."""
    size = reported.steady[-1].reading.loader.batch_bytes
    assert size == Measure(4 * 3 * 64 * 64, Certainty.EXACT, SOURCE)


def test_the_frames_agree(reported: Reported) -> None:
    """The interpreter is seen beside the reporter, and hardly any reading of it contradicts."""
    assert "interpreter" in str(reported.steady[-1].reading.interpreter)
    assert "interpreter" in reported.steady[-1].reading.progress.source
    notes = [look.reading.loader.notes for look in reported.steady]
    contrary = [note for note in notes if any("interpreter" in text for text in note)]
    assert 5 * len(contrary) <= len(notes), contrary
