"""The guided plan as rows: each step with its tick, what was seen, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gpumon.advice.amount import amount, unit_of
from gpumon.model.finding import Evidence
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import Suggestion
from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, Span, clip_at_blank, fit, pad, row_width
from gpumon.paint.wrap import wrap as wrap_row
from gpumon.tui.finding_rows import short_rows, suggestion_rows
from gpumon.tui.widgets.finding_words import units_tied
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.wrap import wrap


class _Look(NamedTuple):
    """How a state is shown: a mark and its twin in ASCII, a word, and a role for both."""

    mark: str
    ascii: str
    word: str
    role: str


_LOOKS: Mapping[StepState, _Look] = {
    StepState.DONE: _Look("✓", "+", "done", "good"),
    StepState.TO_DO: _Look("✗", "!", "to do", "warn"),
    StepState.LATER: _Look("·", ".", "later", "dim"),
    StepState.UNKNOWN: _Look("?", "?", "not known", "dim"),
}
_TITLES = {
    "batch": "the largest batch that is safe",
    "workers": "workers until the GPU is fed",
    "learning-rate": "a learning rate that fits the batch",
    "amp": "mixed precision (AMP)",
    "cache": "images from a cache",
    "images": "smaller images",
    "gpus": "a process for each GPU",
}
_NAME_CELLS, _WORD_CELLS = 15, 11
# From so many cells on a step has room for its sentence.
_TEXT_FROM_WIDTH = 60


def step_row(
    number: int, step: PlanStep, width: int, *, ascii_only: bool, flags: str = "", done_with: int = 0
) -> Row:
    """Return one row of the list: mark, number, name, state, and as much of the sentence as fits.

    `flags` is what to set where the step has to be done: it stands before the sentence. `done_with` is the
    number of the step above that the same command does; 0: none. Then nothing is told a second time.
    """
    look, glyph = _LOOKS[step.state], glyphs(ascii_only)
    row: Row = (
        Span(f"{_mark(step, ascii_only=ascii_only)} ", look.role),
        Span(f"{number} ", "dim"),
        Span(pad(step.name.replace("-", " "), _NAME_CELLS, glyph.ellipsis), "value"),
        Span(pad(look.word, _WORD_CELLS), look.role),
    )
    if width >= _TEXT_FROM_WIDTH:
        said = f"with step {done_with}, by the same command" if done_with else step.text
        row = (*row, Span(f"{flags}  " if flags and not done_with else "", "suggestion"))
        row = (*row, Span(clip_at_blank(said, width - row_width(row), glyph.ellipsis)))
    return fit(row, width, ellipsis=glyph.ellipsis)


def step_rows(step: PlanStep, frame: Frame, width: int) -> list[Row]:
    """Return everything about a step: what to set, its sentence, its evidence, and the suggestion in full."""
    ascii_only = frame.view.ascii
    report = frame.training_report
    look = _LOOKS[step.state]
    head: Row = (
        Span(f"{_mark(step, ascii_only=ascii_only)} ", look.role),
        Span(_TITLES.get(step.name, step.name.replace("-", " ")), "title"),
        Span(f"  {look.word}", look.role),
    )
    rows = wrap_row(head, width, indent=2)
    suggestion = None if report is None else suggestion_of(step, report)
    if suggestion is not None:
        rows += short_rows(suggestion, frame, width)
    # The suggestion's sentence stands above it.
    if suggestion is None or suggestion.text != step.text:
        rows += wrap(units_tied(step.text), width, "", "  ")
    if step.evidence:
        rows += [(), (Span("evidence", "title"),)]
        for item in step.evidence:
            rows += _evidence_rows(item, width, ascii_only=ascii_only)
    if suggestion is not None:
        rows += [(), *suggestion_rows(suggestion, width, frame.training)]
    return rows


def suggestion_of(step: PlanStep, report: TrainingReport) -> Suggestion | None:
    """Return the suggestion that does a step, or None."""
    index = step.suggestion
    return None if index is None or not 0 <= index < len(report.suggestions) else report.suggestions[index]


def done_words(plan: tuple[PlanStep, ...]) -> str:
    """Return how many steps are done: "2 of 5 done"."""
    done = sum(1 for step in plan if step.state is StepState.DONE)
    return f"{done} of {len(plan)} done"


def _mark(step: PlanStep, *, ascii_only: bool) -> str:
    look = _LOOKS[step.state]
    return look.ascii if ascii_only else look.mark


def _evidence_rows(item: Evidence, width: int, *, ascii_only: bool) -> list[Row]:
    """Return one number in words; below it interval and threshold, where it has any."""
    wrapped = wrap(units_tied(item.text or item.metric), max(10, width - 4))
    rows: list[Row] = [(Span(f"  {glyphs(ascii_only).dot} ", "dim"), *wrapped[0])]
    rows += [(Span("    "), *row) for row in wrapped[1:]]
    details = []

    def write(value: float) -> str:
        return amount(item.metric, value) if unit_of(item.metric) else f"{value:.4g}"

    if item.low is not None and item.high is not None and item.low != item.high:
        details.append(f"90 % between {write(item.low)} and {write(item.high)}")
    if item.threshold is not None:
        details.append(f"threshold {write(item.threshold)}")
    if details:
        rows += wrap(f"{item.metric} {write(item.value)}, {', '.join(details)}", width, "dim", "    ")
    return rows
