"""A finding and what to do about it, as rows: numbers first, nothing left out."""

from __future__ import annotations

from collections.abc import Callable

from gpumon.model.finding import Evidence, Finding
from gpumon.model.measure import Maybe, Missing
from gpumon.model.metrics import METRICS
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import Bound, Effect, Suggestion
from gpumon.paint.numbers import bytes_text, duration, hertz, percent, quantity, rate_text
from gpumon.paint.row import Row, Span
from gpumon.tui.widgets.finding_words import finding_role
from gpumon.tui.wrap import wrap, wrap_exactly

_BOUND_WORDS = {
    Bound.GPU: "the GPU itself",
    Bound.CORES: "the cores of this machine",
    Bound.QUOTA: "the CPU quota of its cgroup",
    Bound.AFFINITY: "the cores it may run on",
    Bound.MEMORY: "memory",
    Bound.SHM: "/dev/shm",  # noqa: S108 (a word on the screen)
    Bound.BATCH: "the batch size",
    Bound.FRAMEWORK: "the framework's own limit",
    Bound.NONE: "nothing that is known",
}


def amount(metric: str, value: float) -> str:
    """Return a value in the unit of its metric: `41 %`, `6.8 GB`, `90.1 images/s`."""
    unit = next((item.unit for item in METRICS if item.name == metric), "")
    if not unit:
        unit = "ratio" if metric.endswith("_ratio") else "bytes" if metric.endswith("_bytes") else ""
    if unit == "ratio":
        return percent(value, 0)
    if unit == "bytes":
        return bytes_text(value)
    if unit == "bytes/s":
        return rate_text(value)
    if unit == "hertz":
        return hertz(value)
    if metric.endswith("_seconds"):
        return duration(value)
    return f"{quantity(value)} {unit}".strip()


def finding_rows(finding: Finding, report: TrainingReport, now_unix_seconds: float, width: int) -> list[Row]:
    """Return everything about one finding: its evidence, then the suggestions that belong to it."""
    role = finding_role(finding)
    age = duration(max(0.0, now_unix_seconds - finding.since_unix_seconds))
    rows: list[Row] = [
        (Span(finding.id, role), Span(f"  {finding.severity.value}, for {age}", "dim")),
        *wrap(finding.text, width),
    ]
    if finding.evidence:
        rows += [(), (Span("evidence", "title"),)]
        for item in finding.evidence:
            rows += _evidence_rows(item, width)
    for suggestion in report.suggestions:
        if suggestion.finding == finding.id:
            rows += [(), *suggestion_rows(suggestion, width)]
    return rows


def suggestion_rows(suggestion: Suggestion, width: int) -> list[Row]:
    """Return a suggestion: the change, what it brings, its bound, what it rests on, the command."""
    start, end = _value(suggestion.from_value), _value(suggestion.to_value)
    text = wrap(suggestion.text, width, "suggestion", "  ")
    if start == end:
        rows = [(Span("no change", "title"),), *text, _fact("bound", _BOUND_WORDS[suggestion.bound])]
        return [*rows, *_long("rests on", suggestion.rests_on, width)]
    rows = [(Span("what to change", "title"),), *text]
    rows.append(_fact(suggestion.setting, f"{start} → {end}"))
    rows.append(_effect("images/s", suggestion.images_per_second, quantity))
    rows.append(_speedup(suggestion.speedup))
    if not isinstance(suggestion.gpu_memory_bytes, Missing):
        rows.append(_effect("GPU memory", suggestion.gpu_memory_bytes, bytes_text))
    rows.append(_fact("bound", _BOUND_WORDS[suggestion.bound]))
    rows += _long("rests on", suggestion.rests_on, width)
    for warning in suggestion.warnings:
        rows += _long("mind", warning, width, "warn")
    rows += command_rows(suggestion, width)
    return rows


def command_rows(suggestion: Suggestion, width: int) -> list[Row]:
    """Return the command in full, or why there is none."""
    command = suggestion.command
    if isinstance(command, Missing):
        return _long("no command", command.reason, width)
    head: Row = (Span("  command", "dim"), Span("  y", "key"), Span(" copies it", "dim"))
    return [head, *wrap_exactly(command, width, "value", "    ")]


def _evidence_rows(item: Evidence, width: int) -> list[Row]:
    spans = [Span(f"  {item.metric}", "dim"), Span("  " + amount(item.metric, item.value), "value")]
    if item.low is not None and item.high is not None:
        spans.append(Span(f" ({amount(item.metric, item.low)} to {amount(item.metric, item.high)})", "dim"))
    if item.threshold is not None:
        spans.append(Span(f"  threshold {amount(item.metric, item.threshold)}", "dim"))
    rows: list[Row] = [tuple(spans)]
    if item.text:
        rows += wrap(item.text, width, "", "    ")
    return rows


def _effect(name: str, effect: Maybe[Effect], write: Callable[[float], str]) -> Row:
    if isinstance(effect, Missing):
        return _fact(name, f"not known: {effect.reason}", "dim")
    interval = f"{write(effect.low)} to {write(effect.high)}"
    return _fact(name, f"{write(effect.now)} → ~{write(effect.predicted)} ({interval})")


def _speedup(speedup: Maybe[Effect]) -> Row:
    if isinstance(speedup, Missing):
        return _fact("speed-up", f"not known: {speedup.reason}", "dim")
    interval = f"{quantity(speedup.low)} to {quantity(speedup.high)}"
    return _fact("speed-up", f"~×{quantity(speedup.predicted)} ({interval})")


def _fact(name: str, text: str, role: str = "value") -> Row:
    return (Span(f"  {name:<11} ", "dim"), Span(text, role))


def _long(name: str, text: str, width: int, role: str = "") -> list[Row]:
    rows = wrap(text, max(10, width - 14), role)
    first = (Span(f"  {name:<11} ", "dim"), *rows[0])
    return [first, *((Span(" " * 14), *row) for row in rows[1:])]


def _value(value: object) -> str:
    return "not set" if value is None else str(value)
