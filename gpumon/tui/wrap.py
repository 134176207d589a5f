"""Text in as many rows as it needs."""

from __future__ import annotations

from gpumon.paint.row import Row, Span, character_width, text_width


def wrap(text: str, width: int, role: str = "", indent: str = "") -> list[Row]:
    """Return `text` in rows of at most `width` cells, broken at blanks; all rows begin with `indent`."""
    room = max(1, width - text_width(indent))
    rows: list[Row] = []
    line = ""
    for word in text.split():
        for piece in _pieces(word, room):
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
    """Return `text` in rows of at most `width` cells, cut anywhere and nothing left out: for commands."""
    room = max(1, width - text_width(indent))
    return [_row(indent, piece, role) for piece in _pieces(text, room)] or [_row(indent, "", role)]


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
