"""The names in a table of keys: those of attributes and variables, each with where it stands."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from gpumon.remote_python.gather import gather
from gpumon.remote_python.mapping import Keys
from gpumon.remote_python.memory import MemoryGone, TornRead
from gpumon.remote_python.reader import MOST_LARGE_CACHED, Reader, keep
from gpumon.remote_python.text import LONGEST_NAME, decode_text
from gpumon.remote_python.type_object import HEAD_BYTES, type_of

# For so long a name is taken by the address of its string, which is compared at each look at a table. Chosen.
SECONDS_TRUSTED = 10.0


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one table: the addresses of their strings in order (0 where one was deleted).

    A text is "" for what is no string, and None for what could not be read.
    """

    pointers: tuple[int, ...]
    texts: tuple[str | None, ...]
    indexes: Mapping[str, int]
    trusted_until: float

    @property
    def is_whole(self) -> bool:
        """Whether all strings could be read."""
        return None not in self.texts


def names_of(reader: Reader, keys: Keys, words: tuple[int, ...]) -> Mapping[str, int]:
    """Return where in a table of keys each name stands; `words` are its entries as they are now.

    A table holds its strings, so the same address at the same place is the same name while the table lives.
    A table that was freed may be followed by another one at its address: then an address is another one, or
    the string there is used by both, as those in the code of a program are. What is left is a string that was
    freed with its table, and whose memory another string got that came to the same place of a table that lies
    there now. So characters are compared again after SECONDS_TRUSTED: for so long a wrong name may last.
    Strings that could not be read are tried again each time. Raises TornRead if the table changes meanwhile.
    """
    pointers = words[keys.key_place :: keys.entry_words]
    known, now = reader.names.get(keys.address), reader.seconds()
    if known is not None and now >= known.trusted_until:
        known = None
    if known is not None and known.pointers == pointers and known.is_whole:
        return known.indexes
    read: dict[int, str] = {}
    if known is not None:
        pairs = zip(known.pointers, known.texts, strict=True)
        read = {pointer: text for pointer, text in pairs if text is not None}
    _read_names(reader, [one for one in dict.fromkeys(pointers) if one and one not in read], read)
    if reader.words(keys.entries, len(words))[keys.key_place :: keys.entry_words] != pointers:
        raise TornRead
    texts = tuple([read.get(pointer) if pointer else "" for pointer in pointers])
    indexes: dict[str, int] = {}
    for index, text in enumerate(texts):
        if text:
            indexes.setdefault(text, index)
    until = now + SECONDS_TRUSTED if known is None else known.trusted_until
    keep(reader.names, keys.address, Names(pointers, texts, indexes, until), MOST_LARGE_CACHED)
    return indexes


def _read_names(reader: Reader, pointers: list[int], read: dict[int, str]) -> None:
    """Add the strings at these addresses to `read`, "" for other objects, nothing for what is neither."""
    for pointer, head in zip(pointers, _heads(reader, pointers), strict=True):
        # One of them must not hide the others.
        with contextlib.suppress(TornRead):
            is_text = type_of(reader, pointer, head).kind == "str"
            read[pointer] = decode_text(reader, pointer, head, LONGEST_NAME)[0] if is_text else ""


def _heads(reader: Reader, pointers: list[int]) -> list[bytes]:
    """Return the first bytes of these objects, none where nothing is mapped. Raises MemoryGone."""
    try:
        return gather(reader.memory, [(pointer, HEAD_BYTES) for pointer in pointers])
    except MemoryGone:
        raise
    except TornRead:
        return [_head(reader, pointer) for pointer in pointers]


def _head(reader: Reader, pointer: int) -> bytes:
    try:
        return reader.memory.read_up_to(pointer, HEAD_BYTES)
    except MemoryGone:
        raise
    except TornRead:
        return b""
