"""Dicts of the other interpreter: combined tables, and split ones that share their keys with others."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.place import Place
from gpumon.remote_python.reader import Reader, keep
from gpumon.remote_python.text import LONGEST_NAME, read_text

# Of larger dicts the first entries are looked at: a module has some hundred names, an instance some ten.
MOST_ENTRIES = 2048
_LARGEST_LOG = 30
_GENERAL_KEYS = 0


@dataclass(frozen=True, slots=True)
class Keys:
    """A table of keys: `entries` is the address of the first entry, each `entry_words` long."""

    address: int
    entries: int
    count: int
    entry_words: int

    @property
    def key_place(self) -> int:
        """Which word of an entry is the key. The value is the next one."""
        return self.entry_words - 2


def read_keys(reader: Reader, address: int) -> Keys:
    """Return the table of keys at `address`. Raises TornRead if there is none."""
    layout, record = reader.layout.mapping, reader.records.keys
    fields = record.unpack(reader.memory.read(address + record.first, record.size))
    if layout.log_sized:
        log_size, count, log_index_bytes, kind = fields
        if log_size > _LARGEST_LOG or log_index_bytes > _LARGEST_LOG + 3 or kind > 2:
            raise TornRead
        size, index_bytes, words = 1 << log_size, 1 << log_index_bytes, 3 if kind == _GENERAL_KEYS else 2
    else:
        size, count = fields
        if size > 1 << _LARGEST_LOG or size & (size - 1):
            raise TornRead
        index_bytes, words = size * (1 if size <= 0xFF else 2 if size <= 0xFFFF else 4), 3
    # At most two thirds of a table are used.
    if count > size:
        raise TornRead
    entries = address + layout.keys_indices + index_bytes
    return Keys(address, entries, min(count, MOST_ENTRIES), words)


def find_key(reader: Reader, keys: Keys, name: str) -> int | None:
    """Return the index of the string `name` in a table of keys, None if it is not there. Raises TornRead."""
    hint = reader.places.get((keys.address, name))
    if hint is not None and hint < keys.count:
        entry = keys.entries + 8 * hint * keys.entry_words
        key = reader.word(entry + 8 * keys.key_place)
        if key and _text(reader, key) == name:
            return hint
    words = reader.words(keys.entries, keys.count * keys.entry_words)
    pointers = words[keys.key_place :: keys.entry_words]
    found = _scan(reader, pointers, name, cached=True)
    if found is None:
        # A string may have been freed and another put in its place.
        found = _scan(reader, pointers, name, cached=False)
    if found is not None:
        keep(reader.places, (keys.address, name), found)
    return found


def _scan(reader: Reader, pointers: tuple[int, ...], name: str, *, cached: bool) -> int | None:
    for index, pointer in enumerate(pointers):
        text = reader.texts.get(pointer) if cached else None
        if text is None and pointer:
            text = _text(reader, pointer)
        if text == name and _text(reader, pointer) == name:
            return index
    return None


def _text(reader: Reader, address: int) -> str:
    """Return the string at `address`, "" for any other object."""
    try:
        text = read_text(reader, address, LONGEST_NAME)
    except TornRead:
        text = ""
    return keep(reader.texts, address, text)


def value_place(reader: Reader, address: int, name: str) -> Place | None:
    """Return where the dict at `address` keeps the value of a string key. Raises TornRead."""
    record = reader.records.mapping
    _used, keys_at, values_at = record.unpack(reader.memory.read(address + record.first, record.size))
    keys = read_keys(reader, keys_at)
    index = find_key(reader, keys, name)
    if index is None:
        return None
    value_at = _value_address(reader, keys, values_at, index)
    value = reader.word(value_at)
    return ((value_at, value), *_guards(reader, address, keys_at, values_at)) if value else None


def _value_address(reader: Reader, keys: Keys, values_at: int, index: int) -> int:
    if values_at:
        return values_at + reader.layout.mapping.values_first + 8 * index
    return keys.entries + 8 * (index * keys.entry_words + keys.key_place + 1)


def _guards(reader: Reader, address: int, keys_at: int, values_at: int) -> Place:
    layout = reader.layout.mapping
    return ((address + layout.keys, keys_at), (address + layout.values, values_at))


def dict_length(reader: Reader, address: int) -> int:
    """Return how many entries a dict has. Raises TornRead."""
    used = reader.word(address + reader.layout.mapping.used)
    if used > 1 << _LARGEST_LOG:
        raise TornRead
    return used


def dict_entries(reader: Reader, address: int, most: int) -> tuple[tuple[Place, Place], ...]:
    """Return the places of the first keys and values. Raises TornRead if the dict changes meanwhile."""
    record = reader.records.mapping
    header = reader.memory.read(address + record.first, record.size)
    _used, keys_at, values_at = record.unpack(header)
    keys = read_keys(reader, keys_at)
    words = reader.words(keys.entries, keys.count * keys.entry_words)
    if values_at:
        values = reader.words(values_at + reader.layout.mapping.values_first, keys.count)
    else:
        values = words[keys.key_place + 1 :: keys.entry_words]
    if reader.memory.read(address + record.first, record.size) != header:
        raise TornRead
    guards = _guards(reader, address, keys_at, values_at)
    pairs: list[tuple[Place, Place]] = []
    for index, value in enumerate(values):
        at = index * keys.entry_words + keys.key_place
        if words[at] and value and len(pairs) < most:
            value_at = _value_address(reader, keys, values_at, index)
            pairs.append((((keys.entries + 8 * at, words[at]), *guards), ((value_at, value), *guards)))
    return tuple(pairs)
