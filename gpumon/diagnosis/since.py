"""Since when something holds."""

from __future__ import annotations

from collections.abc import Callable

from gpumon.diagnosis.view import View
from gpumon.history.phases import Seen

_COLUMNS = 360
_SPAN_SECONDS = 3600.0
# The burst after a validation is no end of a starvation: up to 2 columns of 10 s may say otherwise.
_TOLERATED_COLUMNS = 2


def since_series(view: View, metric: str, holds: Callable[[float], bool], label: str = "") -> float:
    """Return the Unix time since when the mean of a metric holds, within an hour.

    `label` is whose metric it is, as the UUID of a GPU; by default it is the training's. Columns without a
    reading (other phases, a suspended machine) do not break it.
    """
    columns = view.window.series(metric, label or str(view.pid), columns=_COLUMNS, span_seconds=_SPAN_SECONDS)
    oldest, contrary = len(columns), 0
    for index in range(len(columns) - 1, -1, -1):
        column = columns[index]
        if column is None:
            continue
        if holds(column.mean):
            oldest, contrary = index, 0
            continue
        contrary += 1
        if contrary > _TOLERATED_COLUMNS:
            break
    newest = view.sample.instant
    if oldest >= len(columns) - 1:
        return view.steady[0][0].instant.unix_seconds if view.steady else newest.unix_seconds
    width = _SPAN_SECONDS / _COLUMNS
    return newest.unix_seconds - (len(columns) - 1 - oldest) * width


def since_seen(view: View, holds: Callable[[Seen], bool]) -> float:
    """Return the Unix time of the oldest full sample since which something holds without a break."""
    since = view.sample.instant.unix_seconds
    for pair in reversed(view.seen):
        if not holds(pair):
            break
        since = pair[0].instant.unix_seconds
    return since
