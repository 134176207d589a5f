"""The past of one number of a finding as a picture: one area, the cores as heat, or a line for each disk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from gpumon.advice.amount import amount, unit_of
from gpumon.model.finding import Evidence, Finding
from gpumon.model.metrics import METRICS
from gpumon.paint.area import area
from gpumon.paint.axis import round_ticks
from gpumon.paint.heat import fold, heat_row
from gpumon.paint.numbers import quantity
from gpumon.paint.row import Row, Span, clip, runs, text_width
from gpumon.tui.widgets.chart import columns_of, means
from gpumon.tui.widgets.cores import group_label, groups_of
from gpumon.tui.widgets.finding_words import finding_role
from gpumon.tui.widgets.frame import Frame

AXIS_CELLS = 9
_SCOPES = {metric.name: metric.scope for metric in METRICS}
# A mean over many tells nothing of the single ones (one core saturated): they stand below it.
_EACH_OF = {"host_cpu_busy_ratio": "cpu_busy_ratio"}
# The colour of the columns that speak for the finding.
_ROLES = {"good": "core", "info": "gpu", "warn": "wait", "danger": "danger"}
_OTHER_ROLE = "heat1"

_Series = Sequence[float | None]


def evidence_picture(item: Evidence, finding: Finding, frame: Frame, cells: int, height: int) -> list[Row]:
    """Return a number's past in rows of `cells` cells with their axis, none where nothing is known of it.

    One series is an area of `height` rows. Columns that speak for the finding, being on the same side of the
    threshold as its value, have its colour; the line is the threshold. Of cores there are at most `height`
    rows of heat, several cores folded into one row where they are more; of disks a row each, and where they
    are more than `height` the busiest. A mean over cores has both: its area, and below it the heat.
    """
    columns = cells - AXIS_CELLS - 1
    if columns < 1 or height < 1:
        return []
    scope = _SCOPES.get(item.metric)
    if scope == "core":
        return _heat(item.metric, frame, columns, height)
    roles = {True: _ROLES[finding_role(finding)], False: _OTHER_ROLE}
    if scope == "disk" and len(frame.window.labels(item.metric)) > 1:
        return _lines(item, frame, columns, height, roles)
    label = _label_of(item.metric, frame)
    values = () if label is None else means(columns_of(frame, item.metric, label, columns))
    rows = _area(item, values, height, roles, ascii_only=frame.view.ascii) if _is_known(values) else []
    each = _EACH_OF.get(item.metric)
    heat = [] if each is None else _heat(each, frame, columns, height)
    # A blank row parts two pictures.
    return [*rows, *([()] if rows and heat else []), *heat]


def _label_of(metric: str, frame: Frame) -> str | None:
    """Return the label under which the history has a metric for what is looked at, None where it has none."""
    scope = _SCOPES.get(metric)
    if scope == "training" and frame.training is not None:
        return str(frame.training.training.id.pid)
    if scope == "gpu" and frame.gpu is not None:
        return frame.gpu.uuid
    if scope == "disk":
        return next(iter(frame.window.labels(metric)), None)
    return "" if scope in {"host", "self"} else None


def _area(
    item: Evidence, values: _Series, height: int, roles: dict[bool, str], *, ascii_only: bool
) -> list[Row]:
    top = _top(item, values)
    rows = _coloured(item, values, height, top, roles, ascii_only=ascii_only)
    labels = [""] * height
    labels[-1] = _axis_label(item.metric, 0.0)
    labels[0] = _axis_label(item.metric, top)
    if item.threshold is not None and 0 < item.threshold < top:
        # The row in which `area` draws the line: any other number there would be taken for that of the line.
        from_below = max(0, round(item.threshold / top * height * 8) - 1) // 8
        labels[height - 1 - from_below] = _axis_label(item.metric, item.threshold)
    return [_beside(text, row) for text, row in zip(labels, rows, strict=True)]


def _heat(metric: str, frame: Frame, columns: int, height: int) -> list[Row]:
    """Return the cores over time as heat: of several in one row ink is their mean, colour the hottest."""
    cores = sorted(frame.window.labels(metric), key=int)
    series = [means(columns_of(frame, metric, core, columns)) for core in cores]
    if not any(map(_is_known, series)):
        return []
    groups = groups_of(frame.report.sample.host, tuple(int(core) for core in cores), height)
    rows = []
    for band in fold(series, groups.members):
        label = group_label([int(cores[at]) for at in band.members])
        text = f"core {label}" if len(band.members) == 1 else f"cores {label}"
        if text_width(text) > AXIS_CELLS:
            text = label
        rows.append(_beside(text, heat_row(band.means, band.highest, ascii_only=frame.view.ascii)))
    return rows


def _lines(item: Evidence, frame: Frame, columns: int, height: int, roles: dict[bool, str]) -> list[Row]:
    """Return one row of bars for each disk, all on one scale; of more than `height` the busiest."""
    series = {
        label: values
        for label in frame.window.labels(item.metric)
        if _is_known(values := means(columns_of(frame, item.metric, label, columns)))
    }
    if not series:
        return []
    top = _top(item, [value for values in series.values() for value in values])
    # Which of them the finding is about stands in its words: it is the busiest.
    chosen = sorted(series, key=lambda label: _mean(series[label]), reverse=True)[:height]
    ellipsis = ".." if frame.view.ascii else "…"
    return [
        _beside(
            clip(label, AXIS_CELLS, ellipsis),
            _coloured(item, series[label], 1, top, roles, ascii_only=frame.view.ascii, has_line=False)[0],
        )
        for label in series
        if label in chosen
    ]


def _coloured(
    item: Evidence,
    values: _Series,
    height: int,
    top: float,
    roles: dict[bool, str],
    *,
    ascii_only: bool,
    has_line: bool = True,
) -> list[Row]:
    """Return the area of a series; `roles` are those of the columns that do and do not speak for it."""
    speaks = [_speaks(value, item) for value in values]
    layers = [
        area(
            [value if chosen is wanted else None for value, chosen in zip(values, speaks, strict=True)],
            height=height,
            top=top,
            role=roles[wanted],
            limit=item.threshold if has_line else None,
            ascii_only=ascii_only,
        )
        # As a rule all of them are on one side.
        for wanted in sorted({side for value, side in zip(values, speaks, strict=True) if value is not None})
    ]
    return layers[0] if len(layers) == 1 else list(map(_merged, *layers, repeat(speaks)))


def _speaks(value: float | None, item: Evidence) -> bool:
    """Tell whether a value of the past speaks for the finding as the value of now does."""
    if value is None:
        return False
    if item.threshold is None:
        return True
    return value >= item.threshold if item.value >= item.threshold else value <= item.threshold


def _top(item: Evidence, values: _Series) -> float:
    """Return the value of the upper edge: a round one that seldom changes."""
    highest = max([*_known(values), item.threshold or 0.0, 0.0])
    is_ratio = unit_of(item.metric) == "ratio"
    if is_ratio and highest > 0.5:
        return 1.0
    return round_ticks(highest * 1.1, 2)[-1]


def _known(values: _Series) -> list[float]:
    return [value for value in values if value is not None and value == value]  # noqa: PLR0124 (NaN differs)


def _is_known(values: _Series) -> bool:
    return any(value is not None for value in values)


def _mean(values: _Series) -> float:
    found = _known(values)
    return sum(found) / len(found) if found else 0.0


def _axis_label(metric: str, value: float) -> str:
    """Return a value with its unit where that has room beside the picture, else without."""
    text = amount(metric, value)
    return text if len(text) <= AXIS_CELLS else quantity(value)


def _beside(text: str, row: Row) -> Row:
    return (Span(text.rjust(AXIS_CELLS), "axis"), Span(" "), *row)


def _merged(first: Row, second: Row, takes_second: Sequence[bool]) -> Row:
    """Return one row of two, cell by cell."""
    cells = (
        other if is_second else one
        for one, other, is_second in zip(_cells(first), _cells(second), takes_second, strict=True)
    )
    return runs(cells)


def _cells(row: Row) -> list[tuple[str, str]]:
    return [(character, role) for text, role in row for character in text]
