"""The reporter's figures against the truth of a real PyTorch training."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpumon.cli.run import reporting_environment
from gpumon.model.measure import Certainty, Missing
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


@functools.cache
def trained(*flags: str) -> Trained:
    """Return a training with these flags, which has run once for all tests."""
    with started([*TRAIN, *flags]) as program:
        before, reading = program.reading(), program.reading()
        code = program.finish()
        return Trained(program.told, before, reading, program.reading(), code)


def _counts(loader: ReportedLoader) -> dict[str, object]:
    return {"batches": loader.batches, "samples": loader.samples, "passes": loader.epochs_begun}


def _true(truth: dict[str, Any]) -> dict[str, object]:
    return {name: truth[name] for name in ("batches", "samples", "passes")}


@pytest.mark.parametrize("flags", [PLAIN, FORK, PERSISTENT, SPAWN, FORKSERVER], ids=" ".join)
def test_counts_are_exact(flags: tuple[str, ...]) -> None:
    """Batches, samples, passes and optimizer steps are those that the training itself counted."""
    run = trained(*flags)

    assert _true(run.told["train"]) == _counts(run.loader)
    assert (run.told["steps"], BATCHES) == (run.reading.optimizer_steps, run.loader.epoch_batch)


def test_the_settings_and_the_shape_are_the_loaders() -> None:
    """Workers, batch size, batches of an epoch, prefetch and the size of the images are told."""
    loader = trained(*PERSISTENT).loader

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
def test_the_wait_is_the_trainings_own(flags: tuple[str, ...]) -> None:
    """Time in `next()` differs from the training's own stamps by less than one per cent."""
    run = trained(*flags)

    assert run.told["train"]["wait_ns"] / 1e9 == pytest.approx(run.loader.waited_seconds_total, rel=0.01)


def test_steps_are_not_batches() -> None:
    """Where gradients are accumulated, optimizer steps are counted and not batches."""
    run = trained(*PLAIN)

    assert (8, 24) == (run.reading.optimizer_steps, run.loader.batches)


def test_validation_is_a_loader_apart() -> None:
    """The loader that no optimizer step follows is not taken for the training's."""
    run = trained(*PLAIN)
    val = run.reading.loaders[1]

    assert _true(run.told["val"]) == _counts(val)
    assert (val, 0, 2) == (run.reading.current, val.optimizer_steps, val.batches_per_epoch)


def test_a_loader_that_never_ends_has_epochs() -> None:
    """An iterator that repeats its sampler for ever (YOLOv5's) is cut into epochs by the sampler's length."""
    loader = trained(*ENDLESS).loader

    assert (3, BATCHES, BATCHES, 3 * BATCHES, 4) == (
        loader.epochs_begun,
        loader.epoch_batch,
        loader.batches_per_epoch,
        loader.batches,
        loader.batch_size,
    )


def test_a_loader_read_by_another_thread_is_marked() -> None:
    """What a background thread waits is not what the training waits."""
    run = trained("--threaded")

    assert run.loader.is_in_background
    assert isinstance(run.reading.data_wait_ratio, Missing)


@pytest.mark.parametrize("flags", [PLAIN, FORK, OWN_SAMPLER], ids=" ".join)
def test_the_training_computes_the_same(flags: tuple[str, ...]) -> None:
    """Losses and the state of both random generators are identical with and without the reporter."""
    with started([*TRAIN, *flags], is_reported=False) as alone:
        assert isinstance(alone.read(), Missing)

    same = ("losses", "random", "steps")
    assert [alone.told[name] for name in same] == [trained(*flags).told[name] for name in same]


def test_a_length_that_runs_the_trainings_code_is_not_asked() -> None:
    """A sampler of the training's own may draw random numbers: its length stays unknown."""
    assert isinstance(trained(*OWN_SAMPLER).loader.batches_per_epoch, Missing)


def test_the_last_report_outlives_the_training() -> None:
    """Who has opened the report before the end reads the final counts after it."""
    run = trained(*PLAIN)

    assert run.exit_code == 0
    assert [_counts(loader) for loader in run.reading.loaders] == [_counts(one) for one in run.after.loaders]


def test_every_number_is_exact() -> None:
    """Nothing is sampled, and every measure of a reading says so; the first reading has no rate yet."""
    run = trained(*PLAIN)
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
        messages = [process.communicate(timeout=120)[1] for process in processes]

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
