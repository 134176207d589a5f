"""Sections of facts as rows: in one column, or in two beside each other where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.row import Row, Span, fit, pad, text_width
from gpumon.tui import training_facts
from gpumon.tui.facts import Fact, Section
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.worker_rows import worker_rows
from gpumon.tui.wrap import wrap, wrap_exactly

_NAME_MARGIN_CELLS = 4
_NARROW_VALUE_CELLS = 13
_NARROW_BELOW_WIDTH = 90
_CERTAINTY_CELLS = 11
_LEAST_SOURCE_CELLS = 16
# A wider list has two columns.
ONE_COLUMN_CELLS = 159
_GAP_CELLS = 3
# So many that are missing for one reason are told of together.
_LEAST_JOINED = 4


class Columns(NamedTuple):
    """How many cells the name of a fact takes with what is beside it, and how many its value."""

    name: int
    value: int


_WIDE = Columns(24, 18)


def source_rows(frame: Frame, width: int) -> list[Row]:
    """Return every number of the training with its certainty and source, or why there are none."""
    reading = frame.training
    if reading is None:
        return wrap(frame.report.attachment.text or "no training is attached", width, "dim")
    two = width > ONE_COLUMN_CELLS
    cells = (width - _GAP_CELLS) // 2 if two else width
    glyph = glyphs(frame.view.ascii)
    first = (
        training_facts.disagreements(reading),
        training_facts.rates(reading, frame),
        training_facts.progress(reading),
        training_facts.tiers(reading, frame),
        training_facts.losses(reading),
    )
    second = (
        training_facts.loader(reading, frame),
        training_facts.gpus(reading, frame),
        training_facts.settings(reading),
    )
    left = section_rows(first, cells, glyph)
    workers = [(Span("workers, last 10 s", "title"),), *worker_rows(frame, cells)]
    right = [
        *section_rows(second[:1], cells, glyph),
        (),
        *workers,
        (),
        *section_rows(second[1:], cells, glyph),
    ]
    if reading.ended is not None:
        over = (Span("the training has ended: these are its last numbers", "warn"),)
        left = [over, (), *left]
    if not two:
        return [*left, (), *right]
    gap = Span(" " * _GAP_CELLS)
    return [(*fit(row, cells), gap, *other) for row, other in zip_longest(left, right, fillvalue=())]


def section_rows(sections: Sequence[Section], width: int, glyph: Glyphs) -> list[Row]:
    """Return sections below each other, a blank row between them."""
    rows: list[Row] = []
    joined = [(section.title, _joined(section.facts)) for section in sections]
    columns = _columns([fact for _, facts in joined for fact in facts], width)
    for title, facts in joined:
        if rows:
            rows.append(())
        rows.append((Span(title, "title"),))
        for fact in facts:
            rows += fact_rows(fact, width, glyph, columns)
    return rows


def _columns(facts: Sequence[Fact], width: int) -> Columns:
    """Return the widest columns; in a narrow list none wider than it must be, as sources are long."""
    if width >= _NARROW_BELOW_WIDTH:
        return _WIDE
    longest = max((text_width(fact.name) for fact in facts), default=0)
    # Of two widths, so that no number that grows moves what stands beside it.
    lengths = [text_width(fact.value) for fact in facts if not fact.is_missing]
    is_short = not any(_NARROW_VALUE_CELLS - 2 < length < _WIDE.value - 1 for length in lengths)
    value = _NARROW_VALUE_CELLS if is_short else _WIDE.value
    return Columns(min(_WIDE.name, longest + _NAME_MARGIN_CELLS), value)


def _joined(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts, those of them that are missing for one reason as one, where the first of them stood."""
    alike: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.is_missing:
            alike.setdefault(fact.source, []).append(fact)
    joined: list[Fact] = []
    for fact in facts:
        those = alike.get(fact.source, []) if fact.is_missing else []
        if len(those) < _LEAST_JOINED:
            joined.append(fact)
        elif fact is those[0]:
            names = ", ".join(one.name for one in those)
            joined.append(replace(fact, name=f"{len(those)} measures", source=f"{fact.source}: {names}"))
    return joined


def fact_rows(fact: Fact, width: int, glyph: Glyphs, columns: Columns = _WIDE) -> list[Row]:
    """Return one fact: name, value, certainty, and its source in as many rows as that needs.

    A reason takes the room of value and certainty too. Where even that is narrow, sources go below.
    """
    if not fact.name:
        return wrap(fact.value, width, fact.role, "  ")
    name = Span(f"  {pad(fact.name, columns.name - _NAME_MARGIN_CELLS, glyph.ellipsis)}  ", "dim")
    if fact.is_missing:
        text = f"{glyph.dash} missing: {fact.source}"
        return _beside((name,), text, width, "")
    if text_width(fact.value) >= columns.value - 1:
        # A path, or settings as long: whole, and its source below it.
        first, *others = wrap_exactly(fact.value, width - columns.name, fact.role)
        others += wrap(fact.source, width - columns.name, "dim") if fact.source else ()
        return [(name, *first), *((Span(" " * columns.name), *row) for row in others)]
    value = fact.value + " " * (columns.value - text_width(fact.value))
    head = (name, Span(value, fact.role), Span(fact.certainty.ljust(_CERTAINTY_CELLS)))
    return _beside(head, fact.source, width, "dim")


def _beside(head: Row, text: str, width: int, role: str) -> list[Row]:
    at = sum(text_width(span.text) for span in head)
    if width - at < _LEAST_SOURCE_CELLS:
        return [head, *(wrap(text, width, role, "    ") if text else ())]
    first, *others = wrap(text, width - at, role)
    # What goes on stands below its beginning.
    return [(*head, *first), *((Span(" " * at), *row) for row in others)]
