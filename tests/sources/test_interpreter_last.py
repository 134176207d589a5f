"""The last step of an epoch is timed by looks: in made-up trainings, and in a process that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from gpumon.frameworks.marks import TORCH, YOLOV5
from gpumon.sources.interpreter_last import LastSteps, batches_to_last
from gpumon.sources.interpreter_marks import FrameMarks
from gpumon.sources.interpreter_reading import IteratorReading, LastStepsReading, LoopReading
from tests.sources.interpreter_training import SteppedTraining, stepped_training
from tests.sources.test_interpreter import attached, read

BATCHES = 12


@dataclass(frozen=True)
class MadeUp:
    """A training whose every moment is known: `step` seconds for a batch, `last` for an epoch's last."""

    step: float = 0.2
    last: float = 0.15
    wait: float = 0.0
    validation: float = 0.6
    spread: float = 0.0
    epochs: int = 8
    hertz: float = 30.0
    first_count: int = 0
    first_batch: int = 1
    has_validation: bool = True

    def spans(self, random: Random) -> Iterator[tuple[float, bool, bool, int]]:
        """Yield seconds, whether it is in its loop, whether it waits there, and the batches delivered."""
        count = self.first_count + self.first_batch - 1
        for epoch in range(self.epochs):
            for number in range(1 if epoch else self.first_batch, BATCHES + 1):
                yield self.wait, True, True, count
                count += 1
                length = self.last if number == BATCHES else self.step
                yield length * (1.0 + random.uniform(-self.spread, self.spread)), True, False, count
            if self.has_validation:
                yield self.validation, False, False, count

    def seen(
        self, seed: int = 1, steps: LastSteps | None = None, glances: list[float] | None = None
    ) -> LastStepsReading | None:
        """Return what looks at random moments find, with glances between them where a list takes those."""
        random = Random(seed)  # noqa: S311 - moments, not keys
        steps = steps or LastSteps()
        steps.use(BATCHES)
        if glances is not None:
            steps.seconds_left(0, 1.0 / (self.step + self.wait))
        at, end, before = random.uniform(0.0, 1.0 / self.hertz), 0.0, -1
        turn = at
        for seconds, in_loop, waits, count in self.spans(random):
            end += seconds
            while at < end:
                steps.look(at, in_loop=in_loop, waits=waits, is_glance=at < turn)
                if count == before:
                    steps.count_stays()
                else:
                    steps.count(at, count)
                before = count
                if at >= turn:
                    turn = at + random.uniform(0.5, 1.5) / self.hertz
                every = steps.glance_seconds
                if every is None or at + every >= turn:
                    at = turn
                else:
                    at += every
                    assert glances is not None
                    glances.append(at)
        return steps.reading()


def seen(training: MadeUp, seed: int = 1) -> LastStepsReading:
    """Return what looks find, which must be something."""
    found = training.seen(seed)
    assert found is not None
    return found


@pytest.mark.parametrize("last", [0.05, 0.1, 0.2])
def test_the_last_step_is_timed_beside_the_full_ones(last: float) -> None:
    """Over 40 runs of eight epochs the mean is off by less than 3 ms, each by what its error says."""
    found = [seen(MadeUp(last=last), seed) for seed in range(40)]
    assert fmean(one.seconds for one in found) == pytest.approx(last, abs=0.003)
    assert fmean(one.full_seconds for one in found) == pytest.approx(0.2, abs=0.001)
    assert sum(abs(one.seconds - last) < 1.645 * one.seconds_error for one in found) >= 36


def test_more_epochs_tell_it_better() -> None:
    """The error falls with their number; two differ from one by the root of two."""
    one, two, many = (seen(MadeUp(epochs=epochs)) for epochs in (2, 3, 15))
    assert (one.epochs, two.epochs, many.epochs) == (1, 2, 14)
    assert two.seconds_error == pytest.approx(one.seconds_error / sqrt(2), rel=0.5)
    assert many.seconds_error < 0.5 * one.seconds_error


def test_the_first_epoch_of_a_run_does_not_count() -> None:
    """With a batch of another size for the first time a GPU's libraries search: its end is left out."""
    assert MadeUp(epochs=1).seen() is None
    assert seen(MadeUp(epochs=1, first_count=5 * BATCHES)).epochs == 1


def test_waiting_is_no_part_of_a_step() -> None:
    """A third of each full step is spent waiting, and the last batch is waited for, too."""
    found = [seen(MadeUp(wait=0.1, last=0.12), seed) for seed in range(60)]
    assert fmean(one.full_seconds for one in found) == pytest.approx(0.2, rel=0.03)
    assert fmean(one.seconds for one in found) == pytest.approx(0.12, abs=0.004)


def test_the_next_epoch_ends_it_where_nothing_comes_between() -> None:
    """Without a validation the loop asks for the next batch: the wait for that is not in the last step."""
    found = [seen(MadeUp(has_validation=False, wait=0.1), seed) for seed in range(20)]
    assert fmean(one.seconds for one in found) == pytest.approx(0.15, abs=0.004)


def test_an_end_that_no_look_saw_tells_nothing() -> None:
    """Where the next epoch begins at once, without a wait that could be seen."""
    assert MadeUp(has_validation=False).seen() is None


def test_looks_too_far_apart_tell_nothing() -> None:
    """Two looks a second cannot time a step of 200 ms."""
    assert MadeUp(hertz=1.5, epochs=20, validation=3.0).seen() is None


def test_steps_that_differ_are_within_the_error() -> None:
    """Steps that vary by a tenth either way: nine of ten errors of a 90 % interval hold."""
    found = [seen(MadeUp(spread=0.1, epochs=4), seed) for seed in range(60)]
    held = sum(abs(one.seconds - 0.15) < 1.645 * one.seconds_error for one in found)
    assert held >= 54


def test_an_epoch_in_which_it_stood_still_does_not_count_for_all_of_that() -> None:
    """Stopped for a minute in the middle of one of four epochs, its full steps take as long as before."""
    steps = LastSteps()
    steps.use(4)
    now = 100.0
    for count in range(1, 22):
        now += 60.0 if count == 14 else 0.0
        for number in range(20):
            now += 0.01
            steps.look(now, in_loop=True, waits=False)
            if number:
                steps.count_stays()
            else:
                steps.count(now, count)
        if count % 4 == 0:
            now += 0.01
            steps.look(now, in_loop=False, waits=False)
    found = steps.reading()
    assert found is not None
    assert found.epochs == 4
    assert found.full_seconds == pytest.approx(0.2, abs=0.01)


def test_glances_time_an_end_to_a_sixteenth_of_a_step() -> None:
    """One end of a step of 80 ms: its error is hardly more than what steps differ by, and is a true one."""
    short = MadeUp(step=0.08, last=0.07, epochs=2)
    found = [one for seed in range(60) if (one := short.seen(seed, glances=[])) is not None]
    assert len(found) == 60
    assert fmean(one.seconds for one in found) == pytest.approx(0.07, abs=0.001)
    assert all(abs(one.seconds - 0.07) <= 0.005 for one in found)
    assert max(one.seconds_error for one in found) < 0.009
    without = [one.seconds_error for seed in range(60) if (one := short.seen(seed)) is not None]
    assert fmean(without) > 0.015


def test_glances_are_few_and_only_around_an_end() -> None:
    """From the last batch but one to the end of the last step; at most 64 of them where that takes long."""
    glances: list[float] = []
    slow = MadeUp(step=0.1, last=0.1, wait=0.3, epochs=3)
    slow.seen(glances=glances)
    epoch = BATCHES * 0.4 + slow.validation
    assert len(glances) > 3 * 16
    for number in range(3):
        of_epoch = [at - number * epoch for at in glances if number * epoch <= at < (number + 1) * epoch]
        assert len(of_epoch) <= 64
        assert min(of_epoch) >= (BATCHES - 2) * 0.4 + 0.3
        assert max(of_epoch) <= BATCHES * 0.4 + 0.1


def test_glances_leave_the_share_of_waiting_as_it_is() -> None:
    """They fall on the last steps alone, and would overstate what is done there."""
    waiting = MadeUp(wait=0.1, last=0.12)
    found = [one for seed in range(60) if (one := waiting.seen(seed, glances=[])) is not None]
    assert fmean(one.full_seconds for one in found) == pytest.approx(0.2, rel=0.03)


def test_an_epoch_of_which_hardly_more_than_the_end_was_seen_does_not_blur_the_others() -> None:
    """Of the first of six epochs only the last two full steps are seen."""
    whole = seen(MadeUp(epochs=6, first_count=BATCHES))
    partly = seen(MadeUp(epochs=6, first_count=BATCHES, first_batch=BATCHES - 2))
    assert whole.epochs == partly.epochs == 6
    assert partly.full_seconds == pytest.approx(0.2, abs=3 * partly.full_seconds_error)
    assert partly.full_seconds_error <= 1.2 * whole.full_seconds_error


def test_another_number_of_batches_begins_anew() -> None:
    """What was measured of another loader is forgotten; of another iterator of the same it is kept."""
    steps = LastSteps()
    assert MadeUp().seen(steps=steps) is not None
    steps.restart()
    assert steps.reading() is not None
    steps.use(BATCHES + 1)
    assert steps.reading() is None


def test_batches_that_were_counted_late_came_in_the_last_part_of_that_time() -> None:
    """Four batches of 0.1 s were found delivered after 0.4 s: the last one within 0.1 s before."""
    steps = LastSteps()
    steps.use(8)
    steps.look(10.0, in_loop=True, waits=False)
    steps.count(10.0, 12)
    steps.look(10.4, in_loop=True, waits=False)
    steps.count(10.4, 16)
    assert steps._last is not None
    assert steps._last.seconds == pytest.approx(10.35)
    assert steps._last.half == pytest.approx(0.05)


def test_the_end_is_near_where_few_batches_are_left() -> None:
    """Six of eight are done: the last one is due after two of ten a second."""
    steps = LastSteps()
    assert steps.seconds_left(6, 10.0) == float("inf")
    steps.use(8)
    assert steps.seconds_left(6, 10.0) == pytest.approx(0.2)
    assert steps.seconds_left(16, 10.0) == 0.0
    assert steps.seconds_left(6, 0.0) == float("inf")


@pytest.mark.parametrize(
    ("images", "drop_last", "told", "batches"),
    [
        (13, False, 2, 2),
        (13, False, None, 2),
        (16, False, 2, None),
        (13, True, 1, None),
        (13, False, 3, None),
    ],
)
def test_only_a_smaller_batch_is_worth_waiting_for(
    images: int, drop_last: bool, told: int | None, batches: int | None
) -> None:
    """Where the last is full, dropped, or the loop expects another number of batches, there is none."""
    train = IteratorReading(1, 0.0, 0, batch_size=8, images=images, drop_last=drop_last)
    assert batches_to_last(train, LoopReading(batches=told)) == batches
    assert batches_to_last(replace(train, images=None), LoopReading(batches=told)) is None


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def training(tmp_path: Path) -> Iterator[SteppedTraining]:
    """A training that waits for its first batch."""
    with stepped_training(tmp_path) as found:
        found.until("wait")
        yield found


def ends_of(training: SteppedTraining, marks: FrameMarks) -> LastStepsReading | None:
    """Return what is read after two epochs whose full steps take 0.5 s, and whose last ones take 0.3 s."""
    clock = Clock()
    source = attached(training, marks, clock)
    read(source, 1)
    # A place is left after so many seconds; looks are 10 ms apart.
    for word, seconds in (("wait", 0.0), *2 * (("compute", 0.5), ("compute", 0.3), ("validate", 1.0))):
        if word != "wait":
            training.step()
            training.until(word)
        for _ in range(round(seconds / 0.01)):
            clock.now += 0.01
            source.look()
    found = read(source, 1).last_steps
    source.close()
    return found


def test_it_is_read_in_a_process(training: SteppedTraining) -> None:
    """Of 13 images in batches of 8 an epoch's second batch has 5: its step took 0.3 s, the first 0.5 s."""
    found = ends_of(training, YOLOV5)
    assert found is not None
    assert found.epochs == 1
    assert found.seconds == pytest.approx(0.3, abs=0.011)
    assert found.full_seconds == pytest.approx(0.5, abs=0.011)


def test_glances_find_the_end_between_looks(training: SteppedTraining) -> None:
    """With looks 0.2 s apart glances time the last step to a sixteenth of a full one, and are no looks."""
    clock = Clock()
    source = attached(training, YOLOV5, clock)
    read(source, 1)
    looks, due = 0, clock.now
    for word, seconds in (("wait", 0.0), *2 * (("compute", 0.5), ("compute", 0.3), ("validate", 1.0))):
        if word != "wait":
            training.step()
            training.until(word)
        end = clock.now + seconds
        while clock.now < end - 1e-9:
            every = source.glance_seconds
            clock.now = min(end, due, clock.now + (every or 1.0))
            if clock.now >= due:
                source.look()
                looks, due = looks + 1, due + 0.2
            elif every is not None:
                source.glance()
        # A drain tells how fast batches come.
        looks += 1
        found = read(source, 1)
        looks, seen = 0, looks
        assert found.looks == seen
    source.close()
    assert found.last_steps is not None
    assert found.last_steps.seconds == pytest.approx(0.3, abs=0.5 / 16)


def test_a_loop_that_may_run_ahead_of_its_gpu_tells_nothing(tmp_path: Path) -> None:
    """Of any other training it is not known that a step ends when its GPU does."""
    with stepped_training(tmp_path) as other:
        other.until("wait")
        assert ends_of(other, TORCH) is None


def test_the_loader_tells_how_many_images_the_last_batch_has(training: SteppedTraining) -> None:
    """By the list of its data set, through a repeated sampler."""
    iterator = read(attached(training)).train
    assert iterator is not None
    assert (iterator.images, iterator.last_batch_size) == (13, 5)
