"""One GPU over time."""

from __future__ import annotations

import re

from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.kinds import Phase
from gpumon.model.measure import Measure, Missing, known, number
from gpumon.paint.area import area
from gpumon.paint.axis import percent_label
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import hertz, percent, whole
from gpumon.paint.row import Row, Span, clip, row_width
from gpumon.paint.wrap import wrap
from gpumon.tui.widgets.chart import columns_of, means, with_axes
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.recent import recent_wait
from gpumon.tui.widgets.without_gpu import driver_rows, driver_words, wait_picture

_AXIS_CELLS = 5
_NAME_CELLS = 24
_LEAST_NAME_CELLS = 8
_LONG_LEGEND_FROM = 76
# nvitop calls a GPU below 75 % moderately busy, TraceML one below 70 %; for a training that is low.
_LOW_BUSY_RATIO = 0.7
_WARM_CELSIUS = 5.0  # nvtop: yellow within 5 degrees of the slowdown temperature
_STATUS_ROWS_FROM = 5
# The memory in a name, as of "Tesla V100-SXM2-16GB" or "RTX 3060 12 GB", stands in the pane beside it.
_MEMORY = re.compile(r"[ -]\d+ ?GB$")
_LOST = "has fallen off the bus: the driver lost it (dmesg shows the Xid); a reset or a reboot may help"


class GpuPane(Pane):
    """Busy share of a GPU over time, and stacked on it the share of time the training waited for data.

    What is neither is idle for another reason, or the training is between two batches.
    """

    def title(self, frame: Frame) -> Row:
        """Return `GPU 7 RTX 3060 · one of 8 · busy 58 %`; a low share has its own mark."""
        gpu = frame.gpu
        glyph = glyphs(frame.view.ascii)
        if gpu is None:
            wait = known(recent_wait(frame))
            head = Span("GPU" if wait is None else "waits for data", "title")
            return (head,) if wait is None else (head, *wait_spans(wait, glyph))
        count = len(frame.report.sample.gpus)
        # Not `7 of 8`: indices begin with 0.
        of = f" {glyph.dot} one of {count}" if count > 1 else ""
        cells = max(_LEAST_NAME_CELLS, min(_NAME_CELLS, self.size.width - 46 - len(of)))
        name: Row = (
            Span(f"GPU {gpu.index}", "title"),
            Span(f" {short_name(gpu.name, cells)}", "title"),
            Span(of, "dim"),
        )
        if gpu.state is not GpuState.OK:
            return (*name, Span(f" {glyph.dot} ", "dim"), Span(gpu.state.value.upper(), "danger"))
        return (*name, Span(f" {glyph.dot} busy ", "dim"), *busy_spans(gpu, frame, glyph))

    def subtitle(self, frame: Frame) -> Row:
        """Return the legend of the shaded part, with its number."""
        training, gpu = frame.training, frame.gpu
        if training is None or gpu is None or training.ended is not None or not frame.trains_on(gpu):
            return ()
        wait = known(recent_wait(frame))
        if wait is None:
            return ()
        glyph = glyphs(frame.view.ascii)
        words = " waits for data" if self.size.width >= _LONG_LEGEND_FROM else " waits"
        # Half as high: the shade itself would look like a part of the area right below.
        swatch = glyph.half if frame.view.color else glyph.waited
        return (Span(swatch * 2, "wait"), Span(words, "dim"), *wait_spans(wait, glyph)[:1])

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the picture, its axes with room, and the row of temperature, power and clocks."""
        gpu = frame.gpu
        if gpu is None:
            glyph = glyphs(frame.view.ascii)
            driver = frame.report.sample.driver
            picture = wait_picture(frame, driver_words(driver), width, height)
            return picture or driver_rows(driver, width, glyph)
        if gpu.state is not GpuState.OK:
            lost = gpu.state is GpuState.LOST
            text = f"GPU {gpu.index} {_LOST if lost else 'cannot be read'}"
            return [(), *((Span("  "), *row) for row in wrap((Span(text, "danger"),), width - 4))]
        status = height >= _STATUS_ROWS_FROM
        chart_height = max(0, height - (2 if status else 0))
        if frame.view.low_bandwidth and status:
            chart_height += 1
        columns = max(0, width - _AXIS_CELLS - 1)
        busy = means(columns_of(frame, "gpu_busy_ratio", gpu.uuid, columns))
        if isinstance(gpu.gpu_busy_ratio, Missing) and not any(value is not None for value in busy):
            reason = gpu.gpu_busy_ratio
            return wait_picture(frame, reason.reason, width, height) or _missing(reason, width)
        picture = area(
            busy,
            height=chart_height,
            top=1.0,
            stacked=_waited(frame, gpu, columns),
            ascii_only=frame.view.ascii,
        )
        if not status:
            return [(axis, Span(" "), *row) for axis, row in zip(_labels(chart_height), picture, strict=True)]
        rows = with_axes(picture, frame, top=1.0, label=percent_label, axis_width=_AXIS_CELLS, width=columns)
        return [*rows, _status(gpu, frame, width)]


def short_name(name: str, cells: int) -> str:
    """Return a GPU's name without the vendor's words and its memory, in so many cells: `RTX 3060`."""
    bare = name.removeprefix("NVIDIA ").removeprefix("GeForce ")
    return clip(_MEMORY.sub("", bare) or bare, cells)


def busy_spans(gpu: GpuReading, frame: Frame, glyph: Glyphs, cells: int = 0) -> Row:
    """Return the busy share, marked where it is low while a training trains."""
    busy = number(gpu.gpu_busy_ratio)
    training = frame.training
    trains = (
        training is not None
        and training.phase is Phase.TRAIN
        and training.ended is None
        and frame.trains_on(gpu)
    )
    if busy is not None and trains and busy < _LOW_BUSY_RATIO:
        return (Span(percent(busy, cells), "value"), Span(f" {glyph.low}low", "warn"))
    return (Span(percent(busy, cells), "value"),)


def wait_spans(wait: Measure, glyph: Glyphs) -> Row:
    """Return the share waited for data with its standard error: ` 41 % ±3`."""
    role = "value" if wait.value < 0.05 else "warn"
    error = wait.standard_error
    more = f" {glyph.plus_minus}{round(error * 100)}" if error is not None else ""
    return (Span(percent(wait.value), role), Span(more.ljust(len(more) and len(glyph.plus_minus) + 2), "dim"))


def _waited(frame: Frame, gpu: GpuReading, columns: int) -> tuple[float | None, ...]:
    """Return the share waited for data, where the training runs on this GPU."""
    training = frame.training
    if training is None or not frame.trains_on(gpu):
        return ()
    label = str(training.training.id.pid)
    return means(columns_of(frame, "data_wait_ratio", label, columns))


def _labels(height: int) -> list[Span]:
    first, last, between = percent_label(1.0), percent_label(0.0).rjust(_AXIS_CELLS), " " * _AXIS_CELLS
    marks = [first, *[between] * (height - 2), last] if height > 1 else [first] * height
    return [Span(mark, "axis") for mark in marks]


def _missing(reason: Missing, width: int) -> list[Row]:
    return [(), *((Span("  "), *row) for row in wrap((Span("– ", "dim"), Span(reason.reason)), width - 4))]


def _status(gpu: GpuReading, frame: Frame, width: int) -> Row:
    """Return temperature, power, clock, fan and what slows the GPU, as much as has room."""
    ascii_only = frame.view.ascii
    glyph = glyphs(ascii_only)
    parts: list[Row] = [_slowed(gpu, glyph)] if _slowed(gpu, glyph) else []
    parts += [_temperature(gpu, ascii_only=ascii_only), _power(gpu)]
    parts.append((Span("clock ", "dim"), Span(hertz(known(gpu.gpu_sm_clock_hertz), 8))))
    if len(frame.report.sample.gpus) > 1:
        # A pane as wide as a small terminal stands above a line of all GPUs, a wider one beside their list.
        if width < _LONG_LEGEND_FROM:
            parts.append(_all_gpus(frame, glyph))
        parts.append((Span(f"{frame.view.keys('g')}: next", "dim"),))
    if known(gpu.gpu_fan_ratio) is not None:
        parts.append((Span("fan ", "dim"), Span(percent(known(gpu.gpu_fan_ratio), 4))))
    row: list[Span] = [Span(" ")]
    for part in parts:
        longer = [*row, *part, Span("  ")]
        if row_width(longer) - 2 > width:
            break
        row = longer
    return tuple(row)


def _temperature(gpu: GpuReading, *, ascii_only: bool) -> Row:
    celsius = known(gpu.gpu_temperature_celsius)
    limit = known(gpu.gpu_temperature_slowdown_celsius)
    role = ""
    if celsius is not None and limit is not None and celsius >= limit - _WARM_CELSIUS:
        role = "danger" if celsius >= limit else "warn"
    return (Span(whole(celsius, "C" if ascii_only else "°C", 5), role),)


def _power(gpu: GpuReading) -> Row:
    limit = known(gpu.gpu_power_limit_watts)
    text = whole(known(gpu.gpu_power_watts), width=3)
    return (Span(text), Span(f"/{limit:.0f} W" if limit is not None else " W", "dim"))


def _slowed(gpu: GpuReading, glyph: Glyphs) -> Row:
    """Return what slowed the GPU since the last reading, worst first."""
    causes = (
        ("heat", number(gpu.gpu_throttle_thermal_ratio), "danger"),
        ("power brake", number(gpu.gpu_throttle_brake_ratio), "danger"),
        ("power limit", number(gpu.gpu_throttle_power_ratio), "warn"),
    )
    for word, ratio, role in causes:
        if ratio is not None and ratio >= 0.005:
            return (Span(f"{glyph.up} slowed by {word}{percent(ratio)}", role),)
    return ()


def _all_gpus(frame: Frame, glyph: Glyphs) -> Row:
    """Return one cell per GPU, filled by its busy share."""
    cells = []
    for gpu in frame.report.sample.gpus:
        busy = number(gpu.gpu_busy_ratio)
        cells.append("?" if busy is None else glyph.levels[max(1, min(8, round(busy * 8)))])
    return (Span("all ", "dim"), Span("".join(cells), "gpu"))
