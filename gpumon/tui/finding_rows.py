"""A finding and what to do about it, as rows: numbers first, nothing left out."""

from __future__ import annotations

from collections.abc import Callable

from gpumon.advice.changing import is_change, unchanged_words
from gpumon.advice.cost_words import cost_words
from gpumon.model.cost import cost_of
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing
from gpumon.model.reading import TrainingReading
from gpumon.model.suggestion import Bound, Effect, Suggestion
from gpumon.monitor.episodes import Episode
from gpumon.paint.glyphs import glyphs
from gpumon.paint.numbers import bytes_text, duration, percent, quantity
from gpumon.paint.row import Row, Span
from gpumon.paint.wrap import wrap as wrap_row
from gpumon.tui.evidence_rows import evidence_rows
from gpumon.tui.moments import clock_text
from gpumon.tui.suggestion_rows import curve_rows, go_on_rows
from gpumon.tui.widgets.finding_words import finding_row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.recent import recent_power
from gpumon.tui.widgets.suggestion_words import bound_text, suggestion_row
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
# What the top line calls them.
_SETTING_WORDS = {"batch_size": "batch"}


def finding_rows(finding: Finding, frame: Frame, width: int, *, picture_height: int = 3) -> list[Row]:
    """Return everything about one finding: what to change, what it costs, its evidence with pictures.

    What to change stands right below the sentence in short, as in the verdict, and at the end in full.
    """
    rows = wrap_row(finding_row(finding, glyphs(frame.view.ascii)), width, indent=2)
    report = frame.training_report
    suggestions = [
        suggestion
        for suggestion in (report.suggestions if report is not None else ())
        if suggestion.finding == finding.id
    ]
    for suggestion in suggestions:
        rows += short_rows(suggestion, frame, width)
    rows += wrap(_since(finding, frame), width, "dim", "  ")
    rows += _cost_rows(finding, frame, width)
    if finding.evidence:
        rows += [(), (Span("evidence", "title"),)]
        rows += evidence_rows(finding, frame, width, height=picture_height)
    for suggestion in suggestions:
        rows += [(), *suggestion_rows(suggestion, width, frame.training)]
    return rows


def short_rows(suggestion: Suggestion, frame: Frame, width: int) -> list[Row]:
    """Return a change as the verdict tells it; none where nothing is to be changed."""
    if not is_change(suggestion):
        return []
    row = suggestion_row(suggestion, frame.training, glyphs(frame.view.ascii))
    return [(Span("  "), *part) for part in wrap_row(row, width - 2, indent=2)]


def episode_rows(episode: Episode, frame: Frame, width: int) -> list[Row]:
    """Return a finding that is over: when it came, how long it stayed, and what it last said."""
    now = frame.report.sample.instant
    muted = ", muted" if episode.id in frame.muted else ""
    lasted = duration(episode.lasted_seconds(now))
    words = f"  from {clock_text(episode.began.unix_seconds)}"
    if episode.over is not None:
        words += f" to {clock_text(episode.over.unix_seconds)}"
    before = [other for other in frame.episodes if other.id == episode.id and other.pid == episode.pid]
    rows: list[Row] = [
        (Span(f"was {episode.severity.value}, is over{muted}", "dim"),),
        (Span(f"{words}, for {lasted}", "dim"),),
        *wrap(episode.text, width, "", "  "),
    ]
    if len(before) > 1:
        rows += [(), (Span(f"each time it was there ({len(before)})", "title"),)]
        for other in before:
            began, stayed = clock_text(other.began.unix_seconds), duration(other.lasted_seconds(now), 7)
            state = "" if other.over is not None else "  still there"
            rows.append((Span(f"  {began} {stayed}"), Span(state, "dim")))
    return rows


def suggestion_rows(suggestion: Suggestion, width: int, training: TrainingReading | None = None) -> list[Row]:
    """Return a suggestion: the change, what it brings, its bound, what it rests on, the command."""
    start, end = _value(suggestion.from_value), _value(suggestion.to_value)
    text = wrap(suggestion.text, width, "suggestion", "  ")
    if not is_change(suggestion):
        rows = [
            (Span(unchanged_words(suggestion), "title"),),
            *text,
            _fact("bound", _bound_words(suggestion.bound, training)),
        ]
        return [*rows, *_long("rests on", suggestion.rests_on, width), *curve_rows(suggestion, width)]
    rows = [(Span("what to change", "title"),), *text]
    rows.append(_fact(_SETTING_WORDS.get(suggestion.setting, suggestion.setting), f"{start} → {end}"))
    for change in suggestion.together:
        name = _SETTING_WORDS.get(change.setting, change.setting)
        rows.append(_fact(name, f"{_value(change.from_value)} → {_value(change.to_value)}"))
    rows.append(_effect("images/s", suggestion.images_per_second, quantity))
    rows.append(_speedup(suggestion.speedup))
    if not isinstance(suggestion.data_wait_ratio, Missing):
        rows.append(_effect("data wait", suggestion.data_wait_ratio, lambda ratio: percent(ratio, 0)))
    if not isinstance(suggestion.gpu_memory_bytes, Missing):
        rows.append(_effect("GPU memory", suggestion.gpu_memory_bytes, bytes_text))
    rows.append(_fact("bound", _bound_words(suggestion.bound, training)))
    rows += _long("rests on", suggestion.rests_on, width)
    for number, warning in enumerate(suggestion.warnings):
        rows += _long("" if number else "mind", warning, width, "warn")
    rows += curve_rows(suggestion, width)
    rows += command_rows(suggestion, width)
    rows += go_on_rows(suggestion, width)
    return rows


def command_rows(suggestion: Suggestion, width: int) -> list[Row]:
    """Return the command in full, or why there is none."""
    command = suggestion.command
    if isinstance(command, Missing):
        return _long("no command", command.reason, width)
    head: Row = (Span("  command", "dim"), Span("  y", "key"), Span(" copies it", "dim"))
    return [head, *wrap_exactly(command, width, "value", "    ")]


def _since(finding: Finding, frame: Frame) -> str:
    age = duration(max(0.0, frame.view.now_unix_seconds - finding.since_unix_seconds))
    muted = ", muted" if finding.id in frame.muted else ""
    since = clock_text(finding.since_unix_seconds)
    return f"{finding.severity.value} since {since}, for {age}{muted}"


def _cost_rows(finding: Finding, frame: Frame, width: int) -> list[Row]:
    training = frame.training
    if training is None:
        return []
    cost = cost_of(finding, training, recent_power(frame))
    if cost is None:
        return []
    return _long("costs", ", ".join(cost_words(cost)), width, "value")


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


def _bound_words(bound: Bound, training: TrainingReading | None) -> str:
    """Return what bounds a suggestion; a framework by its name, as the row in short has it."""
    if bound is Bound.FRAMEWORK and training is not None:
        return f"{bound_text(bound, training)}: its own limit"
    return _BOUND_WORDS[bound]


def _value(value: object) -> str:
    return "not set" if value is None else str(value)
