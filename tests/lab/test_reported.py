"""A training started by `gpumon run`, watched: its own word is shown, and its frames do not contradict it."""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpumon.frameworks.marks import TORCH
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.training import Phase
from gpumon.monitor.attaching import Wish
from gpumon.sources.clock import SystemClock
from gpumon.sources.interpreter import InterpreterSource
from gpumon.sources.interpreter_reading import InterpreterReading
from gpumon.sources.reporter_reading import SOURCE
from tests.lab.training import SCRIPT, Dose, LabTraining, running
from tests.lab.watch import Look, Watch, images_per_second, training_stretch
from tests.real import truth
from tests.sources.children import process_id

_RUN = [sys.executable, "-m", "gpumon", "run", "-q", "--"]
_WATCH_SECONDS = 12.0
_LOOKS = 150
# The reporter's rates begin at the newest report that is so old.
_RATE_SECONDS = 10.0
# The reporter's stamps and those around them differ by a few microseconds, and by a lost core now and then.
_WAIT_ERROR = 0.02
# A look is at one moment within the time it takes, and a frame is entered a little after its stamp.
_LOOKS_ERROR = 0.03
# Only a failing test waits so long.
_PATIENCE_SECONDS = 180.0
FORK = Dose("fork", workers=2, load_ms=1.0, wait_ms=6.0, compute_ms=14.0)
SPAWN = Dose("spawn", workers=2, load_ms=1.0, wait_ms=6.0, compute_ms=14.0, more=("--start", "spawn"))
PINNED = Dose("pinned", workers=1, load_ms=0.5, wait_ms=4.0, compute_ms=20.0, more=("--pin",))
NONE = Dose("none", workers=0, load_ms=2.0, compute_ms=15.0)


@dataclass(frozen=True, slots=True)
class Frames:
    """What looks at the main thread's frames found, when each began and ended, and so the telling of it."""

    reading: InterpreterReading
    looks: list[tuple[float, float]]
    asked: float
    told: float


@dataclass(frozen=True, slots=True)
class Reported:
    """A training with what was told of it, once the reporter had told two numbers, and looks of our own."""

    dose: Dose
    training: LabTraining
    watch: Watch
    watched: list[Look]
    steady: list[Look]
    frames: Frames


def _frames(pid: int) -> Frames:
    """Return what 150 looks at the main thread find."""
    source = InterpreterSource(process_id(pid), TORCH)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while isinstance(source.drain(SystemClock().now()), Missing):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for _ in range(20):  # the loop is found by its callers
            source.look()
            time.sleep(0.02)
        source.drain(SystemClock().now())
        looks = []
        for _ in range(_LOOKS):
            began = time.monotonic()
            source.look()
            looks.append((began, time.monotonic()))
            time.sleep(random.uniform(0.01, 0.03))  # noqa: S311 - no secret
        asked = time.monotonic()
        reading = source.drain(SystemClock().now())
        assert not isinstance(reading, Missing), reading.reason
        return Frames(reading, looks, asked, time.monotonic())
    finally:
        source.close()


@pytest.fixture(scope="module", params=[FORK, SPAWN, PINNED, NONE], ids=lambda dose: dose.name)
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    """A training of each dose under `gpumon run`, watched for some seconds, then looked at by us."""
    dose: Dose = request.param
    folder = tmp_path_factory.mktemp(dose.name)
    record = folder / "waits.bin"
    command = [*_RUN, sys.executable, str(SCRIPT), *dose.flags(record)]
    with running(command, folder) as process, _watch(process.pid) as watch:
        training = LabTraining(process, record)
        training.until_batches()
        watch.until(_is_told, _PATIENCE_SECONDS)
        watched = watch.for_seconds(_WATCH_SECONDS)
        steady = training_stretch(watch.looks)
        told = [look for look in steady if _is_told(look)]
        yield Reported(dose, training, watch, watched, told, _frames(process.pid))


def _watch(pid: int) -> Watch:
    return Watch(pid, wish=Wish(pid))


def _is_told(look: Look) -> bool:
    wait = look.reading.loader.data_wait_ratio
    return (
        look.reading.phase is Phase.TRAIN
        and look.reading.reporter == SOURCE
        and isinstance(wait, Measure)
        and wait.source == SOURCE
    )


def _wait(look: Look) -> Measure:
    wait = look.reading.loader.data_wait_ratio
    assert isinstance(wait, Measure), wait.reason
    return wait


def test_the_wait_is_its_own_word(reported: Reported) -> None:
    """Once the reporter tells, every reading shows its wait, as exact, while the interpreter is seen too."""
    # One a second, where the machine is not too busy for that.
    assert len(reported.steady) >= len(reported.watched) - 1 >= 4
    assert {(_wait(look).source, _wait(look).certainty) for look in reported.steady} == {
        (SOURCE, Certainty.EXACT)
    }
    assert "interpreter" in str(reported.steady[-1].reading.interpreter)


def test_the_wait_is_the_stamped_one(reported: Reported) -> None:
    """Over all readings the wait is that of the training's own stamps."""
    looks = reported.steady
    start, end = looks[0].seconds, looks[-1].seconds
    real = truth.data_wait_ratio(reported.training.waits, start, end)
    spans = [other.seconds - one.seconds for one, other in itertools.pairwise(looks)]
    told = sum(_wait(look).value * span for look, span in zip(looks[1:], spans, strict=True)) / sum(spans)
    print(f"reported, {reported.dose.name}: wait {told:.4f}, stamped {real:.4f}, error {told - real:+.4f}")
    assert 0.1 < real < 0.9
    assert pytest.approx(real, abs=_WAIT_ERROR) == told


def test_images_per_second_are_those_delivered(reported: Reported) -> None:
    """The rate since the report ten seconds ago is the number of batches that came, to one, exact."""
    last = reported.steady[-1]
    rate = last.reading.progress.images_per_second
    assert isinstance(rate, Measure)
    assert (rate.source, rate.certainty) == (SOURCE, Certainty.EXACT)
    looks = [look for look in reported.watch.looks if look.seconds <= last.seconds]
    earliest, latest = (moment - _RATE_SECONDS for moment in (last.seconds, last.until_seconds))
    # Each report was read within its look: the least and the most, for each that may be the first.
    waits, least, most = reported.training.waits, math.inf, 0.0
    for first, after in itertools.pairwise(looks):
        if first.seconds <= latest and after.until_seconds > earliest:
            inner = truth.batches_delivered(waits, first.until_seconds, last.seconds) - 1
            outer = truth.batches_delivered(waits, first.seconds, last.until_seconds) + 1
            least = min(least, inner / (last.until_seconds - first.seconds))
            most = max(most, outer / (last.seconds - first.until_seconds))
    batches = images_per_second(last) / reported.dose.batch_size
    print(f"reported, {reported.dose.name}: {batches:.2f} batches/s, delivered {least:.2f} to {most:.2f}")
    assert least <= batches <= most


def test_the_batch_is_the_one_under_way(reported: Reported) -> None:
    """The finished batches of the epoch are those that came before the one that is trained on."""
    for look in reported.steady:
        waits = reported.training.waits
        first = truth.batches_delivered(waits, 0.0, look.seconds)
        # One that its training has not yet stamped may be delivered to it already.
        asked_for = sum(wait.start <= look.until_seconds for wait in waits)
        batch = look.reading.progress.batch
        assert isinstance(batch, int)
        assert first - 1 <= batch <= asked_for
        assert look.reading.progress.epoch == 0


def test_settings_and_size_are_the_loaders(reported: Reported) -> None:
    """Workers, batch size and the bytes of a batch of 8 pictures are told."""
    loader = reported.steady[-1].reading.loader
    assert (loader.workers, loader.batch_size) == (reported.dose.workers, reported.dose.batch_size)
    assert loader.batch_bytes == Measure(8 * 3 * 32 * 32, Certainty.EXACT, SOURCE)


def test_the_frames_do_not_contradict(reported: Reported) -> None:
    """What the frames show of a second hardly ever contradicts what the reporter tells of it."""
    notes = [look.reading.loader.notes for look in reported.steady]
    contrary = [note for note in notes if any("interpreter" in text for text in note)]
    assert 5 * len(contrary) <= len(notes), contrary


def test_the_frames_still_find_the_loader(reported: Reported) -> None:
    """One more `__next__` in the stack hides neither the loader nor its counter."""
    train = reported.frames.reading.train
    assert train is not None
    assert (train.workers, train.batch_size) == (reported.dose.workers, reported.dose.batch_size)
    bounds = (reported.frames.asked, reported.frames.told)
    low, high = (truth.batches_delivered(reported.training.waits, 0.0, at) for at in bounds)
    assert low - 1 <= train.delivered <= high + 1


def test_the_frames_still_count_the_wait(reported: Reported) -> None:
    """Looks at the frames find the loop waiting where it was by the stamps at their moments."""
    reading, looks = reported.frames.reading, reported.frames.looks
    waits = [(wait.start, wait.end or math.inf) for wait in reported.training.waits]
    surely = sum(any(start <= began and ended <= end for start, end in waits) for began, ended in looks)
    perhaps = sum(any(start <= ended and began <= end for start, end in waits) for began, ended in looks)
    print(
        f"reported, {reported.dose.name}: {reading.waiting} of {_LOOKS} looks find it waiting,"
        f" {reading.unread} no stack; by the stamps {surely} to {perhaps}"
    )
    assert reading.looks + reading.unread == _LOOKS
    error = _LOOKS_ERROR * _LOOKS
    assert surely - reading.unread - error <= reading.waiting <= perhaps + error


def _is_noticed(look: Look) -> bool:
    return "python -I, -E or -S" in str(look.reading.reporter) and isinstance(
        look.reading.loader.data_wait_ratio, Measure
    )


def test_a_python_that_ignores_the_reporter_is_noticed(tmp_path: Path) -> None:
    """Isolated from its environment it does not report: gpumon says so, and looks from outside.

    Ten seconds have to pass first: both flags' trainings run beside each other.
    """
    watches = {}
    with contextlib.ExitStack() as stack:
        for flag in ("-I", "-E"):
            record = tmp_path / f"waits{flag}.bin"
            command = [*_RUN, sys.executable, flag, str(SCRIPT), *FORK.flags(record)]
            process = stack.enter_context(running(command, tmp_path))
            LabTraining(process, record).until_batches()
            watches[flag] = stack.enter_context(_watch(process.pid))
        deadline = time.monotonic() + _PATIENCE_SECONDS
        pending = set(watches)
        while pending and time.monotonic() < deadline:
            for flag, watch in watches.items():
                watch.tick()
                if watch.looks and _is_noticed(watch.looks[-1]):
                    pending.discard(flag)

    assert pending == set()
    for watch in watches.values():
        look = next(look for look in watch.looks if _is_noticed(look))
        assert isinstance(look.reading.reporter, Missing)
        assert _wait(look).source != SOURCE


_ENDS = {FORK: ("SIGINT", 0), SPAWN: ("SIGTERM", -signal.SIGTERM)}


@pytest.mark.parametrize("reported", list(_ENDS), indirect=True, ids=lambda dose: dose.name)
def test_signals_and_exit_code_are_the_trainings(reported: Reported) -> None:
    """Ctrl-C ends it by its own handler, another signal kills it; gpumon keeps its last reading.

    Each ends a training, as the last test of its dose.
    """
    name, code = _ENDS[reported.dose]
    process, watch = reported.training.process, reported.watch
    watch.until(_is_told, _PATIENCE_SECONDS)
    process.send_signal(signal.Signals[name])
    assert process.wait(_PATIENCE_SECONDS) == code
    watch.until_ended(_PATIENCE_SECONDS)
    assert watch.looks[-1].reading.reporter == SOURCE
