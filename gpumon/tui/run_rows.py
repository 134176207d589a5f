"""Runs as rows of the screen: each in one row, and one of them in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gpumon.paint.glyphs import ascii_words, glyphs
from gpumon.paint.numbers import duration
from gpumon.paint.row import Row, Span, pad, text_width
from gpumon.recording.runs_run import Run, RunEnd
from gpumon.recording.runs_words import (
    Words,
    followed_text,
    model_text,
    program_text,
    proof_text,
    seen_text,
    setting_text,
    training_text,
    value_text,
)
from gpumon.tui.wrap import wrap

# Below the first only what tells a run; from the second on intervals and times of day, then everything.
_NARROW, _WIDE, _VERY_WIDE = 70, 104, 150
# Below this the interval of the wait goes to the name of the training.
_BOTH_INTERVALS_FROM = 130
_NARROW_COLUMNS = frozenset({"img/s", "wait", "ended"})
_LABEL_CELLS = 10
# Of the mark, of the gap before the training, and of a blank at the end.
_EDGE_CELLS = 5
_LEAST_MODEL_CELLS, _MOST_MODEL_CELLS = 6, 60
_ENDS = {
    RunEnd.FINISHED: ("finished", "good"),
    RunEnd.OPEN: ("running", "info"),
    RunEnd.CRASHED: ("crashed", "danger"),
    RunEnd.OUT_OF_MEMORY: ("OOM", "danger"),
    RunEnd.KILLED: ("killed", "warn"),
    RunEnd.UNKNOWN: ("unknown", "dim"),
}


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A run with its numbers in words, which take a moment to be made; `end_text` says how it ended."""

    run: Run
    speed: Words
    wait: Words
    memory: Words
    end: RunEnd
    end_text: str


class _Look(NamedTuple):
    """How wide a list is, and the moment on its clock."""

    width: int
    now_unix_seconds: float


class _Column(NamedTuple):
    """One column: `cells` of the text, `limits` of the interval after it (0: none), from some width on."""

    name: str
    cells: int
    read: Callable[[SeenRun, _Look], Words]
    limits: int = 0
    is_right: bool = True
    role: str = ""
    gap: int = 2


def run_heading(width: int) -> Row:
    """Return the names of the columns of `run_row`."""
    spans = [Span("  ")]
    for column in _columns(width):
        name = column.name.rjust(column.cells) if column.is_right else column.name.ljust(column.cells)
        spans.append(Span(" " * column.gap + name + " " * column.limits, "dim"))
    return tuple(spans)


def run_row(seen: SeenRun, width: int, now_unix_seconds: float, *, is_marked: bool, is_ascii: bool) -> Row:
    """Return a run in one row of `width` cells, or a little more in a very narrow list."""
    look = _Look(width, now_unix_seconds)
    spans = [Span((glyphs(is_ascii).bullet if is_marked else " ") + " ", "key")]
    for column in _columns(width):
        value, limits = column.read(seen, look)
        role = _ENDS[seen.end][1] if column.name == "ended" else column.role
        spans.append(Span(" " * column.gap + _cell(value, column.cells, column.is_right, is_ascii), role))
        if column.limits:
            text = f" ({limits})" if limits else ""
            spans.append(Span(_cell(text, column.limits, False, is_ascii), "dim"))
    return tuple(spans)


def run_details(seen: SeenRun, width: int, *, is_ascii: bool) -> list[Row]:
    """Return all that is known of a run, in rows of at most `width` cells."""
    run, about = seen.run, seen.run.about
    settings = [
        # Tied: a name without its value says nothing.
        f"{setting.name}\N{NO-BREAK SPACE}{value_text(setting.value).rsplit('/', 1)[-1]}"
        for setting in about.settings
        if setting.value != ""
    ]
    machine = [about.hostname, *about.gpus]
    if about.usable_cores is not None:
        machine.append(f"{about.usable_cores:g} cores")
    version = f", version {about.framework_version}" if about.framework_version else ""
    numbers = [f"{seen.speed.joined()} images/s", f"wait for data {seen.wait.joined()}"]
    numbers.append(f"GPU memory {seen.memory.joined()}")
    word = "running" if seen.end is RunEnd.OPEN else seen.end.value.replace("-", " ")
    facts = [
        ("training", training_text(run) + version),
        ("seen", f"{seen_text(run)}, followed {followed_text(run)}"),
        ("machine", ", ".join(machine)),
        ("measured", "; ".join(numbers)),
        (
            "now" if seen.end is RunEnd.OPEN else "ended",
            seen.end_text if word in seen.end_text else f"{word}: {seen.end_text}",
        ),
        ("settings", ", ".join(settings)),
    ]
    if run.proof is not None:
        facts.append(("brought", proof_text(run.proof)))
    rows: list[Row] = []
    for label, text in facts:
        rows += labelled(label, ascii_words(text) if is_ascii else text, width, _LABEL_CELLS)
    return rows


def labelled(label: str, text: str, width: int, margin: int, role: str = "") -> list[Row]:
    """Return a text in as many rows as it needs, its label in a margin of that many cells."""
    head, *rest = wrap(text, max(16, width - margin), role)
    return [(Span(label.ljust(margin), "dim"), *head), *((Span(" " * margin), *row) for row in rest)]


def _columns(width: int) -> Sequence[_Column]:
    """Return the columns for a list of that width; that of the training takes what the others leave."""
    is_wide, is_very_wide = width >= _WIDE, width >= _VERY_WIDE
    limits, gap = (13, 2) if is_wide else (0, 1)
    before = (
        _Column("run", 4, lambda seen, _: Words(str(seen.run.id)), role="dim", gap=0),
        _Column("when", 12 if is_wide else 6, _when, is_right=False, role="dim"),
    )
    after = [
        _Column("batch", 5, lambda seen, _: Words(setting_text(seen.run, "batch_size"))),
        _Column(
            "workers" if is_wide else "work",
            7 if is_wide else 4,
            lambda seen, _: Words(setting_text(seen.run, "workers")),
            gap=gap,
        ),
        _Column("img/s", 6, lambda seen, _: seen.speed, limits, role="value", gap=gap),
        _Column(
            "wait", 5, lambda seen, _: seen.wait, limits if width >= _BOTH_INTERVALS_FROM else 0, gap=gap
        ),
        _Column("peak", 9, _peak, 20 if is_very_wide else 0, gap=1),
        _Column("ended", 8, lambda seen, _: Words(_ENDS[seen.end][0]), is_right=False),
    ]
    if width < _NARROW:
        after = [column for column in after if column.name in _NARROW_COLUMNS]
    if is_very_wide:
        after.append(_Column("followed", 8, lambda seen, _: Words(duration(seen.run.seen_seconds))))
    used = sum(column.gap + column.cells + column.limits for column in (*before, *after))
    room = min(_MOST_MODEL_CELLS, max(_LEAST_MODEL_CELLS, width - used - _EDGE_CELLS))
    return (*before, _Column("training", room, _training, is_right=False), *after)


def _cell(text: str, cells: int, is_right: bool, is_ascii: bool) -> str:
    shown = ascii_words(text.replace("≥", ">")) if is_ascii else text
    if is_right:
        shown = " " * (cells - text_width(shown)) + shown
    ellipsis = glyphs(is_ascii).ellipsis
    # What a name was cut to may end where the column does: one mark is enough.
    return pad(pad(shown, cells, ellipsis).replace(ellipsis * 2, ellipsis), cells, ellipsis)


def _when(seen: SeenRun, look: _Look) -> Words:
    """Return the day, and today the time; in a wide list both, of other years the day with its year."""
    moment, now = (
        datetime.fromtimestamp(seconds).astimezone()
        for seconds in (seen.run.first_seen_unix_seconds, look.now_unix_seconds)
    )
    is_wide = look.width >= _WIDE
    if moment.year != now.year:
        return Words(moment.strftime("%d %b %Y" if is_wide else "%b %y"))
    if is_wide:
        return Words(moment.strftime("%d %b %H:%M"))
    return Words(moment.strftime("%H:%M" if moment.date() == now.date() else "%d %b"))


def _training(seen: SeenRun, look: _Look) -> Words:
    if look.width >= _VERY_WIDE:
        return Words(training_text(seen.run))
    model = model_text(seen.run)
    if not model:
        return Words(program_text(seen.run))
    return Words(f"SIM {model}" if seen.run.about.simulated else model)


def _peak(seen: SeenRun, _: _Look) -> Words:
    # A peak that may still rise has a sign in front, for which there is no blank.
    return Words(seen.memory.value.replace("≥ ", "≥"), seen.memory.limits)
