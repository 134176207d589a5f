"""A chart, large and with axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from gpumon.history.window import Bucket
from gpumon.model.measure import known
from gpumon.model.metrics import METRICS, Metric
from gpumon.paint.axis import round_ticks, time_ticks
from gpumon.paint.glyphs import glyphs
from gpumon.paint.numbers import bytes_text, hertz, percent, quantity, rate_text, span_text
from gpumon.paint.row import Row, Span
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

_LABEL_CELLS = 9
_TICK_ROWS = 4
_TICK_CELLS = 14


class _Choice(NamedTuple):
    """A metric that can be shown, its name on the screen, and what is drawn with it."""

    metric: str
    name: str
    second: str = ""
    second_name: str = ""


_CHOICES: tuple[_Choice, ...] = (
    _Choice("gpu_busy_ratio", "GPU busy", "data_wait_ratio", "waits for data"),
    _Choice("gpu_memory_used_bytes", "VRAM", "training_gpu_memory_used_bytes", "of the training"),
    _Choice("data_wait_ratio", "waits for data"),
    _Choice("images_per_second", "images per second"),
    _Choice("host_cpu_busy_ratio", "CPU", "io_some_ratio", "stalled on I/O"),
    _Choice("worker_cpu_ratio", "worker CPU", "worker_run_queue_wait_ratio", "runnable, no core"),
    _Choice("loader_read_bytes_per_second", "read by the workers"),
    _Choice("gpu_power_watts", "GPU power"),
    _Choice("gpu_temperature_celsius", "GPU temperature"),
    _Choice("gpu_sm_clock_hertz", "SM clock"),
    _Choice("memory_used_bytes", "host memory"),
)
_METRICS = {metric.name: metric for metric in METRICS}
_FORMATS: dict[str, Callable[[float], str]] = {
    "ratio": lambda value: percent(value, 0),
    "cores": lambda value: percent(value, 0),
    "bytes": bytes_text,
    "bytes/s": rate_text,
    "hertz": hertz,
    "watts": lambda value: f"{value:.0f} W",
    "celsius": lambda value: f"{value:.0f} C",
}


class EnlargedChart(Pane, can_focus=True):
    """One metric over the view's span, with axes, drawn by plotext; left and right change the metric."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "previous", id="chart.previous", tooltip="the measure before"),
        Binding("right,l", "step(1)", "next measure", id="chart.next", tooltip="the next measure"),
    ]

    CHOICES: ClassVar[tuple[str, ...]] = tuple(choice.metric for choice in _CHOICES)

    def __init__(
        self,
        metric: str = "gpu_busy_ratio",
        *,
        id: str | None = None,  # noqa: A002 (Textual's own parameter name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._choice = _choice(metric)

    @property
    def metric(self) -> str:
        """The metric that is shown."""
        return self._choice.metric

    def choose(self, metric: str) -> None:
        """Show another metric: one of METRICS of gpumon.model.metrics."""
        self._choice = _choice(metric)
        self.redraw()

    def action_step(self, steps: int) -> None:
        """Show the metric that is `steps` further in CHOICES."""
        at = self.CHOICES.index(self.metric) if self.metric in self.CHOICES else 0
        self.choose(self.CHOICES[(at + steps) % len(self.CHOICES)])

    def title(self, frame: Frame) -> Row:
        """Return the name of the metric, and of the second one."""
        glyph = glyphs(frame.view.ascii)
        parts = [Span(self._choice.name, "title"), Span(f" {glyph.line_a}{glyph.line_a}", "line_a")]
        if self._choice.second and self._columns(frame, self._choice.second, 10):
            parts += [
                Span(f"  {self._choice.second_name} ", "dim"),
                Span(glyph.line_b + glyph.line_b, "line_b"),
            ]
        return tuple(parts)

    def subtitle(self, frame: Frame) -> Row:
        """Return the span, and the metric's name as it stands in exports."""
        return (Span(f"{span_text(frame.view.span_seconds)}  {self.metric}", "dim"),)

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the chart, and below it the newest, mean, lowest and highest value."""
        # plotext loads a C++ kernel: only when a chart is opened.
        from gpumon.tui.widgets.plotext_chart import Scale, plot

        columns = max(1, width - _LABEL_CELLS - 2)
        first = self._columns(frame, self.metric, columns)
        if not first:
            return [(), (Span(f"  {_why_empty(frame, self._choice)}", "dim"),)]
        second = self._columns(frame, self._choice.second, columns)
        metric = _METRICS[self.metric]
        top = max(bucket.high for bucket in (*first, *second) if bucket is not None)
        marks = _marks(metric, top, max(2, height // _TICK_ROWS))
        span_seconds = frame.view.span_seconds
        rows = plot(
            [_points(first, span_seconds), _points(second, span_seconds)],
            width=width,
            height=height - 1,
            x=Scale(-span_seconds, 0.0, time_ticks(span_seconds, max(1, columns // _TICK_CELLS))),
            y=Scale(0.0, marks[-1], [(mark, _text(metric, mark).rjust(_LABEL_CELLS)) for mark in marks]),
            ascii_only=frame.view.ascii,
        )
        if not rows:
            return [(Span("too small for a chart", "dim"),)]
        return [*rows, _summary(metric, first)]

    def _columns(self, frame: Frame, name: str, columns: int) -> tuple[Bucket | None, ...]:
        """Return the columns of a metric, or none at all where nothing is known of it."""
        metric = _METRICS.get(name)
        label = _label(frame, metric) if metric is not None else None
        if metric is None or label is None:
            return ()
        found = frame.window.series(name, label, columns=columns, span_seconds=frame.view.span_seconds)
        return found if any(found) else ()


def _choice(metric: str) -> _Choice:
    """Return what is shown with a metric. Raises ValueError for a name that is not in METRICS."""
    if metric not in _METRICS:
        message = f"no such measure: {metric}"
        raise ValueError(message)
    return next((choice for choice in _CHOICES if choice.metric == metric), _Choice(metric, metric))


def _label(frame: Frame, metric: Metric) -> str | None:
    """Return whose series is meant: the chosen GPU's, the training's, or the first there is."""
    if metric.scope == "gpu":
        return None if frame.gpu is None else frame.gpu.uuid
    if metric.scope == "training":
        return None if frame.training is None else str(frame.training.training.id.pid)
    if metric.scope in {"core", "disk"}:
        return next(iter(frame.window.labels(metric.name)), None)
    return ""


def _points(columns: tuple[Bucket | None, ...], span_seconds: float) -> list[tuple[float, float] | None]:
    step = span_seconds / len(columns) if columns else 0.0
    return [
        None if bucket is None else (-span_seconds + (index + 0.5) * step, bucket.mean)
        for index, bucket in enumerate(columns)
    ]


def _marks(metric: Metric, top: float, count: int) -> list[float]:
    """Return the values at which the axis is marked, round in the unit they are shown in."""
    if metric.unit == "ratio":
        return [0.0, 0.25, 0.5, 0.75, 1.0]
    unit = 1.0
    while metric.unit == "bytes" and top >= unit * 1024:
        unit *= 1024
    return [mark * unit for mark in round_ticks(top / unit, count)]


def _text(metric: Metric, value: float) -> str:
    return _FORMATS.get(metric.unit, quantity)(value)


def _summary(metric: Metric, columns: tuple[Bucket | None, ...]) -> Row:
    seen = [bucket for bucket in columns if bucket is not None]
    numbers = (
        ("newest", seen[-1].mean),
        ("mean", sum(bucket.mean for bucket in seen) / len(seen)),
        ("lowest", min(bucket.low for bucket in seen)),
        ("highest", max(bucket.high for bucket in seen)),
    )
    parts: list[Span] = [Span(" ")]
    for word, value in numbers:
        parts += [Span(f" {word} ", "dim"), Span(_text(metric, value).ljust(_LABEL_CELLS), "value")]
    return tuple(parts)


def _why_empty(frame: Frame, choice: _Choice) -> str:
    metric = _METRICS[choice.metric]
    if metric.scope == "gpu" and frame.gpu is None:
        return frame.report.sample.driver.text or "there is no GPU"
    if metric.scope == "training" and frame.training is None:
        return "no training is attached"
    training = frame.training
    if choice.metric == "data_wait_ratio" and training is not None:
        wait = training.loader.data_wait_ratio
        if known(wait) is None:
            return getattr(wait, "reason", "")
    return f"nothing is known of {choice.metric} in the last {span_text(frame.view.span_seconds)}"
