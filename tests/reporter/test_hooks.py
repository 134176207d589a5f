"""Loaders, scalers and the allocator in corner cases, with the stand-in for torch."""

from __future__ import annotations

import json
import sys

from gpumon.model.measure import Missing
from gpumon.reporter.wire import LOADERS
from gpumon.sources.reporter_reading import ReportedCudaMemory
from tests.reporter.launch import PROGRAMS, STAND_IN, Program, started

LOOP = PROGRAMS / "loop.py"
PATH = {"PYTHONPATH": str(STAND_IN)}
FIGURES = {
    "device": 1,
    "allocated": 10,
    "allocated_peak": 30,
    "reserved": 20,
    "reserved_peak": 40,
    "retries": 2,
    "ooms": 1,
}


def test_more_loaders_than_places() -> None:
    """Beyond 16 loaders the newest have places, and one that is used again gets its counts back."""
    with started([sys.executable, LOOP, "many"], variables=PATH) as program:
        reading = program.reading()

    assert LOADERS == len(reading.loaders)
    assert reading.current is not None
    assert (8, 2) == (reading.current.batches, reading.current.epochs_begun)


def test_steps_of_a_fused_optimizer() -> None:
    """Whether a fused optimizer skips a step is not known without waiting for the GPU, and said so."""
    with started([sys.executable, LOOP, "fused"], variables=PATH) as program:
        reading = program.reading()

    assert (1, 1) == (reading.optimizer_steps, reading.scaler_steps)
    assert isinstance(reading.scaler_skips, Missing)


def _cuda(program: Program) -> ReportedCudaMemory:
    memory = program.reading().cuda_memory
    assert isinstance(memory, ReportedCudaMemory)
    return memory


def test_the_allocator_is_read_once_cuda_is_used() -> None:
    """Figures of the loop's own device arrive, and a peak that the training resets is not lost."""
    variables = {**PATH, "TORCH_STAND_IN_CUDA": json.dumps(FIGURES)}
    with started([sys.executable, LOOP, "cuda"], variables=variables) as program:
        first = _cuda(program)
        program.next_line()
        second = _cuda(program)

    assert (1, 10, 20, 30, 40, 2, 1) == (
        first.device,
        first.allocated_bytes,
        first.reserved_bytes,
        first.allocated_peak_bytes,
        first.reserved_peak_bytes,
        first.retries,
        first.out_of_memory_errors,
    )
    assert (1, 30) == (second.allocated_bytes, second.allocated_peak_bytes)


def test_cuda_is_never_initialised() -> None:
    """A training that does not use CUDA has no figures of it."""
    with started([sys.executable, LOOP, "epochs"], variables=PATH) as program:
        memory = program.reading().cuda_memory

    assert Missing("the training has not initialised CUDA") == memory


def test_an_allocator_without_figures() -> None:
    """An allocator that does not tell its figures is told as such, and all else arrives."""
    variables = {**PATH, "TORCH_STAND_IN_CUDA": json.dumps({"device": 0})}
    with started([sys.executable, LOOP, "epochs"], variables=variables) as program:
        reading = program.reading()

    assert Missing("PyTorch's allocator in this training does not tell its figures") == reading.cuda_memory
    assert reading.optimizer_steps == 8


def test_lists_of_batches() -> None:
    """Loaders over lists of batches are told apart by their data sets, and have the lists' length."""
    with started([sys.executable, LOOP, "lists"], variables=PATH) as program:
        loaders = program.reading().loaders

    assert [(6, 3, 2), (4, 2, 2)] == [
        (loader.batches, loader.batches_per_epoch, loader.epochs_begun) for loader in loaders
    ]


def test_an_error_of_its_own_ends_the_reporter_only() -> None:
    """It is told to gpumon; the training gets every batch, and torch its own method back."""
    with started([sys.executable, LOOP, "fails"], variables=PATH) as program:
        reading = program.read()

    assert {"batches": 4, "is_given_back": True} == program.told
    assert Missing("its reporter gave up: ZeroDivisionError: division by zero") == reading


def test_a_program_without_torch() -> None:
    """A Python that imports no torch reports that it is there, and nothing else."""
    with started([sys.executable, "-c", "print(1, flush=True); input()"]) as program:
        reading = program.reading()

    assert (None, None, ()) == (reading.training, reading.current, reading.loaders)
    assert isinstance(reading.optimizer_steps, Missing)
