"""Where an object was found, so that it can be seen later whether it is still there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gpumon.remote_python.gather import gather
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.reader import Reader

# (address, word) each: the pointer to the object first, then what makes its place the place it is, such as
# the pointer from a list to its items. While all words are the same the object is still there.
Place = tuple[tuple[int, int], ...]


class Holder(Protocol):
    """What holds an object: a frame, or another object."""

    def confirm(self) -> None:
        """Raise TornRead unless it can still be trusted to hold anything."""


def confirm_place(reader: Reader, place: Place) -> None:
    """Raise TornRead if a word of the place has changed."""
    confirm_places(reader, (place,))


def confirm_places(reader: Reader, places: Iterable[Place]) -> None:
    """Raise TornRead if a word of one of the places has changed."""
    words = dict.fromkeys(word for place in places for word in place)
    found = gather(reader.memory, [(address, 8) for address, _word in words])
    for data, (_address, word) in zip(found, words, strict=True):
        if data != word.to_bytes(8, "little"):
            raise TornRead
