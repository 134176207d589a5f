"""The reporter's figures against the truth of a real PyTorch training."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpumon.model.measure import Certainty, Missing
from gpumon.sources.reporter_reading import ReportedLoader
from tests.reporter.launch import PROGRAMS, plain_environment, started

TRAIN: list[str | Path] = [sys.executable, PROGRAMS / "train.py"]
BATCHES = 12  # of a pass: 46 pictures in fours


def _counts(loader: ReportedLoader | None) -> dict[str, int]:
    assert loader is not None
    assert not isinstance(loader.samples, Missing)
    return {"batches": loader.batches, "samples": loader.samples}


def _true(truth: dict[str, Any]) -> dict[str, int]:
    return {"batches": truth["batches"], "samples": truth["samples"]}


WAYS = [
    ["--workers", "0"],
    ["--workers", "2"],
    ["--workers", "2", "--persistent"],
    ["--workers", "2", "--method", "spawn", "--epochs", "1"],
    ["--workers", "2", "--method", "forkserver", "--epochs", "1"],
]


@pytest.mark.parametrize("flags", WAYS, ids=" ".join)
def test_counts_are_exact(flags: list[str]) -> None:
    """Batches, samples, optimizer steps and passes are those that the training itself counted."""
    with started([*TRAIN, *flags]) as program:
        reading = program.reading()
        told = program.told

    assert _true(told["train"]) == _counts(reading.training)
    assert told["steps"] == reading.optimizer_steps
    assert reading.training is not None
    assert (told["train"]["passes"], BATCHES) == (
        reading.training.epochs_begun,
        reading.training.epoch_batch,
    )


def test_the_settings_and_the_shape_are_the_loaders() -> None:
    """Workers, batch size, batches of an epoch, prefetch and the size of the images are told."""
    with started([*TRAIN, "--workers", "2", "--persistent", "--epochs", "1"]) as program:
        loader = program.reading().training

    assert loader is not None
    assert (2, 4, BATCHES, 2, False, True) == (
        loader.workers,
        loader.batch_size,
        loader.batches_per_epoch,
        loader.prefetch_factor,
        loader.pin_memory,
        loader.persistent_workers,
    )
    # The last batch of 46 pictures has two.
    assert (2, 24, 40, False) == (
        loader.batch_samples,
        loader.image_height,
        loader.image_width,
        loader.is_in_background,
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_the_wait_is_the_trainings_own(workers: int) -> None:
    """Time in `next()` differs from the training's own stamps by less than one per cent."""
    with started([*TRAIN, "--workers", str(workers), "--sleep-ms", "4"]) as program:
        loader = program.reading().training
        wait_seconds = program.told["train"]["wait_ns"] / 1e9

    assert loader is not None
    assert pytest.approx(wait_seconds, rel=0.01) == loader.waited_seconds_total


def test_steps_are_not_batches() -> None:
    """Where gradients are accumulated, optimizer steps are counted and not batches."""
    with started([*TRAIN, "--accumulate", "3"]) as program:
        reading = program.reading()

    assert (8, 24) == (reading.optimizer_steps, program.told["train"]["batches"])
    assert program.told["steps"] == reading.optimizer_steps


def test_validation_is_a_loader_apart() -> None:
    """The loader that no optimizer step follows is not taken for the training's."""
    with started([*TRAIN, "--validate"]) as program:
        reading = program.reading()
    val = reading.loaders[1]

    assert _true(program.told["train"]) == _counts(reading.training)
    assert _true(program.told["val"]) == _counts(val)
    assert (val, 0, 2, 2) == (reading.current, val.optimizer_steps, val.epochs_begun, val.batches_per_epoch)


def test_a_loader_that_never_ends_has_epochs() -> None:
    """An iterator that repeats its sampler for ever (YOLOv5's) is cut into epochs by the sampler's length."""
    with started([*TRAIN, "--endless", "--epochs", "3"]) as program:
        loader = program.reading().training

    assert loader is not None
    assert (3, BATCHES, BATCHES, 3 * BATCHES, 4) == (
        loader.epochs_begun,
        loader.epoch_batch,
        loader.batches_per_epoch,
        loader.batches,
        loader.batch_size,
    )


def test_a_loader_read_by_another_thread_is_marked() -> None:
    """What a background thread waits is not what the training waits."""
    with started([*TRAIN, "--threaded"]) as program:
        program.reading()
        reading = program.reading()

    assert reading.training is not None
    assert reading.training.is_in_background
    assert isinstance(reading.data_wait_ratio, Missing)


@pytest.mark.parametrize("flags", [[], ["--workers", "2"], ["--own-sampler"]], ids=" ".join)
def test_the_training_computes_the_same(flags: list[str]) -> None:
    """Losses and the state of both random generators are identical with and without the reporter."""
    with started([*TRAIN, *flags], is_reported=False) as alone:
        assert isinstance(alone.read(), Missing)
    with started([*TRAIN, *flags]) as reported:
        assert reported.reading().training is not None

    same = ("losses", "random", "steps")
    assert [alone.told[name] for name in same] == [reported.told[name] for name in same]


def test_a_length_that_runs_the_trainings_code_is_not_asked() -> None:
    """A sampler of the training's own may draw random numbers: its length stays unknown."""
    with started([*TRAIN, "--own-sampler"]) as program:
        loader = program.reading().training

    assert loader is not None
    assert isinstance(loader.batches_per_epoch, Missing)


def test_the_last_report_outlives_the_training() -> None:
    """Who has opened the report before the end reads the final counts after it."""
    with started(TRAIN) as program:
        before = program.reading().training
        code = program.finish()
        after = program.reading().training

    assert code == 0
    assert _counts(before) == _counts(after)


def test_a_crash_is_the_trainings_own() -> None:
    """Exit code and last line of a training that crashes are those without the reporter."""
    command = [str(word) for word in [*TRAIN, "--crash-at", "3"]]
    from gpumon.cli.run import reporting_environment

    ends = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        for environment in (plain_environment(), reporting_environment(plain_environment()))
    ]

    assert [(1, "RuntimeError: the training has crashed")] * 2 == [
        (end.returncode, end.stderr.splitlines()[-1]) for end in ends
    ]
    assert ends[0].stderr == ends[1].stderr


def test_every_number_is_exact() -> None:
    """Nothing is sampled: every measure of a reading says so."""
    with started(TRAIN) as program:
        program.reading()
        loader = program.reading().training

    assert loader is not None
    assert not isinstance(loader.data_wait_ratio, Missing)
    assert (Certainty.EXACT, "reporter") == (loader.data_wait_ratio.certainty, loader.data_wait_ratio.source)
