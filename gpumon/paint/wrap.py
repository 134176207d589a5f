"""Rows broken at blanks to fit a width."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpumon.paint.row import Row, Span, fit, row_width

_PIECES = re.compile(r" +|[^ ]+").findall


def wrap(row: Sequence[Span], width: int, *, indent: int = 0) -> list[Row]:
    """Return `row` as rows of at most `width` cells, all but the first indented.

    Rows break at blanks only, so a number and what is tied to it by a no-break space stay together; a
    word longer than a row is cut with an ellipsis.
    """
    if width <= 0:
        return []
    indent = min(indent, width // 2)
    rows: list[Row] = []
    line: list[Span] = []
    used = 0
    empty = True
    for word in _words(row):
        size = row_width(word)
        if word[0].text[0] == " ":
            if not empty or not rows:
                line += word
                used += size
            continue
        if used + size > width and not empty:
            rows.append(_stripped(line))
            line, used = [Span(" " * indent)], indent
        room = width - used
        shown = word if size <= room else fit(word, room, ellipsis="…")
        line += [Span(part.text.replace("\N{NO-BREAK SPACE}", " "), part.role) for part in shown]
        used += min(size, room)
        empty = False
    if any(part.text.strip() for part in line):
        rows.append(_stripped(line))
    return rows


def _words(row: Sequence[Span]) -> list[list[Span]]:
    """Return the words of a row and the blanks between them, in order; a word may be of several roles."""
    found: list[list[Span]] = []
    for span in row:
        for text in _PIECES(span.text):
            if found and (found[-1][-1].text[-1] == " ") == (text[0] == " "):
                found[-1].append(Span(text, span.role))
            else:
                found.append([Span(text, span.role)])
    return found


def _stripped(line: list[Span]) -> Row:
    """Return a row without the blanks at its end."""
    kept = list(line)
    while kept and not kept[-1].text.strip(" "):
        kept.pop()
    return tuple(kept)
