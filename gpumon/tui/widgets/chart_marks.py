"""What happened, on the time axis of a chart: epochs, validations, checkpoints, and findings."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import inf

from gpumon.history.columns import column_of
from gpumon.history.events import Event, EventKind, events
from gpumon.model.kinds import Severity
from gpumon.paint.axis import Mark
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.row import Row, Span
from gpumon.recording.mark import Mark as Recorded
from gpumon.recording.mark import MarkKind
from gpumon.tui.widgets.frame import Frame

# So many cells for each epoch that is marked, at the least: its glyph, its number, and a gap.
_EPOCH_CELLS = 8
_EVERY = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_ORDER = {kind: place for place, kind in enumerate(EventKind)}
_SEVERITY_ROLES = {Severity.INFO: "info", Severity.WARNING: "warn", Severity.CRITICAL: "danger"}
# What recordings call it: `epoch 3/99`, `phase validate`.
_NUMBER = re.compile(r"epoch (\d{1,9})")
_PHASES = {
    "phase validate": EventKind.VALIDATION,
    "phase checkpoint": EventKind.CHECKPOINT,
    "phase end": EventKind.END,
}


def events_of(frame: Frame, since_seconds: float = -inf) -> tuple[Event, ...]:
    """Return what happened to the training that is looked at, from a monotonic moment on, oldest first.

    Nothing is told beyond the moment of the frame. Of a recording its marks tell of epochs and phases: they
    reach back to its beginning.
    """
    training = frame.training
    if training is None:
        return ()
    pid = training.training.id.pid
    now = frame.window.newest.instant.monotonic_seconds
    replay = frame.view.replay
    if replay is None:
        found = list(events(frame.window.turns, pid, since_seconds))
    else:
        first = bisect_left(replay.marks, since_seconds, key=_moment)
        last = bisect_right(replay.marks, now, key=_moment)
        found = list(_recorded(replay.marks[first:last], pid))
    for episode in frame.episodes:
        if episode.pid not in (0, pid):
            continue
        began, over = episode.began.monotonic_seconds, episode.over
        if began >= since_seconds:
            found.append(Event(EventKind.FINDING, began, text=episode.id, severity=episode.severity))
        if over is not None and over.monotonic_seconds >= since_seconds:
            gone = Event(EventKind.FINDING_OVER, over.monotonic_seconds, text=episode.id)
            found.append(gone)
    told = (one for one in found if since_seconds <= one.seconds <= now)
    return tuple(sorted(told, key=lambda one: one.seconds))


def column_marks(frame: Frame, *, columns: int, column_seconds: float, last: int) -> tuple[Mark | None, ...]:
    """Return the marks of `columns` columns of so many seconds, oldest first; `last` is the newest's number.

    Where epochs are too short to be told apart only every second, fifth, tenth ... is marked, and no
    validation nor checkpoint.
    """
    glyph = glyphs(frame.view.ascii)
    training = frame.training
    first = last - columns + 1
    since = first * column_seconds
    seen = [one for one in events_of(frame, since) if first <= column_of(one.seconds, column_seconds) <= last]
    every = _every(seen, columns)
    # YOLOv5 counts its epochs from 0, ultralytics from 1.
    first_epoch = 1 if training is not None and training.training.framework == "ultralytics" else 0
    placed: list[Event | None] = [None] * columns
    for one in _thinned(seen, every):
        at = column_of(one.seconds, column_seconds) - first
        there = placed[at]
        if there is None or _weight(one) >= _weight(there):
            placed[at] = one
    return tuple(None if one is None else _mark(one, glyph, first_epoch) for one in placed)


def legend(ascii_only: bool) -> Row:
    """Return what the marks mean: `│ epoch  ◊ validation ...`."""
    glyph = glyphs(ascii_only)
    pairs = (
        (glyph.epoch, "mark", "epoch"),
        (glyph.validation, "mark", "validation"),
        (glyph.checkpoint, "mark", "checkpoint"),
        (glyph.up, "warn", "finding"),
        (glyph.down, "dim", "finding over"),
        (glyph.ring, "warn", "ended"),
    )
    return tuple(
        span for sign, role, word in pairs for span in (Span(f" {sign} ", role), Span(f"{word} ", "dim"))
    )


def _recorded(marks: Iterable[Recorded], pid: int) -> Iterable[Event]:
    """Yield what the marks of a recording tell of a training but its findings."""
    for mark in marks:
        if mark.id != str(pid):
            continue
        number = _NUMBER.match(mark.text)
        if mark.kind is MarkKind.EPOCH and number is not None:
            yield Event(EventKind.EPOCH, mark.monotonic_seconds, int(number[1]))
        elif mark.kind is MarkKind.PHASE and mark.text in _PHASES:
            yield Event(_PHASES[mark.text], mark.monotonic_seconds)
        elif mark.kind is MarkKind.ENDED:
            yield Event(EventKind.END, mark.monotonic_seconds)


def _moment(mark: Recorded) -> float:
    return mark.monotonic_seconds


def _every(seen: Sequence[Event], columns: int) -> int:
    """Return that each so-manieth epoch has room."""
    epochs = [one.epoch for one in seen if one.kind is EventKind.EPOCH and one.epoch is not None]
    count = epochs[-1] - epochs[0] + 1 if epochs else 0
    room = max(1, columns // _EPOCH_CELLS)
    return next((every for every in _EVERY if count <= every * room), _EVERY[-1])


def _thinned(seen: Sequence[Event], every: int) -> Iterable[Event]:
    """Yield the events without the epochs between, and without what belongs to each epoch."""
    before: int | None = None
    for one in seen:
        if one.kind is EventKind.EPOCH and one.epoch is not None:
            begun = one.epoch // every
            # An epoch that was over between two samples was never seen to begin.
            is_round = one.epoch % every == 0 if before is None else begun > before
            if is_round:
                yield one
            before = begun
        elif every == 1 or one.kind not in (EventKind.VALIDATION, EventKind.CHECKPOINT):
            yield one


def _weight(one: Event) -> tuple[int, int]:
    """Return what tells which of two events in one column is shown: the kind, then the severity."""
    severity = list(Severity).index(one.severity)
    return (-_ORDER[one.kind], severity)


def _mark(one: Event, glyph: Glyphs, first_epoch: int) -> Mark:
    if one.kind is EventKind.FINDING:
        return Mark(glyph.up, _SEVERITY_ROLES[one.severity], is_urgent=one.severity is not Severity.INFO)
    if one.kind is EventKind.EPOCH and one.epoch is not None:
        return Mark(glyph.epoch, "mark", str(one.epoch + first_epoch))
    sign, role = {
        EventKind.FINDING_OVER: (glyph.down, "dim"),
        EventKind.END: (glyph.ring, "warn"),
        EventKind.CHECKPOINT: (glyph.checkpoint, "mark"),
    }.get(one.kind, (glyph.validation, "mark"))
    return Mark(sign, role)
