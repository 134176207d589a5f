"""Where the other interpreter keeps the attributes of instances, and the variables of modules."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.remote_python.mapping import Keys, read_keys
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.names import names_of
from gpumon.remote_python.place import Place
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.type_object import INLINE_VALUES, MANAGED_DICT, RemoteType

# Words before the object: pycore_object.h, _PyObject_ValuesPointer and MANAGED_DICT_OFFSET.
_VALUES_BEFORE, _DICT_BEFORE = 32, 24
# PyDictValues from 3.13: capacity, size, embedded and valid, one byte each.
_VALID_BYTE = 3

Places = dict[str, Place]


def attribute_places(reader: Reader, address: int, kind: RemoteType, names: Sequence[str]) -> Places:
    """Return where the instance at `address` keeps those of the attributes `names` that it has.

    Attributes of the class are not looked for. Raises TornRead.
    """
    if not kind.flags & MANAGED_DICT:
        return _in_dict_at(reader, _dict_pointer(reader, address, kind), names)
    storage = reader.layout.attributes
    pointer = address - _DICT_BEFORE
    if storage == "values_pointer":
        values_pointer = address - _VALUES_BEFORE
        values = reader.word(values_pointer)
        if values:
            return _in_values(reader, kind, values, names, ((values_pointer, values),))
    elif storage == "tagged_pointer":
        tagged = reader.word(pointer)
        if tagged & 1:
            return _in_values(reader, kind, tagged + 1, names, ((pointer, tagged),))
    elif storage == "inline" and kind.flags & INLINE_VALUES and not reader.word(pointer):
        values = address + kind.basic_size
        header = reader.word(values)
        if not header >> 8 * _VALID_BYTE & 0xFF:
            raise TornRead
        return _in_values(reader, kind, values, names, ((pointer, 0),))
    return _in_dict_at(reader, pointer, names)


def variable_places(reader: Reader, mapping: int, names: Sequence[str], guards: Place) -> Places:
    """Return where the dict at `mapping` keeps those of the variables `names` that it has.

    `guards` are the words by which the dict was found. Raises TornRead.
    """
    record, layout = reader.records.mapping, reader.layout.mapping
    _used, keys_at, values_at = record.unpack(reader.memory.read(mapping + record.first, record.size))
    guards = ((mapping + layout.keys, keys_at), (mapping + layout.values, values_at), *guards)
    return _in_table(reader, keys_at, values_at, names, guards)


def _in_dict_at(reader: Reader, pointer: int | None, names: Sequence[str]) -> Places:
    if pointer is None:
        return {}
    mapping = reader.word(pointer)
    return variable_places(reader, mapping, names, ((pointer, mapping),)) if mapping else {}


def _in_values(reader: Reader, kind: RemoteType, values: int, names: Sequence[str], guards: Place) -> Places:
    # The keys are the type's as long as it lives; another one may have come to its address.
    keys_at = reader.word(kind.address + reader.layout.type.cached_keys)
    return _in_table(reader, keys_at, values, names, guards)


def _in_table(reader: Reader, keys_at: int, values_at: int, names: Sequence[str], guards: Place) -> Places:
    """Return where values stand: those at `values_at`, or with 0 those beside their keys."""
    keys = read_keys(reader, keys_at)
    words = reader.words(keys.entries, keys.count * keys.entry_words)
    indexes = names_of(reader, keys, words)
    wanted = {name: indexes[name] for name in names if name in indexes}
    if not wanted:
        return {}
    found = _split_values(reader, values_at, wanted) if values_at else _own_values(keys, words, wanted)
    return {name: ((at, value), *guards) for name, (at, value) in found.items() if value}


def _own_values(keys: Keys, words: tuple[int, ...], wanted: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return the values that stand in the entries of a table, read with their keys at once."""
    found = {}
    for name, index in wanted.items():
        place = index * keys.entry_words + keys.key_place + 1
        found[name] = (keys.entries + 8 * place, words[place])
    return found


def _split_values(reader: Reader, values_at: int, wanted: dict[str, int]) -> dict[str, tuple[int, int]]:
    lowest, highest = min(wanted.values()), max(wanted.values())
    first = values_at + reader.layout.mapping.values_first + 8 * lowest
    words = reader.words(first, highest - lowest + 1)
    return {name: (first + 8 * (index - lowest), words[index - lowest]) for name, index in wanted.items()}


def _dict_pointer(reader: Reader, address: int, kind: RemoteType) -> int | None:
    """Return the address of __dict__ by tp_dictoffset; a negative one counts from the end of the object."""
    offset = kind.dict_offset
    if offset >= 0:
        return address + offset if offset else None
    if kind.kind == "int":
        return None
    items = reader.word(address + reader.layout.object.size)
    if items > 1 << 40:
        raise TornRead
    size = kind.basic_size + items * kind.item_size
    return address + (size + 7) // 8 * 8 + offset
