"""Bytes read for an image, learnt while the rate is known and kept afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.frameworks.rate_bytes import BytesCounter, advance_bytes, image_read_bytes
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.model.training import Member, Phase, Settings, Training

MAIN, ONE, TWO = ProcessId(100, 1), ProcessId(200, 1), ProcessId(201, 1)
TRAINING = Training(
    MAIN,
    "torch",
    "exp",
    (),
    True,
    "/w",
    0,
    Settings(),
    (Member(MAIN, 1, Role.MAIN), Member(ONE, 100, Role.TRAIN_WORKER), Member(TWO, 100, Role.TRAIN_WORKER)),
)
EXACT = Measure(50.0, Certainty.EXACT, "interpreter (CPython 3.11), delivered")


def row(process: ProcessId, role: Role, characters: Maybe[float]) -> ProcessReading:
    return ProcessReading(process, 100, role, "p", (), "me", "S", read_characters_per_second=characters)


ROWS = (
    row(MAIN, Role.MAIN, 1000.0),
    row(ONE, Role.TRAIN_WORKER, 2e6),
    row(TWO, Role.TRAIN_WORKER, 3e6),
)


def count(
    seconds: int,
    rate: Maybe[Measure] = EXACT,
    *,
    counter: BytesCounter = BytesCounter(),  # noqa: B008 - frozen
    rows: tuple[ProcessReading, ...] = ROWS,
    workers: int = 2,
    phase: Phase = Phase.TRAIN,
    of: Training = TRAINING,
) -> BytesCounter:
    for second in range(seconds):
        counter = advance_bytes(counter, of, rows, workers, rate, phase=phase, now_seconds=float(second))
    return counter


def value(counter: BytesCounter) -> float:
    found = image_read_bytes(counter)
    assert isinstance(found, Measure)
    return found.value


def test_all_workers_read_for_the_images() -> None:
    """5 MB a second for 50 images a second are 100 kB each, and the source says who counted the images."""
    counter = count(10)
    assert value(counter) == pytest.approx(1e5)
    assert image_read_bytes(counter) == Measure(
        value(counter), Certainty.SAMPLED, "reads of the loader, images by interpreter (CPython 3.11)"
    )


def test_without_workers_the_main_process_reads() -> None:
    """The main process' own reads are those of the images."""
    assert value(count(10, workers=0)) == pytest.approx(20.0)


def test_a_rank_reads_for_its_own_images() -> None:
    """Images of the step are those of all ranks, the workers that are counted are rank 0's."""
    members = (
        *TRAINING.members,
        Member(ProcessId(300, 1), 101, Role.TRAIN_WORKER, 1),
    )
    ranks = replace(TRAINING, world_size=2, members=members)
    rows = (*ROWS, row(ProcessId(300, 1), Role.TRAIN_WORKER, 9e9))
    assert value(count(20, of=ranks, rows=rows)) == pytest.approx(2e5)


def test_what_was_learnt_stays() -> None:
    """Without a rate, in validation, or with reads that are hidden nothing is learnt and nothing lost."""
    counter = count(10)
    hidden = (*ROWS[:2], row(TWO, Role.TRAIN_WORKER, Missing("another user's process")))
    for later in (
        count(10, Missing("no rate"), counter=counter),
        count(10, phase=Phase.VALIDATE, counter=counter),
        count(10, rows=hidden, counter=counter),
    ):
        assert value(later) == pytest.approx(1e5)


def test_an_estimated_rate_teaches_nothing() -> None:
    """What is itself a guess from the reads would only give the guess back."""
    assert isinstance(image_read_bytes(count(50, replace(EXACT, certainty=Certainty.ESTIMATED))), Missing)


def test_validation_does_not_count() -> None:
    """The time of a validation between two trainings is left out."""
    counter = count(10)
    counter = count(1, phase=Phase.VALIDATE, counter=counter)
    before = counter.images
    counter = advance_bytes(counter, TRAINING, ROWS, 2, EXACT, phase=Phase.TRAIN, now_seconds=500.0)
    assert counter.images == before


def test_other_images_are_followed() -> None:
    """After a change the measure comes to the new size within some thousands of images."""
    counter = count(1000)
    slow = tuple(replace(one, read_characters_per_second=1e5) for one in ROWS)
    assert value(count(1500, counter=replace(counter, at_seconds=0.0), rows=slow)) < 2e4
