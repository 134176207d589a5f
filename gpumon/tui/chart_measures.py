"""The measures an enlarged chart shows: their names, what is drawn with them, and their numbers in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gpumon.history.window import Bucket
from gpumon.model.measure import known
from gpumon.model.metrics import METRICS, Metric
from gpumon.paint.axis import round_ticks
from gpumon.paint.numbers import bytes_text, hertz, percent, quantity, rate_text, span_text
from gpumon.tui.widgets.frame import Frame


class Choice(NamedTuple):
    """A metric that can be shown, its name on the screen, and what is drawn with it."""

    metric: str
    name: str
    second: str = ""
    second_name: str = ""


CHOICES: tuple[Choice, ...] = (
    Choice("gpu_busy_ratio", "GPU busy", "data_wait_ratio", "waits for data"),
    Choice("gpu_memory_used_bytes", "VRAM", "training_gpu_memory_used_bytes", "of the training"),
    Choice("data_wait_ratio", "waits for data"),
    Choice("images_per_second", "images per second"),
    Choice("host_cpu_busy_ratio", "CPU", "io_some_ratio", "stalled on I/O"),
    Choice("worker_cpu_ratio", "worker CPU", "worker_run_queue_wait_ratio", "waits for a core"),
    Choice("loader_read_bytes_per_second", "read by the workers"),
    Choice("gpu_power_watts", "GPU power"),
    Choice("gpu_temperature_celsius", "GPU temperature"),
    Choice("gpu_sm_clock_hertz", "SM clock"),
    Choice("memory_used_bytes", "host memory"),
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


def choice(metric: str) -> Choice:
    """Return what is shown with a metric. Raises ValueError for a name that is not in METRICS."""
    if metric not in _METRICS:
        message = f"no such measure: {metric}"
        raise ValueError(message)
    return next((one for one in CHOICES if one.metric == metric), Choice(metric, metric))


def is_of_gpu(metric: str) -> bool:
    """Tell whether each GPU has its own values of a metric."""
    return _METRICS[metric].scope == "gpu"


def value_text(metric: str, value: float) -> str:
    """Return a value of a metric in its unit: `58 %`."""
    return _FORMATS.get(_METRICS[metric].unit, quantity)(value)


def value_ticks(metric: str, top: float, count: int) -> list[float]:
    """Return the values at which the axis is marked, round in the unit they are shown in."""
    unit_name = _METRICS[metric].unit
    if unit_name == "ratio":
        return [0.0, 0.25, 0.5, 0.75, 1.0]
    unit = 1.0
    while unit_name == "bytes" and top >= unit * 1024:
        unit *= 1024
    return [mark * unit for mark in round_ticks(top / unit, count)]


def chart_columns(frame: Frame, metric: str, columns: int) -> tuple[Bucket | None, ...]:
    """Return the columns of a metric over the view's span, or none at all where nothing is known of it."""
    found = _METRICS.get(metric)
    label = _label(frame, found) if found is not None else None
    if found is None or label is None:
        return ()
    series = frame.window.series(
        metric,
        label,
        columns=columns,
        span_seconds=frame.view.span_seconds,
        until_seconds=frame.view.until_seconds,
    )
    return series if any(series) else ()


def why_empty(frame: Frame, shown: Choice) -> str:
    """Return why there is nothing to show of a metric."""
    metric = _METRICS[shown.metric]
    if metric.scope == "gpu" and frame.gpu is None:
        return frame.report.sample.driver.text or "there is no GPU"
    if metric.scope == "training" and frame.training is None:
        return "no training is attached"
    span = span_text(frame.view.span_seconds)
    if frame.view.until_seconds is not None:
        return f"nothing was known of {shown.metric} in these {span}"
    training = frame.training
    if shown.metric == "data_wait_ratio" and training is not None:
        wait = training.loader.data_wait_ratio
        if known(wait) is None:
            return getattr(wait, "reason", "")
    return f"nothing is known of {shown.metric} in the last {span}"


def _label(frame: Frame, metric: Metric) -> str | None:
    """Return whose series is meant: the chosen GPU's, the training's, or the first there is."""
    if metric.scope == "gpu":
        return None if frame.gpu is None else frame.gpu.uuid
    if metric.scope == "training":
        return None if frame.training is None else str(frame.training.training.id.pid)
    if metric.scope in {"core", "disk"}:
        return next(iter(frame.window.labels(metric.name)), None)
    return ""
