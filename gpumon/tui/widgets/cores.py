"""CPU cores over time, and now."""

from __future__ import annotations

from gpumon.model.core_list import core_numbers, core_ranges
from gpumon.model.host import CoreReading, HostReading
from gpumon.model.measure import Missing, number
from gpumon.paint.area import area
from gpumon.paint.core_groups import CoreGroups, core_groups
from gpumon.paint.glyphs import glyphs
from gpumon.paint.heat import Band, fold, heat_row, level
from gpumon.paint.numbers import percent
from gpumon.paint.row import Row, Span, runs
from gpumon.paint.wrap import wrap
from gpumon.tui.widgets.chart import columns_of, means, time_row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

_NUMBER_CELLS = 6
_TIME_FROM = 4
_BUSY_RATIO = 0.9
_MOST_ROWS = 6  # of one core; with three or more the uppermost stays free, to part it from its neighbour


class CorePane(Pane):
    """Every core over time: as areas where there is room, else heat, one row per core or group of cores.

    An area has the share waited for I/O stacked on the busy share. In a group of cores the ink of a cell
    is the mean over its cores, the colour the hottest of them; where the groups are of caches or of NUMA
    nodes, that stands below their numbers.
    """

    def title(self, frame: Frame) -> Row:
        """Return `CPU 8 cores 31 %`."""
        host = frame.report.sample.host
        count = len(host.cores) if isinstance(host.cores, tuple) else None
        cores = f" {count} cores" if count is not None else ""
        return (Span(f"CPU{cores} ", "title"), Span(percent(number(host.cpu_busy_ratio), 4), "value"))

    def subtitle(self, frame: Frame) -> Row:
        """Return how many cores are busy, and the share of I/O wait and steal where there is any."""
        cores = frame.report.sample.host.cores
        if not isinstance(cores, tuple) or not cores:
            return ()
        busy = sum(core.cpu_busy_ratio >= _BUSY_RATIO for core in cores)
        parts: list[Span] = [
            Span(f"{busy:>{len(str(len(cores)))}}", "value"),
            Span(" at 90 % or more", "dim"),
        ]
        for word, share in (
            ("I/O wait", sum(core.cpu_iowait_ratio for core in cores) / len(cores)),
            ("steal", sum(core.cpu_steal_ratio for core in cores) / len(cores)),
        ):
            if share >= 0.005:
                parts += [Span(f"  {word}", "dim"), Span(percent(share))]
        return tuple(parts)

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the heat and its time axis."""
        host = frame.report.sample.host
        cores = host.cores
        if isinstance(cores, Missing):
            words = wrap((Span("– ", "dim"), Span(cores.reason)), width - 4)
            return [(), *((Span("  "), *row) for row in words)]
        with_time = height >= _TIME_FROM and not frame.view.low_bandwidth
        room = height - with_time
        if room < 1:
            return []
        groups = groups_of(host, tuple(core.core for core in cores), room)
        labels = [group_label([cores[at].core for at in group]) for group in groups.members]
        label_cells = max((len(label) for label in labels), default=1)
        columns = width - label_cells - _NUMBER_CELLS - 1
        if columns < 1:
            return []
        series = [means(columns_of(frame, "cpu_busy_ratio", str(core.core), columns)) for core in cores]
        each = room // max(1, len(cores))
        if each > 1:
            rows = [
                row
                for core, values in zip(cores, series, strict=True)
                for row in _core_area(frame, core, values, min(each, _MOST_ROWS), label_cells)
            ]
        else:
            rows = [
                self._band(band, cores, label.rjust(label_cells), ascii_only=frame.view.ascii)
                for band, label in zip(fold(series, groups.members), labels, strict=True)
            ]
        if not with_time:
            return rows
        foot = Span(groups.by.rjust(label_cells)[:label_cells] + " ", "dim")
        return [*rows, (foot, *time_row(frame, columns))]

    @staticmethod
    def _band(band: Band, cores: tuple[CoreReading, ...], label: str, *, ascii_only: bool) -> Row:
        members = [cores[at] for at in band.members]
        now = sum(core.cpu_busy_ratio for core in members) / len(members)
        heat = heat_row(band.means, band.highest, ascii_only=ascii_only)
        return (Span(label, "axis"), Span(" "), *heat, Span(percent(now, _NUMBER_CELLS)))


def _core_area(
    frame: Frame, core: CoreReading, values: tuple[float | None, ...], height: int, label_cells: int
) -> list[Row]:
    """Return one core over time as an area, its number and its share now beside the lowest row."""
    waited = means(columns_of(frame, "cpu_iowait_ratio", str(core.core), len(values)))
    picture = area(
        values,
        height=height - (height > 2),
        top=1.0,
        role="core",
        stacked=waited,
        ascii_only=frame.view.ascii,
    )
    blank = Span(" " * (label_cells + 1))
    label = Span(f"{core.core:>{label_cells}} ", "axis")
    rows: list[Row] = [(blank, *row) for row in picture[:-1]]
    if height > 2:
        rows.insert(0, ())
    return [*rows, (label, *picture[-1], Span(percent(core.cpu_busy_ratio, _NUMBER_CELLS)))]


class CoreStrip(Pane):
    """The cores now: one cell per core, filled by its busy share; groups of cores where there are many."""

    DEFAULT_CSS = "CoreStrip { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the line."""
        del height
        host = frame.report.sample.host
        head: Row = (Span(" CPU ", "title"), Span(percent(number(host.cpu_busy_ratio)), "value"), Span(" "))
        cores = host.cores
        if isinstance(cores, Missing):
            return [(*head, Span(cores.reason, "dim"))]
        busy = sum(core.cpu_busy_ratio >= _BUSY_RATIO for core in cores)
        digits = len(str(len(cores)))
        tail = f" {busy:>{digits}} of {len(cores)} cores at 90 % or more "
        room = width - 11 - len(tail)
        if room < 1:
            return [(*head, Span(tail.strip()))]
        glyph = glyphs(frame.view.ascii)
        cells = []
        for positions in groups_of(host, tuple(core.core for core in cores), room).members:
            group = [cores[at] for at in positions]
            ratio = sum(core.cpu_busy_ratio for core in group) / len(group)
            hottest = max(core.cpu_busy_ratio for core in group)
            cells.append((glyph.levels[max(1, min(8, round(ratio * 8)))], f"heat{max(1, level(hottest))}"))
        return [(*head, *runs(cells), Span(tail, "dim"))]


def groups_of(host: HostReading, cores: tuple[int, ...], rows: int) -> CoreGroups:
    """Return which cores of these numbers stand in one row, where there are more of them than rows."""
    domains = () if isinstance(host.core_domains, Missing) else host.core_domains
    known_domains = tuple((domain.node, core_numbers(domain.cores)) for domain in domains)
    return core_groups(cores, rows, known_domains)


def group_label(cores: list[int]) -> str:
    """Return `8-15`, and `8-15+` where second threads or others stand with them."""
    (first, last), *more = core_ranges(sorted(cores))
    return (f"{first}-{last}" if first < last else f"{first}") + ("+" if more else "")
