"""What gpumon advises at the end of a trace: the settings, what they bring, and the largest safe batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpumon.advice.advise import report_on
from gpumon.advice.terms import ORDINARY_TERMS, Terms
from gpumon.history.history import window_of
from gpumon.history.window import Window
from gpumon.model.measure import Missing, known
from gpumon.model.report import TrainingReport
from gpumon.model.sample import Sample
from gpumon.model.suggestion import Effect, Suggestion
from gpumon.model.training import Phase
from tests.lab.settings_scenario import Cell

_TRIED = frozenset({"workers", "batch_size"})


@dataclass(frozen=True, slots=True)
class Told:
    """What the report says at one cell.

    `to` is the cell that the first suggestion on workers or batch leads to, None where nothing is to be
    changed. `speedup` are factors on the rate of that change, `curve` those of other numbers of workers.
    """

    verdict: str
    settled: bool
    to: Cell | None = None
    speedup: Effect | None = None
    memory: Effect | None = None
    curve: tuple[tuple[Cell, Effect], ...] = ()
    largest_safe_batch: int | None = None
    text: str = ""


def told_by(samples: Iterable[Sample], cell: Cell, terms: Terms = ORDINARY_TERMS) -> Told:
    """Return what is told at the end of the samples of a training that runs in `cell`."""
    seen = tuple(samples)
    last = max((place for place, sample in enumerate(seen) if _trains(sample)), default=len(seen) - 1)
    return told_in(window_of(seen[: last + 1]), cell, terms)


def told_in(window: Window, cell: Cell, terms: Terms = ORDINARY_TERMS) -> Told:
    """Return what is told of the only training of a window."""
    reading = window.newest.training()
    if reading is None:
        return Told("", settled=False)
    return told_of(report_on(window, reading.training.id.pid, terms), cell)


def told_of(report: TrainingReport, cell: Cell) -> Told:
    """Return what a report tells of a training that runs in `cell`."""
    verdict = report.findings[0].id if report.findings else ""
    largest = None if report.memory is None else known(report.memory.largest_safe_batch)
    told = Told(verdict, report.settled, largest_safe_batch=largest)
    suggestion = next((one for one in report.suggestions if _is_a_change(one)), None)
    if suggestion is None:
        return told
    return replace(
        told,
        to=_target(suggestion, cell),
        speedup=known(suggestion.speedup),
        memory=known(suggestion.gpu_memory_bytes),
        curve=_curve(suggestion, cell),
        text=suggestion.text,
    )


def _trains(sample: Sample) -> bool:
    reading = sample.training()
    return reading is not None and reading.phase is Phase.TRAIN


def _is_a_change(suggestion: Suggestion) -> bool:
    """Tell whether a suggestion changes workers or batch, and can be followed."""
    is_tried = suggestion.setting in _TRIED and all(one.setting in _TRIED for one in suggestion.together)
    is_other = suggestion.to_value != suggestion.from_value or bool(suggestion.together)
    return is_tried and is_other and not isinstance(suggestion.command, Missing)


def _target(suggestion: Suggestion, cell: Cell) -> Cell:
    changes = {suggestion.setting: suggestion.to_value}
    changes |= {change.setting: change.to_value for change in suggestion.together}
    whole = {name: value for name, value in changes.items() if isinstance(value, int)}
    return Cell(whole.get("workers", cell.workers), whole.get("batch_size", cell.batch_size))


def _curve(suggestion: Suggestion, cell: Cell) -> tuple[tuple[Cell, Effect], ...]:
    """Return the factors for other numbers of workers alone."""
    if suggestion.setting != "workers":
        return ()
    return tuple((replace(cell, workers=count), effect) for count, effect in suggestion.curve)
