"""The evidence of a finding: each number in words, and beside it a picture of how it got there."""

from __future__ import annotations

from itertools import zip_longest

from gpumon.advice.amount import amount
from gpumon.model.finding import Evidence, Finding
from gpumon.paint.axis import time_axis
from gpumon.paint.row import Row, Span, fit
from gpumon.paint.wrap import wrap
from gpumon.tui.evidence_picture import AXIS_CELLS, evidence_picture
from gpumon.tui.widgets.finding_words import units_tied
from gpumon.tui.widgets.frame import Frame

# Of the words; more where the whole is wide.
_LEFT_CELLS, _WIDE_LEFT_CELLS, _WIDE_FROM = 42, 64, 150
_LEAST_PICTURE_CELLS = 24
_MOST_PICTURE_CELLS = 130
# From this height on a picture has room for a blank row below it.
_APART_FROM_HEIGHT = 4
_GAP_CELLS = 2


def evidence_rows(finding: Finding, frame: Frame, width: int, *, height: int) -> list[Row]:
    """Return the evidence of a finding in rows of `width` cells; pictures are `height` rows high.

    The picture is the metric over the span of the view (`gpumon.tui.evidence_picture`).
    """
    left_cells = _WIDE_LEFT_CELLS if width >= _WIDE_FROM else _LEFT_CELLS
    cells = min(_MOST_PICTURE_CELLS, width - left_cells - _GAP_CELLS)
    has_pictures = cells >= _LEAST_PICTURE_CELLS
    rows: list[Row] = []
    is_drawn = False
    for item in finding.evidence:
        picture = evidence_picture(item, finding, frame, cells, height) if has_pictures else []
        words = _words(item, left_cells if picture else width)
        if not picture:
            rows += words
            continue
        if is_drawn and height >= _APART_FROM_HEIGHT:
            rows.append(())
        is_drawn = True
        for left, right in zip_longest(words, picture, fillvalue=()):
            rows.append((*fit(left, left_cells + _GAP_CELLS), *right))
    if is_drawn and not frame.view.low_bandwidth:
        axis = time_axis(frame.view.span_seconds, cells - AXIS_CELLS - 1)
        rows.append((Span(" " * (left_cells + _GAP_CELLS + AXIS_CELLS + 1)), axis))
    return rows


def _words(item: Evidence, width: int) -> list[Row]:
    value = [Span(f"  {amount(item.metric, item.value)}", "value")]
    if item.low is not None and item.high is not None:
        value.append(Span(f" ({amount(item.metric, item.low)} to {amount(item.metric, item.high)})", "dim"))
    if item.threshold is not None:
        value.append(Span(f"  threshold {amount(item.metric, item.threshold)}", "dim"))
    rows: list[Row] = [(Span(f"  {item.metric}", "key"),), tuple(value)]
    if item.text:
        rows += ((Span("  "), *row) for row in wrap((Span(units_tied(item.text)),), width - 2))
    return rows
