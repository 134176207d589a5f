"""What stands in words at an enlarged chart: below it its numbers, above it whether it is of now."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.history.turns import turn_at
from gpumon.history.window import Bucket
from gpumon.model.finding import Finding, Severity
from gpumon.model.text import clean
from gpumon.model.training import Phase
from gpumon.monitor.episodes import Episode
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import NOT_KNOWN, duration
from gpumon.paint.row import Row, Span, row_width
from gpumon.tui.chart_measures import Choice, value_text
from gpumon.tui.moments import clock_text
from gpumon.tui.widgets.finding_words import finding_mark, finding_role, finding_word
from gpumon.tui.widgets.frame import Frame

_VALUE_CELLS = 9
_MOST_NAME = 60
_PHASES = {
    Phase.START: "starting",
    Phase.TRAIN: "training",
    Phase.VALIDATE: "validating",
    Phase.CHECKPOINT: "saving",
    Phase.END: "ended",
}
_URGENCY = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


def held(frame: Frame) -> Row:
    """Return that a chart does not show now, and what it shows instead; () where it does."""
    newest, until = frame.window.newest.instant, frame.view.until_seconds
    if until is not None:
        ago = duration(newest.monotonic_seconds - until)
        return (Span("  "), Span(f" paused, {ago} ago ", "simulated"))
    if frame.view.is_paused:
        return (Span("  "), Span(f" paused at {clock_text(newest.unix_seconds)} ", "simulated"))
    return ()


def summary(metric: str, columns: Sequence[Bucket | None]) -> Row:
    """Return the newest, mean, lowest and highest value of what is shown."""
    seen = [bucket for bucket in columns if bucket is not None]
    if not seen:
        return ()
    numbers = (
        ("newest", seen[-1].mean),
        ("mean", sum(bucket.mean for bucket in seen) / len(seen)),
        ("lowest", min(bucket.low for bucket in seen)),
        ("highest", max(bucket.high for bucket in seen)),
    )
    parts: list[Span] = [Span(" ")]
    for word, value in numbers:
        parts += [Span(f" {word} ", "dim"), Span(value_text(metric, value).ljust(_VALUE_CELLS), "value")]
    return tuple(parts)


def values_at(
    frame: Frame, seconds: float, shown: Choice, buckets: tuple[Bucket | None, Bucket | None], width: int
) -> Row:
    """Return the time of day of a column, how long ago it is, and its values: mean (lowest-highest).

    `seconds` is the monotonic middle of the column. The time of day is reckoned back from the newest sample's
    clock: where the clock was set since then, it is that of the clock as it is now.
    """
    glyph = glyphs(frame.view.ascii)
    ago = max(0.0, frame.window.newest.instant.monotonic_seconds - seconds)
    moment = frame.window.newest.instant.unix_seconds - ago
    head = (Span(f" {clock_text(moment)}", "value"), Span(f"  {duration(ago)} ago ", "dim"))
    first = _value(shown.metric, buckets[0], glyph)
    row: Row = (*head, Span(f"  {glyph.line_a} ", "line_a"), Span(f"{shown.name} ", "dim"), *first)
    if buckets[1] is None:
        return row
    second = _value(shown.second, buckets[1], glyph)
    sign = Span(f"   {glyph.line_b} ", "line_b")
    for name in (shown.second_name, shown.second_name.partition(" for ")[0]):
        with_name = (*row, sign, Span(f"{name} ", "dim"), *second)
        if row_width(with_name) <= width:
            return with_name
    return (*row, sign, *second)


def story_at(frame: Frame, seconds: float, column_seconds: float, width: int) -> Row:
    """Return what the training did in the column around a moment, and the gravest finding that held then."""
    training = frame.training
    if training is None:
        return ()
    glyph = glyphs(frame.view.ascii)
    pid = training.training.id.pid
    end = seconds + column_seconds / 2
    if end <= frame.window.oldest_seconds:
        return (Span(" "), Span("before the first sample", "dim"))
    turn = turn_at(frame.window.turns, pid, end)
    parts: list[Span] = [Span(" ")]
    if turn is not None and turn.epoch is not None:
        # YOLOv5 counts its epochs from 0, ultralytics from 1.
        first = 1 if training.training.framework == "ultralytics" else 0
        parts += [Span("epoch ", "dim"), Span(f"{turn.epoch + first}  ", "value")]
    if turn is not None and turn.phase in _PHASES:
        parts.append(Span(f"{_PHASES[turn.phase]}  ", "info"))
    there = [
        episode
        for episode in frame.episodes
        if episode.pid in (0, pid)
        and episode.began.monotonic_seconds <= end
        and (episode.over is None or episode.over.monotonic_seconds > end - column_seconds)
    ]
    there.sort(key=lambda episode: _URGENCY.index(episode.severity))
    if there:
        told = _episode(there[0], len(there) - 1, glyph)
        # The word says it, where there is no room for the id.
        name = clean(there[0].id, _MOST_NAME)
        is_wide = row_width((*parts, *told)) <= width
        parts += told if is_wide else (span for span in told if name not in span.text)
    else:
        parts.append(Span("no finding then", "dim"))
    return tuple(parts)


def _episode(episode: Episode, more: int, glyph: Glyphs) -> Row:
    """Return a finding, how many held beside it, and since when or until when."""
    began = clock_text(episode.began.unix_seconds)
    # A recording is a file that anybody may have written.
    name = clean(episode.id, _MOST_NAME)
    finding = Finding(name, episode.severity, episode.text, episode.began.unix_seconds)
    stay = f"since {began}" if episode.over is None else f"{began} to {clock_text(episode.over.unix_seconds)}"
    role = finding_role(finding)
    return (
        Span(f"{finding_mark(finding, glyph)} {finding_word(finding)} ", role),
        Span(f"and {more} more " if more else "", "dim"),
        Span(f" {name}  ", ""),
        Span(stay, "dim"),
    )


def _value(metric: str, bucket: Bucket | None, glyph: Glyphs) -> Row:
    """Return `58 % (41-72 %)`; one number alone where all of the column are the same."""
    if bucket is None:
        return (Span(NOT_KNOWN, "dim"),)
    mean, low, high = (value_text(metric, value) for value in (bucket.mean, bucket.low, bucket.high))
    if low == high:
        return (Span(mean, "value"),)
    amount, _, unit = low.rpartition(" ")
    if amount and high.endswith(" " + unit):
        low = amount
    return (Span(mean, "value"), Span(f" ({low}{glyph.dash}{high})", ""))
