"""gpumon looks into a real YOLOv5 whose log it cannot read, and tells its wait, its place and its rate.

The training writes to a terminal: nothing but its memory tells where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.training import Phase
from tests.lab.watch import Look, Watch, training_stretch
from tests.real import recipes, truth
from tests.real.stage import Stage
from tests.real.training import RunningTraining
from tests.real.watched import WatchedTraining

pytestmark = pytest.mark.real

_WATCH_SECONDS = 24.0
_WAIT_ERROR = 0.03
_RATE_ERROR = 0.01
# The rate is that of the deliveries of the last 30 s at most.
_RATE_SECONDS = 30.0
# What a reading shows is read within this time after its tick began.
_READ_SECONDS = 0.1
STARVED = replace(recipes.STARVED, output="pty")


@dataclass(frozen=True, slots=True)
class Seen:
    """A training with everything that was told while it trained."""

    training: RunningTraining
    starting: list[Look]
    steady: list[Look]
    batches: int

    @property
    def first_loader(self) -> list[truth.LoaderWait]:
        """The recorded waits for the training's own loader."""
        return [wait for wait in self.training.waits if wait.loader == 0]


@pytest.fixture(scope="module")
def seen(stage: Stage) -> Iterator[Seen]:
    """A starved YOLOv5 in a terminal, watched from its start on."""
    training = stage.fresh(STARVED)
    with Watch(training.pid) as watch:
        watch.until(lambda look: look.reading.phase is Phase.TRAIN, 180)
        starting = watch.looks[:-1]
        watch.for_seconds(_WATCH_SECONDS)
        progress = training.progress
        assert progress is not None
        yield Seen(training, starting, training_stretch(watch.looks), progress.batches)


def wait_of(look: Look) -> Measure:
    wait = look.reading.loader.data_wait_ratio
    assert isinstance(wait, Measure), wait.reason
    return wait


def test_its_log_cannot_be_read(seen: Seen) -> None:
    """A terminal cannot be read without stealing from it: the place is known from memory alone."""
    reading = seen.steady[-1].reading
    assert isinstance(reading.training.log_path, Missing)
    assert "interpreter" in reading.progress.source
    assert isinstance(reading.interpreter, str)


def test_wait_is_the_recorded_one(seen: Seen) -> None:
    """Over 20 s and more the wait lies within 0.03 of what the recorder in the training saw."""
    steady = seen.steady
    start, end = steady[0].seconds, steady[-1].seconds
    assert end - start >= 20
    real = seen.training.data_wait_ratio(start, end)
    found = sum(wait_of(look).value for look in steady[1:]) / (len(steady) - 1)
    print(f"starved, by frames: wait {found:.3f}, recorded {real:.3f}, error {found - real:+.3f}")
    assert {wait_of(look).certainty for look in steady} == {Certainty.SAMPLED}
    assert pytest.approx(real, abs=_WAIT_ERROR) == found


def test_epoch_and_batch_are_exact(seen: Seen) -> None:
    """Every reading shows the epoch and the finished batches of that moment."""
    assert seen.steady
    for look in seen.steady:
        progress = look.reading.progress
        moments = (look.seconds, look.seconds + _READ_SECONDS)
        places = {_place(seen.first_loader, seen.batches, at) for at in moments}
        assert (progress.epoch, progress.batch) in places
        assert (progress.epochs, progress.batches) == (STARVED.epochs, seen.batches)


def _place(waits: list[truth.LoaderWait], batches: int, at: float) -> tuple[int, int]:
    """Return epoch and finished batches: who asks for a batch has done the one before."""
    asked = sum(wait.start <= at for wait in waits)
    epoch = max(asked - 1, 0) // batches
    return epoch, max(asked - 1 - epoch * batches, 0)


def test_rate_is_the_recorded_one(seen: Seen) -> None:
    """Images per second lie within 1 % of the recorded deliveries, and are exact by their own word."""
    last = seen.steady[-1]
    images = last.reading.progress.images_per_second
    assert isinstance(images, Measure)
    assert images.certainty is Certainty.EXACT
    # The counter's first change is seen a second or so after the loop has begun.
    begin = max(last.seconds - _RATE_SECONDS, seen.steady[0].seconds)
    ends = [wait.end for wait in seen.first_loader if wait.end is not None and wait.end <= last.seconds]
    rates = []
    for first in (begin - 1.5, begin, begin + 1.5):
        of_window = [end for end in ends if end >= first]
        rates.append((len(of_window) - 1) / (of_window[-1] - of_window[0]) * STARVED.batch_size)
    error = min(abs(images.value / rate - 1) for rate in rates)
    print(f"starved, by frames: {images.value:.3f} images/s, recorded {rates}, error {error:.2%}")
    assert error <= _RATE_ERROR


def test_loader_tells_its_settings(seen: Seen) -> None:
    """What the DataLoader object holds is what the training was started with."""
    loader = seen.steady[-1].reading.loader
    assert (loader.batch_size, loader.workers) == (STARVED.batch_size, STARVED.workers)
    assert (loader.prefetch_factor, loader.pin_memory) == (2, False)
    assert isinstance(loader.tasks_outstanding, int)
    assert 0 <= loader.tasks_outstanding <= 2 * STARVED.workers


def test_setting_up_is_the_start(seen: Seen) -> None:
    """Until its first batch is done it starts, whatever its frames are."""
    assert {look.reading.phase for look in seen.starting} <= {Phase.START}


def test_phases_of_a_whole_run(finished_in_a_pipe: WatchedTraining) -> None:
    """Training, validation and what follows are told by the frames, in that order."""
    looks = finished_in_a_pipe.looks
    phases = [look.reading.phase for look in looks if look.reading.ended is None]
    by_frames = {look.reading.phase for look in looks if "frames" in look.reading.phase_source}
    assert phases[0] in {Phase.START, Phase.UNKNOWN}
    assert Phase.TRAIN in phases
    assert phases.index(Phase.TRAIN) > 0
    assert Phase.TRAIN in by_frames


def test_loading_without_workers_is_a_wait(loading_in_main: WatchedTraining) -> None:
    """With 0 workers loading happens in the main thread, which its frames alone tell from computing."""
    training, steady = loading_in_main.training, training_stretch(loading_in_main.looks)
    start, end = steady[0].seconds, steady[-1].seconds
    real = training.data_wait_ratio(start, end)
    found = sum(wait_of(look).value for look in steady[1:]) / (len(steady) - 1)
    print(f"0 workers, by frames: wait {found:.3f}, recorded {real:.3f}, error {found - real:+.3f}")
    assert steady[-1].reading.loader.workers == 0
    assert pytest.approx(real, abs=2 * _WAIT_ERROR) == found
