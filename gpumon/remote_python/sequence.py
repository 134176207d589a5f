"""What lists, tuples and deques of the other interpreter hold, and where."""

from __future__ import annotations

from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.place import Place
from gpumon.remote_python.reader import Reader

# More items are left out.
MOST_ITEMS = 1000
_POSSIBLE_LENGTH = 1 << 40
# dequeobject and block of Modules/_collectionsmodule.c, the same from 3.8 to 3.14: after ob_size the first
# and last block, the index of the first and last item in them, and a counter that every change moves.
_BLOCK_ITEMS = 64
_DEQUE_WORDS = 6


def sequence_length(reader: Reader, address: int) -> int:
    """Return ob_size of a list, tuple or deque. Raises TornRead."""
    return _possible(reader.word(address + reader.layout.object.size))


def length_in(reader: Reader, head: bytes) -> int:
    """Return ob_size of the tuple or bytes that begin with the bytes `head`. Raises TornRead."""
    place = reader.layout.object.size
    if len(head) < place + 8:
        raise TornRead
    return _possible(int.from_bytes(head[place : place + 8], "little"))


def _possible(length: int) -> int:
    if length > _POSSIBLE_LENGTH:
        raise TornRead
    return length


def tuple_items(reader: Reader, address: int, count: int) -> tuple[Place, ...]:
    """Return the places of the first `count` items of a tuple, at most MOST_ITEMS. Raises TornRead."""
    return _places(reader, address + reader.layout.object.tuple_items, count, ())


def list_items(reader: Reader, address: int) -> tuple[Place, ...]:
    """Return the places of the first MOST_ITEMS items of a list. Raises TornRead."""
    pointer_at = address + reader.layout.object.list_items
    length, pointer = sequence_length(reader, address), reader.word(pointer_at)
    places = _places(reader, pointer, length, ((pointer_at, pointer),))
    # A list that shrinks and grows again may be moved.
    if sequence_length(reader, address) != length or reader.word(pointer_at) != pointer:
        raise TornRead
    return places


def _places(reader: Reader, start: int, count: int, guards: Place) -> tuple[Place, ...]:
    words = reader.words(start, min(count, MOST_ITEMS))
    return tuple([((start + 8 * index, word), *guards) for index, word in enumerate(words)])


def deque_items(reader: Reader, address: int) -> tuple[Place, ...]:
    """Return the places of the first MOST_ITEMS items of a deque. Raises TornRead if it changes meanwhile."""
    start = address + reader.layout.object.size
    header = reader.words(start, _DEQUE_WORDS)
    length, block, _last, index = header[:4]
    if length > _POSSIBLE_LENGTH or index >= _BLOCK_ITEMS:
        raise TornRead
    wanted = min(length, MOST_ITEMS)
    places: list[Place] = []
    while len(places) < wanted:
        # leftlink, the items, rightlink
        words = reader.words(block, _BLOCK_ITEMS + 2)
        places += [((block + 8 + 8 * at, words[1 + at]),) for at in range(index, _BLOCK_ITEMS)]
        block, index = words[-1], 0
    if reader.words(start, _DEQUE_WORDS) != header:
        raise TornRead
    return tuple(places[:wanted])
