"""Text in as many rows as it needs."""

from __future__ import annotations

import re

from gpumon.paint.row import Row, Span, character_width, text_width

_TIE = "\N{NO-BREAK SPACE}"
# str.split() would break at a no-break space too.
_WORDS = re.compile(r"[^ \t\n\r\f\v]+")

# Of a cell, with what stands above and below it; of more a row takes another one.
_MOST_CHARACTERS = 4


def wrap(text: str, width: int, role: str = "", indent: str = "") -> list[Row]:
    """Return `text` in rows of at most `width` cells, broken at blanks; all rows begin with `indent`.

    What a no-break space ties together stays in one row, where it is shown as a blank.
    """
    room = max(1, width - text_width(indent))
    rows: list[Row] = []
    line = ""
    for word in _WORDS.findall(text):
        for piece in _pieces(word.replace(_TIE, " "), room):
            joined = f"{line} {piece}" if line else piece
            if text_width(joined) <= room:
                line = joined
            else:
                rows.append(_row(indent, line, role))
                line = piece
    if line or not rows:
        rows.append(_row(indent, line, role))
    return rows


def wrap_exactly(text: str, width: int, role: str = "", indent: str = "") -> list[Row]:
    """Return `text` in rows of at most `width` cells and nothing left out, blanks too: for commands.

    A row ends behind a blank where there is one in its second half, else behind a slash there, else anywhere.
    """
    room = max(1, width - text_width(indent))
    rows: list[Row] = []
    rest = text
    while rest:
        # No more than a row can need is looked at: 10 kB of arguments are a command, too.
        piece = _pieces(rest[: room * _MOST_CHARACTERS], room)[0]
        if len(piece) < len(rest) and not rest.startswith(" ", len(piece)):
            ends = (piece.rfind(" ") + 1, piece.rfind("/") + 1)
            piece = piece[: next((end for end in ends if 2 * end > len(piece)), None)]
        rows.append(_row(indent, piece, role))
        rest = rest[len(piece) :]
    return rows or [_row(indent, "", role)]


def _row(indent: str, line: str, role: str) -> Row:
    return (Span(indent), Span(line, role)) if indent else (Span(line, role),)


def _pieces(word: str, room: int) -> list[str]:
    if text_width(word) <= room:
        return [word] if word else []
    pieces: list[str] = []
    piece, used = "", 0
    for character in word:
        width = character_width(character)
        if used + width > room and piece:
            pieces.append(piece)
            piece, used = "", 0
        piece += character
        used += width
    pieces.append(piece)
    return pieces
