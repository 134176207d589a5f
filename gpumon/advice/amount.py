"""A value in the unit of its metric."""

from __future__ import annotations

from gpumon.model.metrics import METRICS
from gpumon.paint.numbers import bytes_text, duration, hertz, percent, quantity, rate_text

_UNITS = {metric.name: metric.unit for metric in METRICS}


def unit_of(metric: str) -> str:
    """Return the unit of a metric: as METRICS has it, else as its name says, else an empty text."""
    if unit := _UNITS.get(metric, ""):
        return unit
    return next((unit for unit in ("ratio", "bytes", "seconds") if metric.endswith(f"_{unit}")), "")


def amount(metric: str, value: float) -> str:
    """Return a value in the unit of its metric: `41 %`, `6.8 GB`, `90.1 images/s`, `1m30s`."""
    unit = unit_of(metric)
    if unit == "ratio":
        return percent(value, 0)
    if unit == "bytes":
        return bytes_text(value)
    if unit == "bytes/s":
        return rate_text(value)
    if unit == "hertz":
        return hertz(value)
    if unit == "seconds":
        return duration(value)
    return f"{quantity(value)} {unit}".strip()
