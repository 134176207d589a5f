"""A row of the screen: pieces of text, each with the role that gives it its look."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias


class Span(NamedTuple):
    """Text with one look. `role` is a name that the front end turns into a style; "" is plain."""

    text: str
    role: str = ""


Row: TypeAlias = tuple[Span, ...]
_ROLE = itemgetter(1)

# Blocks and braille stand in the Unicode ranges that every terminal draws one cell wide.
_WIDE = frozenset({"W", "F"})
_NO_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc"})

# Latin, punctuation, arrows, boxes, blocks and braille: what gpumon itself draws with. One match is some
# thirty times faster than asking for the width of each character.
_ONE_CELL_EACH = re.compile(
    r"[ -~\u00a0-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u22ff\u2500-\u25fc\u2800-\u28ff]*"
).fullmatch


def character_width(character: str) -> int:
    """Return how many cells a character takes: 0, 1 or 2 (Unicode 11, East Asian width)."""
    if character < "\u0300":
        return 0 if character < " " or "\x7f" <= character < "\xa0" else 1
    if unicodedata.east_asian_width(character) in _WIDE:
        return 2
    return 0 if unicodedata.category(character) in _NO_WIDTH else 1


def text_width(text: str) -> int:
    """Return how many cells a text takes."""
    if text.isascii() or _ONE_CELL_EACH(text):
        return len(text)
    return sum(map(character_width, text))


def is_one_cell_each(text: str) -> bool:
    """Tell whether every character of a text takes one cell, so that its columns are its characters."""
    if not text.isprintable():
        return False
    if text.isascii() or _ONE_CELL_EACH(text):
        return True
    return all(character_width(character) == 1 for character in text)


def row_width(row: Iterable[Span]) -> int:
    """Return how many cells a row takes."""
    return text_width("".join([text for text, _ in row]))


def row_text(row: Iterable[Span]) -> str:
    """Return a row's text without its roles."""
    return "".join([text for text, _ in row])


def clip(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text` in at most `width` cells; where it is cut it ends with `ellipsis`."""
    if text_width(text) <= width:
        return text
    room = width - len(ellipsis)
    if room < 0:
        return ellipsis[:width] if width > 0 else ""
    return _head(text, room) + ellipsis


def clip_at_blank(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text` in at most `width` cells, cut behind a whole word where its second half has a blank."""
    if text_width(text) <= width:
        return text
    head = clip(text, width - len(ellipsis) - 1, "")
    words = head if text.startswith(" ", len(head)) else head[: head.rfind(" ") + 1].rstrip(" ")
    if 2 * text_width(words) <= width:
        return clip(text, width, ellipsis)
    return f"{words} {ellipsis}"


def clip_path(text: str, width: int, ellipsis: str = "…") -> str:
    """Return the end of a path in at most `width` cells, from a slash on where one leaves it half of that."""
    if text_width(text) <= width:
        return text
    end = clip_left(text, width, ellipsis)
    slash = end.find("/")
    return ellipsis + end[slash:] if slash >= 0 and 2 * text_width(end[slash:]) >= width else end


def clip_left(text: str, width: int, ellipsis: str = "…") -> str:
    """Return the end of `text` in at most `width` cells; where it is cut it starts with `ellipsis`."""
    if text_width(text) <= width:
        return text
    room = width - len(ellipsis)
    if room < 0:
        return ellipsis[:width] if width > 0 else ""
    return ellipsis + _head(text[::-1], room)[::-1]


def pad(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text` in exactly `width` cells: cut with `ellipsis`, or filled with spaces."""
    cut = clip(text, width, ellipsis)
    return cut + " " * (width - text_width(cut))


def fit(row: Sequence[Span], width: int, role: str = "", ellipsis: str = "") -> Row:
    """Return `row` in exactly `width` cells: cut (with `ellipsis`), or filled with blanks of `role`."""
    used = row_width(row)
    if used == width:
        return tuple(row)
    if used < width:
        return (*row, Span(" " * (width - used), role))
    room = max(0, width - len(ellipsis))
    kept: list[Span] = []
    last_role = role
    for span in row:
        if room <= 0:
            break
        text = _head(span.text, room)
        room -= text_width(text)
        kept.append(Span(text, span.role))
        last_role = span.role
        if text != span.text:
            break
    kept.append(Span(" " * room + ellipsis[:width], last_role))
    return tuple(span for span in kept if span.text)


def spread(left: Sequence[Span], right: Sequence[Span], width: int, ellipsis: str = "") -> Row:
    """Return `left` and `right` at the two ends of `width` cells; `right` is dropped where it has no room."""
    needed = row_width(right)
    if not needed or row_width(left) + needed + 1 > width:
        return fit(left, width, ellipsis=ellipsis)
    return (*fit(left, width - needed), *right)


def runs(cells: Iterable[tuple[str, str]]) -> Row:
    """Return a row of (character, role) cells, neighbours of one role joined to one span."""
    return tuple(
        Span("".join([character for character, _ in group]), role) for role, group in groupby(cells, _ROLE)
    )


def _head(text: str, width: int) -> str:
    """Return the longest beginning of `text` that takes at most `width` cells."""
    if text.isascii() or _ONE_CELL_EACH(text):
        return text[:width]
    used = 0
    for index, character in enumerate(text):
        used += character_width(character)
        if used > width:
            return text[:index]
    return text
