"""Where in the past a chart is looked at: the end of its span, and the column under its cursor."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpumon.history.columns import column_of


@dataclass(frozen=True, slots=True)
class ChartPlace:
    """The end of the span and the moment under the cursor, in monotonic seconds.

    `until_seconds` None is now: the chart goes on with time. `cursor_seconds` None is no cursor.
    """

    until_seconds: float | None = None
    cursor_seconds: float | None = None


NOW = ChartPlace()


@dataclass(frozen=True, slots=True)
class ChartTime:
    """The time a chart has to show, in monotonic seconds, and the columns it shows it in.

    Columns are absolute stretches of time, as those of `Window.series`.
    """

    oldest_seconds: float
    newest_seconds: float
    span_seconds: float
    columns: int

    @property
    def column_seconds(self) -> float:
        """The length of a column."""
        return self.span_seconds / self.columns

    def last(self, place: ChartPlace) -> int:
        """Return the number of the column at the right edge."""
        end = self.newest_seconds
        if place.until_seconds is not None:
            end = min(end, place.until_seconds)
        return column_of(end, self.column_seconds)

    def column(self, place: ChartPlace) -> int | None:
        """Return the column under the cursor, counted from the left edge; None where it is out of sight."""
        if place.cursor_seconds is None:
            return None
        at = column_of(place.cursor_seconds, self.column_seconds) - self.last(place) + self.columns - 1
        return at if 0 <= at < self.columns else None

    def scrolled(self, place: ChartPlace, seconds: float) -> ChartPlace:
        """Return the place so many seconds on (negative: back), within what there is.

        At the newest moment it is now again. A cursor that falls out of sight is gone.
        """
        until = self.newest_seconds if place.until_seconds is None else place.until_seconds
        until = max(until + seconds, self.oldest_seconds + self.span_seconds)
        moved = replace(place, until_seconds=until if until < self.newest_seconds else None)
        return moved if self.column(moved) is not None else replace(moved, cursor_seconds=None)

    def stepped(self, place: ChartPlace, columns: int) -> ChartPlace:
        """Return the place with its cursor so many columns on; without one it appears at the right edge.

        Beyond an edge the chart moves along by a quarter of its span, as far as there is something to show.
        """
        at = self.column(place)
        if at is None:
            return self.at(place, self.columns - 1)
        wanted = at + columns
        if 0 <= wanted < self.columns:
            return self.at(place, wanted)
        seconds = self._middle(self.last(place) - self.columns + 1 + wanted)
        edge = replace(place, cursor_seconds=None)
        moved = self.scrolled(edge, self.span_seconds / 4 if columns > 0 else -self.span_seconds / 4)
        there = replace(moved, cursor_seconds=seconds)
        if moved != edge and self.column(there) is not None:
            return there
        return self.at(moved, 0 if columns < 0 else self.columns - 1)

    def at(self, place: ChartPlace, column: int) -> ChartPlace:
        """Return the place with its cursor on a column, counted from the left edge."""
        inside = max(0, min(column, self.columns - 1))
        number = self.last(place) - self.columns + 1 + inside
        return replace(place, cursor_seconds=self._middle(number))

    def _middle(self, column: int) -> float:
        return (column + 0.5) * self.column_seconds
