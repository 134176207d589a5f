"""The evidence of a finding: each number in words, and beside it a picture of how it got there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat, zip_longest

from gpumon.advice.amount import amount, unit_of
from gpumon.model.finding import Evidence, Finding
from gpumon.model.metrics import METRICS
from gpumon.paint.area import area
from gpumon.paint.axis import round_ticks, time_axis
from gpumon.paint.numbers import quantity
from gpumon.paint.row import Row, Span, fit, runs
from gpumon.paint.wrap import wrap
from gpumon.tui.widgets.chart import columns_of, means
from gpumon.tui.widgets.finding_words import finding_role, units_tied
from gpumon.tui.widgets.frame import Frame

_SCOPES = {metric.name: metric.scope for metric in METRICS}
# Of the words; more where the whole is wide.
_LEFT_CELLS, _WIDE_LEFT_CELLS, _WIDE_FROM = 42, 64, 150
_LEAST_PICTURE_CELLS = 24
_MOST_PICTURE_CELLS = 130
# From this height on a picture has room for a blank row below it.
_APART_FROM_HEIGHT = 4
_AXIS_CELLS = 9
_GAP_CELLS = 2
# The colour of the columns that speak for the finding.
_ROLES = {"good": "core", "info": "gpu", "warn": "wait", "danger": "danger"}
_OTHER_ROLE = "heat1"


def evidence_rows(finding: Finding, frame: Frame, width: int, *, height: int) -> list[Row]:
    """Return the evidence of a finding in rows of `width` cells; pictures are `height` rows high.

    The picture is the metric over the span of the view. Columns that speak for the finding, being on the
    same side of the threshold as its value, have its colour; the line is the threshold.
    """
    left_cells = _WIDE_LEFT_CELLS if width >= _WIDE_FROM else _LEFT_CELLS
    cells = min(_MOST_PICTURE_CELLS, width - left_cells - _GAP_CELLS)
    has_pictures = cells >= _LEAST_PICTURE_CELLS
    rows: list[Row] = []
    is_drawn = False
    for item in finding.evidence:
        picture = _picture(item, finding, frame, cells, height) if has_pictures else []
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
        axis = time_axis(frame.view.span_seconds, cells - _AXIS_CELLS - 1)
        rows.append((Span(" " * (left_cells + _GAP_CELLS + _AXIS_CELLS + 1)), axis))
    return rows


def label_of(metric: str, frame: Frame) -> str | None:
    """Return the label under which the history has a metric for what is looked at, None where it has none."""
    scope = _SCOPES.get(metric)
    if scope == "training" and frame.training is not None:
        return str(frame.training.training.id.pid)
    if scope == "gpu" and frame.gpu is not None:
        return frame.gpu.uuid
    if scope == "disk":
        # Which disk the evidence is about stands in its words only: a picture where there is but one.
        labels = frame.window.labels(metric)
        return labels[0] if len(labels) == 1 else None
    return "" if scope in {"host", "self"} else None


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


def _picture(item: Evidence, finding: Finding, frame: Frame, cells: int, height: int) -> list[Row]:
    """Return the rows of a metric's picture with its axis, none where nothing is known of its past."""
    label = label_of(item.metric, frame)
    columns = cells - _AXIS_CELLS - 1
    if label is None:
        return []
    values = means(columns_of(frame, item.metric, label, columns))
    if not any(value is not None for value in values):
        return []
    top = _top(item, values)
    speaks = [_speaks(value, item) for value in values]
    roles = {True: _ROLES[finding_role(finding)], False: _OTHER_ROLE}
    layers = [
        area(
            [value if chosen is wanted else None for value, chosen in zip(values, speaks, strict=True)],
            height=height,
            top=top,
            role=roles[wanted],
            limit=item.threshold,
            ascii_only=frame.view.ascii,
        )
        # As a rule all of them are on one side.
        for wanted in sorted({side for value, side in zip(values, speaks, strict=True) if value is not None})
    ]
    rows = layers[0] if len(layers) == 1 else list(map(_merged, *layers, repeat(speaks)))
    labels = [""] * height
    if item.threshold is not None and 0 < item.threshold < top:
        # The row in which `area` draws the line.
        from_below = max(0, round(item.threshold / top * height * 8) - 1) // 8
        labels[height - 1 - from_below] = _axis_label(item.metric, item.threshold)
    labels[-1] = _axis_label(item.metric, 0.0)
    labels[0] = _axis_label(item.metric, top)
    return [
        (Span(text.rjust(_AXIS_CELLS), "axis"), Span(" "), *row)
        for text, row in zip(labels, rows, strict=True)
    ]


def _speaks(value: float | None, item: Evidence) -> bool:
    """Tell whether a value of the past speaks for the finding as the value of now does."""
    if value is None:
        return False
    if item.threshold is None:
        return True
    return value >= item.threshold if item.value >= item.threshold else value <= item.threshold


def _top(item: Evidence, values: Sequence[float | None]) -> float:
    """Return the value of the upper edge: a round one that seldom changes."""
    known = [value for value in values if value is not None and value == value]  # noqa: PLR0124 (NaN differs)
    highest = max([*known, item.threshold or 0.0, 0.0])
    is_ratio = unit_of(item.metric) == "ratio"
    if is_ratio and highest > 0.5:
        return 1.0
    return round_ticks(highest * 1.1, 2)[-1]


def _axis_label(metric: str, value: float) -> str:
    """Return a value with its unit where that has room beside the picture, else without."""
    text = amount(metric, value)
    return text if len(text) <= _AXIS_CELLS else quantity(value)


def _merged(first: Row, second: Row, takes_second: Sequence[bool]) -> Row:
    """Return one row of two, cell by cell."""
    cells = (
        other if is_second else one
        for one, other, is_second in zip(_cells(first), _cells(second), takes_second, strict=True)
    )
    return runs(cells)


def _cells(row: Row) -> list[tuple[str, str]]:
    return [(character, role) for text, role in row for character in text]
