"""Two runs side by side, in rows of the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from gpumon.history.stats import Interval
from gpumon.model.measure import Maybe, Missing
from gpumon.paint.glyphs import ascii_words
from gpumon.paint.row import Row, Span, clip_path, pad, row_width
from gpumon.recording.runs_compare import Comparison, Difference, Kind, Verdict
from gpumon.recording.runs_run import Run
from gpumon.recording.runs_words import (
    Words,
    bytes_words,
    difference_words,
    end_text,
    factor_words,
    followed_text,
    memory_words,
    model_text,
    points_words,
    predicted_words,
    program_text,
    proof_text,
    seen_text,
    speed_words,
    wait_words,
)
from gpumon.tui.run_rows import labelled
from gpumon.tui.widgets.finding_words import units_tied
from gpumon.tui.wrap import wrap

_LABEL_CELLS = 15
_GAP = 2
# Of what changed: `-480 to +480 MiB`.
_CHANGE_CELLS = 18
_MOST_CELLS = 56
_MOST_TEXT_CELLS = 110
_VERDICTS = {Verdict.FASTER: "suggestion", Verdict.SLOWER: "warn"}


class _Line(NamedTuple):
    """One thing that both runs have, and what changed in it."""

    label: str
    both: tuple[Words, Words]
    change: Words = Words("")
    role: str = ""
    change_role: str = ""


def comparison_rows(comparison: Comparison, boot: str, width: int, *, is_ascii: bool) -> list[Row]:
    """Return the table, what can be said of it, and what is to be minded; `boot` is this one."""
    cells = min(_MOST_CELLS, max(8, (width - _LABEL_CELLS - _CHANGE_CELLS) // 2 - _GAP))
    room = min(width, _MOST_TEXT_CELLS)

    def told(text: str) -> str:
        return ascii_words(text) if is_ascii else text

    rows = [*wrap(told(comparison.text), room, _verdict_role(comparison) or "value"), ()]
    names = _both(comparison, lambda run: Words(f"run {run.id}"))
    rows += _table([_Line("", names, Words("change"), "title", "title")], cells)
    rows += _table(_lines(comparison, boot, is_ascii=is_ascii), cells)
    notes: list[Row] = []
    if comparison.proof is not None and predicted_words(comparison):
        notes += labelled("brought", told(proof_text(comparison.proof)), room, _LABEL_CELLS)
    changes = (("wait for data", comparison.wait_change), ("GPU memory", comparison.memory_change_bytes))
    for name, change in changes:
        if isinstance(change, Missing):
            notes += labelled(name, told(change.reason), room, _LABEL_CELLS)
    for number, warning in enumerate(comparison.warnings):
        notes += labelled("" if number else "mind", told(warning), room, _LABEL_CELLS)
    others = [_difference(each) for each in comparison.differences if each.kind is not Kind.SETTING]
    if others:
        notes += [(), (Span("also different", "title"),), *_table(_plain(others, is_ascii=is_ascii), cells)]
    return [*rows, (), *notes] if notes else rows


def _lines(comparison: Comparison, boot: str, *, is_ascii: bool) -> list[_Line]:
    speedup, wait, memory = comparison.speedup, comparison.wait_change, comparison.memory_change_bytes
    faster = _verdict_role(comparison)
    lines = [
        _Line("training", _both(comparison, lambda run: Words(model_text(run) or program_text(run)))),
        _Line("seen", _both(comparison, lambda run: Words(seen_text(run)))),
        *(_difference(each) for each in comparison.differences if each.kind is Kind.SETTING),
        *_measured(
            comparison,
            _Line("images/s", _both(comparison, speed_words), factor_words(speedup), "value", faster),
            _Line("wait for data", _both(comparison, wait_words), points_words(wait), "value", _less(wait)),
            _Line("GPU memory", _both(comparison, memory_words), bytes_words(memory), "value"),
        ),
        _Line("followed", _both(comparison, lambda run: Words(followed_text(run)))),
        _Line("ended", _both(comparison, lambda run: Words(end_text(run, boot)))),
    ]
    return _plain(lines, is_ascii=is_ascii)


def _measured(comparison: Comparison, *lines: _Line) -> list[_Line]:
    """Return what was measured, each with what was predicted of the second run below it."""
    predicted = dict(predicted_words(comparison))
    found: list[_Line] = []
    for line in lines:
        found.append(line)
        if line.label in predicted:
            found.append(_Line("  predicted", (Words(""), predicted[line.label]), role="dim"))
    return found


def _verdict_role(comparison: Comparison) -> str:
    """Return the role of what is said of the speeds: plain where not only settings make the difference."""
    is_fair = all(each.kind in (Kind.SETTING, Kind.PLACE) for each in comparison.differences)
    return _VERDICTS.get(comparison.verdict, "") if is_fair else ""


def _both(comparison: Comparison, read: Callable[[Run], Words]) -> tuple[Words, Words]:
    return read(comparison.one), read(comparison.other)


def _difference(each: Difference) -> _Line:
    one, other = difference_words(each)
    return _Line(each.name, (Words(one), Words(other)), role="key")


def _less(change: Maybe[Interval]) -> str:
    """Return the role of a change where less is better: plain where it may be none."""
    if isinstance(change, Missing) or change.low <= 0.0 <= change.high:
        return ""
    return "suggestion" if change.high < 0.0 else "warn"


def _plain(lines: Sequence[_Line], *, is_ascii: bool) -> list[_Line]:
    if not is_ascii:
        return list(lines)

    def plain(words: Words) -> Words:
        return Words(ascii_words(words.value), ascii_words(words.limits))

    return [
        line._replace(both=(plain(line.both[0]), plain(line.both[1])), change=plain(line.change))
        for line in lines
    ]


def _table(lines: Sequence[_Line], cells: int) -> list[Row]:
    """Return each line in as many rows as its longest cell needs: values first, limits below."""
    rows: list[Row] = []
    for line in lines:
        columns = [_cell(words, cells, line.role) for words in line.both]
        columns.append(_cell(line.change, _CHANGE_CELLS, line.change_role))
        label = Span(pad(line.label, _LABEL_CELLS), "dim")
        for parts in zip_longest(*columns, fillvalue=()):
            row: Row = (label,)
            *both, change = parts
            for part in both:
                row = (*row, *part, Span(" " * (cells + _GAP - row_width(part))))
            row = (*row, *change)
            rows.append(row)
            label = Span(" " * _LABEL_CELLS)
    return rows


def _cell(words: Words, cells: int, role: str) -> list[Row]:
    if not words.value:
        return []
    # Of a word that is too long, as a path, the end tells more.
    shown = " ".join(clip_path(word, cells) for word in words.value.split())
    rows = wrap(units_tied(shown), cells, role)
    if not words.limits:
        return rows
    # In a row of their own limits have their unit, which in one row with the value is that of both.
    unit = " %" if words.value.endswith(" %") else ""
    return [*rows, *wrap(units_tied(words.limits + unit), cells, "dim")]
