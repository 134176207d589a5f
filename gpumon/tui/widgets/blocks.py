"""Blocks of words below each other: how each is broken to a width, and which rows each of them gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gpumon.paint.glyphs import ascii_words, glyphs
from gpumon.paint.row import Row, Span, fit, row_width
from gpumon.paint.wrap import wrap

_INDENT = 2
_TIE = "\N{NO-BREAK SPACE}"


class Block(NamedTuple):
    """Something to say, with its indent; cut rather than broken where it has one line at most.

    `opens` is what a click on it leads to: the id of a finding, or a place; empty: nothing. `need` is how
    much it has to be told, be it in one row: the lowest first, 0 for what may wait. `shorter` are other words
    for it, for a row in which it has no room.
    """

    row: Row
    indent: int
    is_one_line: bool = False
    opens: str = ""
    need: int = 0
    shorter: tuple[Row, ...] = ()


def broken(block: Block, width: int, *, ascii_only: bool) -> list[Row]:
    """Return a block in as many rows as it may take."""
    room = width - block.indent
    row = _words(block.row, ascii_only=ascii_only)
    if not block.is_one_line:
        return wrap(row, room, indent=_INDENT)
    for words in (block.row, *block.shorter):
        row = tuple(
            Span(span.text.replace(_TIE, " "), span.role) for span in _words(words, ascii_only=ascii_only)
        )
        if row_width(row) <= room:
            return [row]
    return [fit(row, room, ellipsis=glyphs(ascii_only).ellipsis)]


def rows_given(blocks: Sequence[Block], wanted: Sequence[int], height: int) -> list[int]:
    """Return how many rows of `height` each block gets, of those that it wants.

    First all that has to be told gets a row, then the rows that it wants, from above; what is left is for the
    others, whole or not at all, down to the first that has no room.
    """
    given = [0] * len(blocks)
    # What comes first is told in any case.
    needed = [at for at, block in enumerate(blocks) if block.need or at == 0]
    for at in sorted(needed, key=lambda at: blocks[at].need if at else 0)[:height]:
        given[at] = min(1, wanted[at])
    left = height - sum(given)
    for at in needed:
        more = min(left, wanted[at] - given[at]) if given[at] else 0
        given[at] += more
        left -= more
    for at in range(len(blocks)):
        if at in needed:
            continue
        if wanted[at] > left:
            break
        given[at] = wanted[at]
        left -= wanted[at]
    return given


def cut(rows: Sequence[Row], count: int, width: int, ellipsis: str) -> list[Row]:
    """Return the first `count` rows of a block, with a mark where that is not all."""
    if count >= len(rows) or not count:
        return list(rows[:count])
    last: Row = (*rows[count - 1], Span(f" {ellipsis}", "dim"))
    if row_width(last) > width:
        last = fit(rows[count - 1], width - 1, ellipsis=ellipsis)
    return [*rows[: count - 1], last]


def _words(row: Row, *, ascii_only: bool) -> Row:
    if not ascii_only:
        return row
    # What is tied together stays so: only the breaking into rows makes a blank of a no-break space.
    return tuple(
        Span(_TIE.join(ascii_words(part) for part in span.text.split(_TIE)), span.role) for span in row
    )
