"""Since when something holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gpumon.diagnosis.view import View
from gpumon.history.phases import Seen
from gpumon.history.window import Bucket

# Columns of 10 s over ten minutes, and of a minute over an hour for what has held for longer.
_SPANS = ((600.0, 60), (3600.0, 60))
# The burst after a validation is no end of a starvation: up to 2 columns may say otherwise.
_TOLERATED_COLUMNS = 2


def since_series(view: View, metric: str, holds: Callable[[float], bool], label: str = "") -> float:
    """Return the Unix time since when the mean of a metric holds, within an hour.

    `label` is whose metric it is, as the UUID of a GPU; by default it is the training's. Columns without a
    reading (other phases, a suspended machine) do not break it.
    """
    back_seconds = 0.0
    for span_seconds, count in _SPANS:
        columns = view.window.series(metric, label or str(view.pid), columns=count, span_seconds=span_seconds)
        back = _columns_back(columns, holds)
        back_seconds = max(back_seconds, back * span_seconds / count)
        if back < count - 1 - _TOLERATED_COLUMNS:
            break
    newest = view.sample.instant.unix_seconds
    if back_seconds <= 0.0:
        return view.steady[0][0].instant.unix_seconds if view.steady else newest
    return newest - back_seconds


def _columns_back(columns: Sequence[Bucket | None], holds: Callable[[float], bool]) -> int:
    """Return how many columns before the newest it begins to hold; 0 where it is the newest, or none."""
    back, contrary = 0, 0
    for place, column in enumerate(reversed(columns)):
        if column is None:
            continue
        if holds(column.mean):
            back, contrary = place, 0
            continue
        contrary += 1
        if contrary > _TOLERATED_COLUMNS:
            break
    return back


def since_seen(view: View, holds: Callable[[Seen], bool]) -> float:
    """Return the Unix time of the oldest full sample since which something holds without a break."""
    since = view.sample.instant.unix_seconds
    for pair in reversed(view.seen):
        if not holds(pair):
            break
        since = pair[0].instant.unix_seconds
    return since
