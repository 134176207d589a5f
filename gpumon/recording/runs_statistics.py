"""Speed, wait and memory of a run with their intervals, from its blocks."""

from __future__ import annotations

from dataclasses import replace

from gpumon.history.estimate import LEAST_BLOCKS, Estimate, hardly_exceeded, speed_in, wait_in
from gpumon.model.measure import Maybe, Missing
from gpumon.recording.runs_run import Peak, Run, RunNumbers


def summed(run: Run) -> Run:
    """Return a run with one block, the sum of all: its numbers stay, and it takes little memory in a list."""
    if len(run.blocks) <= 1:
        return run
    whole, *others = run.blocks
    for block in others:
        whole = whole.joined(block, whole.number)
    numbers = RunNumbers(speed_of(run), wait_of(run), peak_of(run))
    return replace(run, blocks=(whole,), numbers=numbers)


def speed_of(run: Run) -> Maybe[Estimate]:
    """Return images per second of steady training."""
    return speed_in(run.blocks) if run.numbers is None else run.numbers.speed


def wait_of(run: Run) -> Maybe[Estimate]:
    """Return the share of steady training that waits for data."""
    return wait_in(run.blocks) if run.numbers is None else run.numbers.wait


def peak_of(run: Run) -> Maybe[Peak]:
    """Return the peak of GPU memory, and what a run as long as what was seen hardly exceeds."""
    if run.numbers is not None:
        return run.numbers.peak
    peaks = [block.memory_peak_bytes for block in run.blocks if block.memory_peak_bytes is not None]
    if not peaks:
        return Missing("its GPU memory was not seen")
    return Peak(max(peaks), _likely_high(run))


def _likely_high(run: Run) -> Maybe[float]:
    """Return what the peak hardly exceeds, from how it rose since every phase was seen once.

    What rose before, as at the start and with the first validation, says nothing of the time to come.
    """
    total = run.about.gpu_memory_total_bytes
    if not run.has_validation:
        return Missing("no validation was seen, and the first one often needs more than training")
    first = next(index for index, block in enumerate(run.blocks) if block.has_validation)
    before = [block.memory_peak_bytes or 0 for block in run.blocks[: first + 1]]
    after = [block.memory_peak_bytes or 0 for block in run.blocks[first + 1 :]]
    if len(after) < LEAST_BLOCKS:
        return Missing("it was seen too shortly after the first validation")
    if not total:
        return Missing("the size of its GPU memory is not known")
    rises: list[float] = []
    highest = max(before)
    for peak in after:
        if peak > highest:
            rises.append(float(peak - highest))
            highest = peak
    return hardly_exceeded(highest, rises, total)
