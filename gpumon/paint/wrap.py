"""Rows broken at blanks to fit a width."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.paint.row import Row, Span, clip, text_width


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
    for span in row:
        for word in _words(span.text):
            size = text_width(word)
            if word.isspace():
                if not empty or not rows:
                    line.append(Span(word, span.role))
                    used += size
                continue
            if used + size > width and not empty:
                rows.append(_stripped(line))
                line, used = [Span(" " * indent)], indent
            text = clip(word.replace("\N{NO-BREAK SPACE}", " "), width - used)
            line.append(Span(text, span.role))
            used += text_width(text)
            empty = False
        # A break may leave only the indent; the next word then starts the row.
        empty = empty and not any(part.text.strip() for part in line)
    if any(part.text.strip() for part in line):
        rows.append(_stripped(line))
    return rows


def _words(text: str) -> list[str]:
    """Return the words of a text and the blanks between them, in order."""
    found: list[str] = []
    for character in text:
        if found and (found[-1][-1] == " ") == (character == " "):
            found[-1] += character
        else:
            found.append(character)
    return found


def _stripped(line: list[Span]) -> Row:
    """Return a row without the blanks at its end."""
    kept = list(line)
    while kept and not kept[-1].text.strip(" "):
        kept.pop()
    return tuple(kept)
