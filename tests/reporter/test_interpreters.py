"""The reporter in every installed Python from 3.8 on, with a stand-in for torch."""

from __future__ import annotations

import shlex
import sys

import pytest

from gpumon.model.measure import Missing
from gpumon.sources.clock import SystemClock
from gpumon.sources.reporter import ReporterSource
from gpumon.sources.reporter_reading import ReporterReading
from tests.remote_python.interpreters import Installed, installed
from tests.reporter.launch import PROGRAMS, STAND_IN, at, started
from tests.sources.children import process_id

LOOP = PROGRAMS / "loop.py"
PATH = {"PYTHONPATH": str(STAND_IN)}
OLD_TORCH = {"TORCH_STAND_IN": "1.12"}
_PATH = "import json, sys; print(json.dumps(sys.path), flush=True); sys.stdin.read()"
SILENT = Missing("`gpumon run` started it, but no reporter answers: python -I, -E or -S, or a full /dev/shm?")
every_python = pytest.mark.parametrize("python", installed(), ids=str)
every_torch = pytest.mark.parametrize("variables", [{}, OLD_TORCH], ids=["torch2", "torch1"])


@every_python
@every_torch
def test_counts(python: Installed, variables: dict[str, str]) -> None:
    """Batches, samples, steps, passes and the shape arrive, also with the optimizers of torch before 2.0."""
    with started([python.program, LOOP, "epochs"], variables={**PATH, **variables}) as program:
        reading = program.reading()
    loader = reading.training

    assert loader is not None
    assert (8, 20, 8, 2, 4, 4, 3) == (
        loader.batches,
        loader.samples,
        loader.optimizer_steps,
        loader.epochs_begun,
        loader.epoch_batch,
        loader.batches_per_epoch,
        loader.batch_size,
    )
    assert (8, 8, 16) == (reading.optimizer_steps, loader.image_height, loader.image_width)


@every_python
@every_torch
def test_skipped_steps(python: Installed, variables: dict[str, str]) -> None:
    """Steps that an enabled scaler skips are counted; those of a disabled one are plain steps."""
    with started([python.program, LOOP, "scaler"], variables={**PATH, **variables}) as program:
        reading = program.reading()

    assert (4, 5, 2) == (reading.optimizer_steps, reading.scaler_steps, reading.scaler_skips)


@every_python
def test_a_fork_has_a_report_of_its_own(python: Installed) -> None:
    """A forked child neither writes into its parent's report nor is mistaken for it."""
    with started([python.program, LOOP, "child"], variables=PATH) as program:
        parent = program.reading()
        source = ReporterSource(process_id(program.told["child"]))
        child = source.read(SystemClock().now())
        source.close()

    assert [8] == [loader.batches for loader in parent.loaders]
    assert isinstance(child, ReporterReading)
    assert [4, 4] == [loader.batches for loader in child.loaders]


@every_python
def test_descriptors_of_the_training_are_left_alone(python: Installed) -> None:
    """A training may close all descriptors: what takes their numbers stays open in its forked children."""
    with started([python.program, LOOP, "closed"], variables=PATH) as program:
        reading = program.read()

    assert program.told["files"] == program.told["alive"]
    assert isinstance(reading, Missing)


@every_python
def test_strange_batches_and_loaders(python: Installed) -> None:
    """What the reporter does not understand is unknown, and the training gets its batches."""
    with started([python.program, LOOP, "broken"], variables=PATH) as program:
        reading = program.reading()

    assert program.told["batches"] == sum(loader.batches for loader in reading.loaders) == 4
    assert all(isinstance(loader.batches_per_epoch, Missing) for loader in reading.loaders[1:])
    assert isinstance(reading.loaders[0].samples, Missing)


@every_python
def test_the_reporter_hides_its_folder(python: Installed) -> None:
    """`sys.path` is what it is without the reporter."""
    with (
        started([python.program, "-c", _PATH], is_reported=False) as alone,
        started([python.program, "-c", _PATH]) as reported,
    ):
        assert alone.told == reported.told


@every_python
@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_flags_that_keep_the_reporter_out_are_noticed(python: Installed, flag: str) -> None:
    """Without heartbeat gpumon says after 10 s why there may be none; before that it waits."""
    with started([python.program, flag, "-c", _PATH]) as program:
        first, later = program.source.read(at(100.0)), program.source.read(at(110.0))

    assert (Missing("its reporter has not answered yet"), SILENT) == (first, later)


def test_without_room_for_a_report_the_training_starts() -> None:
    """Where no file can be made (here: none may exceed 512 bytes) the program runs without a reporter."""
    words = [sys.executable, str(LOOP), "epochs"]
    with started(["sh", "-c", f"ulimit -f 1; exec {shlex.join(words)}"], variables=PATH) as program:
        first, later = program.source.read(at(100.0)), program.source.read(at(110.0))

    assert {"batches": 8} == program.told
    assert (Missing("its reporter has not answered yet"), SILENT) == (first, later)
