"""The reporter's figures against the truth of a real PyTorch training."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpumon.cli.run import reporting_environment
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.sources.reporter_reading import ReportedLoader, ReporterReading
from tests.reporter.launch import PROGRAMS, Program, plain_environment, started

TRAIN: list[str | Path] = [sys.executable, PROGRAMS / "train.py"]
BATCHES = 12  # of a pass: 46 pictures in fours

PLAIN = ("--workers", "0", "--sleep-ms", "4", "--validate", "--accumulate", "3")
FORK = ("--workers", "2", "--sleep-ms", "4")
PERSISTENT = ("--workers", "2", "--persistent")
SPAWN = ("--workers", "2", "--method", "spawn", "--epochs", "1")
FORKSERVER = ("--workers", "2", "--method", "forkserver", "--epochs", "1")
ENDLESS = ("--endless", "--epochs", "3")
OWN_SAMPLER = ("--own-sampler",)
THREADED = ("--threaded",)
# Trainings that run once for all tests, in the order in which these ask for them.
REPORTED = (PLAIN, FORK, PERSISTENT, SPAWN, FORKSERVER, ENDLESS, THREADED, OWN_SAMPLER)
ALONE = (PLAIN, FORK, OWN_SAMPLER)
# They count and do not measure: as many run at a time as a small machine has cores.
_AT_A_TIME = 2


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training told of itself, and its reporter: two readings at its end, one after it."""

    told: Any
    before: ReporterReading
    reading: ReporterReading
    after: ReporterReading
    exit_code: int

    @property
    def loader(self) -> ReportedLoader:
        """The training's loader."""
        assert self.reading.training is not None
        return self.reading.training


class Trainings:
    """The trainings of these tests, which begin when the first one is asked for."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._reported: dict[tuple[str, ...], Future[Trained]] = {
            flags: pool.submit(_reported, flags) for flags in REPORTED
        }
        self._alone: dict[tuple[str, ...], Future[Any]] = {
            flags: pool.submit(_alone, flags) for flags in ALONE
        }

    def reported(self, flags: tuple[str, ...]) -> Trained:
        """Return what is told of the training with these flags; raises what starting it raised."""
        return self._reported[flags].result()

    def alone(self, flags: tuple[str, ...]) -> Any:
        """Return what the training with these flags tells of itself where there is no reporter."""
        return self._alone[flags].result()


@pytest.fixture(scope="module")
def trainings() -> Iterator[Trainings]:
    """All of them, two at a time; those that nobody waits for any more are not begun."""
    pool = ThreadPoolExecutor(_AT_A_TIME)
    yield Trainings(pool)
    pool.shutdown(cancel_futures=True)


def _reported(flags: tuple[str, ...]) -> Trained:
    with started([*TRAIN, *flags]) as program:
        before, reading = program.reading(), program.reading()
        code = program.finish()
        return Trained(program.told, before, reading, program.reading(), code)


def _alone(flags: tuple[str, ...]) -> Any:
    with started([*TRAIN, *flags], is_reported=False) as program:
        assert isinstance(program.read(), Missing)
        return program.told


def _counts(loader: ReportedLoader) -> dict[str, object]:
    return {"batches": loader.batches, "samples": loader.samples, "passes": loader.epochs_begun}


def _true(truth: dict[str, Any]) -> dict[str, object]:
    return {name: truth[name] for name in ("batches", "samples", "passes")}


@pytest.mark.parametrize("flags", [PLAIN, FORK, PERSISTENT, SPAWN, FORKSERVER], ids=" ".join)
def test_counts_are_exact(flags: tuple[str, ...], trainings: Trainings) -> None:
    """Batches, samples, passes and optimizer steps are those that the training itself counted."""
    run = trainings.reported(flags)

    assert _true(run.told["train"]) == _counts(run.loader)
    assert (run.told["steps"], BATCHES) == (run.reading.optimizer_steps, run.loader.epoch_batch)


def test_the_settings_and_the_shape_are_the_loaders(trainings: Trainings) -> None:
    """Workers, batch size, batches of an epoch, prefetch and the size of the images are told."""
    loader = trainings.reported(PERSISTENT).loader

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
    # float32, and a whole batch has four.
    assert 4 * 3 * 24 * 40 * 4 == loader.batch_bytes


@pytest.mark.parametrize("flags", [PLAIN, FORK], ids=" ".join)
def test_the_wait_is_the_trainings_own(flags: tuple[str, ...], trainings: Trainings) -> None:
    """Time in `next()` lies between the training's own stamps inside it and around it, however slow it is."""
    run = trainings.reported(flags)
    inside, around = (run.told["train"][name] / 1e9 for name in ("inner_ns", "wait_ns"))

    assert 0.0 < inside <= run.loader.waited_seconds_total <= around


def test_steps_are_not_batches(trainings: Trainings) -> None:
    """Where gradients are accumulated, optimizer steps are counted and not batches."""
    run = trainings.reported(PLAIN)

    assert (8, 24) == (run.reading.optimizer_steps, run.loader.batches)


@pytest.mark.parametrize("flags", [PLAIN, FORK], ids=" ".join)
def test_the_last_step_of_a_pass_is_told_apart(flags: tuple[str, ...], trainings: Trainings) -> None:
    """Of two passes the second counts: its last batch has two pictures. With the others it is the total."""
    loader = trainings.reported(flags).loader
    last, full = loader.last_step_seconds, loader.full_step_seconds

    assert isinstance(last, Measure)
    assert isinstance(full, Measure)
    assert (2, Certainty.EXACT) == (loader.last_samples, last.certainty)
    steps = loader.batches
    assert last.value + (steps - 1) * full.value == pytest.approx(loader.stepped_seconds_total)


def test_a_loader_that_never_ends_has_no_last_step(trainings: Trainings) -> None:
    """What comes between its last batch and the next `next()` may be more than the step."""
    assert isinstance(trainings.reported(ENDLESS).loader.last_step_seconds, Missing)


def test_validation_is_a_loader_apart(trainings: Trainings) -> None:
    """The loader that no optimizer step follows is not taken for the training's."""
    run = trainings.reported(PLAIN)
    val = run.reading.loaders[1]

    assert _true(run.told["val"]) == _counts(val)
    assert (val, 0, 2) == (run.reading.current, val.optimizer_steps, val.batches_per_epoch)


def test_a_loader_that_never_ends_has_epochs(trainings: Trainings) -> None:
    """An iterator that repeats its sampler for ever (YOLOv5's) is cut into epochs by the sampler's length."""
    loader = trainings.reported(ENDLESS).loader

    assert (3, BATCHES, BATCHES, 3 * BATCHES, 4) == (
        loader.epochs_begun,
        loader.epoch_batch,
        loader.batches_per_epoch,
        loader.batches,
        loader.batch_size,
    )


def test_a_loader_read_by_another_thread_is_marked(trainings: Trainings) -> None:
    """What a background thread waits is not what the training waits."""
    run = trainings.reported(THREADED)

    assert run.loader.is_in_background
    assert isinstance(run.reading.data_wait_ratio, Missing)


@pytest.mark.parametrize("flags", [PLAIN, FORK, OWN_SAMPLER], ids=" ".join)
def test_the_training_computes_the_same(flags: tuple[str, ...], trainings: Trainings) -> None:
    """Losses and the state of both random generators are identical with and without the reporter."""
    alone, reported = trainings.alone(flags), trainings.reported(flags)

    same = ("losses", "random", "steps")
    assert [alone[name] for name in same] == [reported.told[name] for name in same]


def test_a_length_that_runs_the_trainings_code_is_not_asked(trainings: Trainings) -> None:
    """A sampler of the training's own may draw random numbers: its length stays unknown."""
    assert isinstance(trainings.reported(OWN_SAMPLER).loader.batches_per_epoch, Missing)


def test_the_last_report_outlives_the_training(trainings: Trainings) -> None:
    """Who has opened the report before the end reads the final counts after it."""
    run = trainings.reported(PLAIN)

    assert run.exit_code == 0
    assert [_counts(loader) for loader in run.reading.loaders] == [_counts(one) for one in run.after.loaders]


def test_every_number_is_exact(trainings: Trainings) -> None:
    """Nothing is sampled, and every measure of a reading says so; the first reading has no rate yet."""
    run = trainings.reported(PLAIN)
    ratio = run.loader.data_wait_ratio

    assert not isinstance(ratio, Missing)
    assert (Certainty.EXACT, "reporter") == (ratio.certainty, ratio.source)
    assert Missing("needs two readings") == run.before.data_wait_ratio


def test_a_crash_is_the_trainings_own() -> None:
    """Exit code and messages of a training that crashes are those without the reporter."""
    command = [str(word) for word in [*TRAIN, "--crash-at", "3"]]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
                )
            )
            for environment in (plain_environment(), reporting_environment(plain_environment()))
        ]
        messages = [process.communicate(timeout=300)[1] for process in processes]

    assert [(1, "RuntimeError: the training has crashed")] * 2 == [
        (process.returncode, message.splitlines()[-1])
        for process, message in zip(processes, messages, strict=True)
    ]
    assert messages[0] == messages[1]


# A step that torch compiles, with the number of graphs it became.
_COMPILED = """
import json, sys, warnings
warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch
from torch._dynamo.testing import CompileCounter
torch.manual_seed(7)
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model(torch.ones(1, 4)).sum().backward()
counter = CompileCounter()
step = torch.compile(lambda: optimizer.step(), backend=counter)
for _ in range(12):
    step()
print(json.dumps([counter.frame_count, model.weight.sum().item().hex()]), flush=True)
sys.stdin.read()
"""


def test_a_compiled_step_is_counted_and_compiled_as_ever() -> None:
    """An optimizer step under torch.compile becomes as many graphs as without, and is counted each time."""
    command = [sys.executable, "-c", _COMPILED]
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as pool:

        def start(is_reported: bool) -> Program:
            return stack.enter_context(started(command, is_reported=is_reported))

        alone, program = pool.map(start, (False, True))
        steps = program.reading().optimizer_steps

    assert steps == 12
    assert alone.told == program.told
