"""What a filter leaves of a list: the text that is looked for, and the rows that hold it."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.paint.row import Row, row_text

# A row that begins further right than this goes on with the row above it.
_MOST_INDENT = 2


def holds(text: str, wanted: str) -> bool:
    """Tell whether a text holds every word of `wanted`, whichever way they are written."""
    lower = text.lower()
    return all(word in lower for word in wanted.lower().split())


def rows_that_hold(rows: Sequence[Row], wanted: str) -> list[Row]:
    """Return the paragraphs of a text that hold all words, each below the title of its section.

    A paragraph is a row with the rows below it that are indented further; a title is a row of that role.
    A section whose title holds the words stays whole.
    """
    kept: list[Row] = []
    title: Row = ()
    is_whole = False
    for paragraph in _paragraphs(rows):
        first = paragraph[0]
        if _is_title(first):
            title, is_whole = first, holds(row_text(first), wanted)
            if is_whole:
                kept += paragraph
        elif is_whole or (row_text(first).strip() and holds(_text(paragraph), wanted)):
            if title and not is_whole:
                kept += [(), title] if kept else [title]
                title = ()
            kept += paragraph
    return kept


def _paragraphs(rows: Sequence[Row]) -> list[list[Row]]:
    found: list[list[Row]] = []
    for row in rows:
        text = row_text(row)
        indent = len(text) - len(text.lstrip())
        if found and text.strip() and indent > _MOST_INDENT and row_text(found[-1][0]).strip():
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _is_title(row: Row) -> bool:
    return bool(row) and row[0].role == "title"


def _text(paragraph: Sequence[Row]) -> str:
    return " ".join(row_text(row).strip() for row in paragraph)
