"""Parts of a suggestion as rows: what other values would bring, and how to go on from the last checkpoint."""

from __future__ import annotations

from math import isfinite

from gpumon.advice.restart import HOW_TO_STOP, NOBODY_ASKED
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Effect, Suggestion
from gpumon.paint.numbers import quantity
from gpumon.paint.row import Row, Span
from gpumon.tui.wrap import wrap, wrap_exactly

# So many values of a curve have room; it has its bend near the present and the suggested value.
_MOST_POINTS = 12
_LEAST_BAR_CELLS, _MOST_BAR_CELLS = 4, 32
# Of value, factor, interval and word beside a bar.
_BESIDE_BAR_CELLS = 44
# Has a twin in ASCII of the same width.
_BAR = "━"
_ROLES = {"-": "warn", "+": "good"}


def curve_rows(suggestion: Suggestion, width: int) -> list[Row]:
    """Return the predicted factor on the speed by value of the setting, as bars; none without a curve."""
    points = [(value, effect) for value, effect in suggestion.curve if isfinite(effect.predicted)]
    if len(points) < 2:
        return []
    named = {suggestion.to_value: "this", suggestion.from_value: "now"}
    points = _thinned(points, [index for index, (value, _) in enumerate(points) if value in named])
    most = max(effect.predicted for _, effect in points)
    cells = max(_LEAST_BAR_CELLS, min(_MOST_BAR_CELLS, width - _BESIDE_BAR_CELLS))
    # Of several changes the curve knows the first one only, so that its factors are not those of all.
    alone = " alone" if suggestion.together else ""
    rows: list[Row] = [(Span(f"  predicted speed by {suggestion.setting}{alone}", "dim"),)]
    for value, effect in points:
        filled = round(cells * effect.predicted / most) if most > 0 else 0
        role = "suggestion" if value == suggestion.to_value else "bar"
        rows.append(
            (
                Span(f"  {value:>11} ", "value" if value in named else ""),
                Span(_BAR * filled, role),
                Span(" " * (cells - filled)),
                Span(f" ×{quantity(effect.predicted)} ", "value"),
                Span(_interval(effect), "dim"),
                Span(named.get(value, ""), role),
            )
        )
    return rows


def go_on_rows(suggestion: Suggestion, width: int) -> list[Row]:
    """Return how to take the change up by an edit: what is lost, the command, and the edit it makes."""
    way = suggestion.go_on
    if way == NOBODY_ASKED:
        return []
    inner = max(10, width - 4)
    if isinstance(way, Missing):
        head: Row = (Span("  to go on instead of beginning again: not possible", "dim"),)
        return [head, *wrap(way.reason, inner, "", "    ")]
    what = "  to begin again with it" if way.begins_again else "  to go on from the last checkpoint"
    head = (Span(what, "dim"), Span("  Y", "key"), Span(" copies it", "dim"))
    rows = [head, *wrap(f"{HOW_TO_STOP}; {way.lost}", inner, "warn", "    ")]
    if isinstance(way.command, Missing):
        return [*rows, *wrap(f"no command: {way.command.reason}", inner, "", "    ")]
    rows += wrap_exactly(way.command, width, "value", "    ")
    if way.edit:
        rows += [(Span("  what it writes into", "dim"),), *wrap_exactly(way.path, width, "", "    ")]
    for line in _changed(way.edit):
        rows += wrap_exactly(line, width, _ROLES[line[0]], "    ")
    return rows


def _interval(effect: Effect) -> str:
    """Return the interval with a blank after it; none of what is measured, as the value of now is."""
    low, high = quantity(effect.low), quantity(effect.high)
    return f"({low}–{high}) " if low != high else ""


def _changed(diff: str) -> list[str]:
    """Return the lines of a unified diff that go and come, without its heads."""
    return [line for line in diff.splitlines()[2:] if line[:1] in _ROLES]


def _thinned(points: list[tuple[int, Effect]], kept: list[int]) -> list[tuple[int, Effect]]:
    """Return at most _MOST_POINTS of `points`, evenly chosen, those at `kept` among them."""
    if len(points) <= _MOST_POINTS:
        return points
    evenly = _MOST_POINTS - len(kept)
    chosen = {round(index * (len(points) - 1) / (evenly - 1)) for index in range(evenly)} | set(kept)
    return [points[index] for index in sorted(chosen)]
