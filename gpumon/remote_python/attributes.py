"""Where the other interpreter keeps the attributes of an instance."""

from __future__ import annotations

from gpumon.remote_python.mapping import find_key, read_keys, value_place
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.place import Place
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.type_object import INLINE_VALUES, MANAGED_DICT, RemoteType

# Words before the object: pycore_object.h, _PyObject_ValuesPointer and MANAGED_DICT_OFFSET.
_VALUES_BEFORE, _DICT_BEFORE = 32, 24
# PyDictValues from 3.13: capacity, size, embedded and valid, one byte each.
_VALID_BYTE = 3


def attribute_place(reader: Reader, address: int, kind: RemoteType, name: str) -> Place | None:
    """Return where the instance at `address` keeps its attribute `name`, None if it has none.

    Attributes of the class are not looked for. Raises TornRead.
    """
    if not kind.flags & MANAGED_DICT:
        return _in_dict_at(reader, _dict_pointer(reader, address, kind), name)
    storage = reader.layout.attributes
    pointer = address - _DICT_BEFORE
    if storage == "values_pointer":
        values_pointer = address - _VALUES_BEFORE
        values = reader.word(values_pointer)
        if values:
            return _in_values(reader, kind, values, name, ((values_pointer, values),))
    elif storage == "tagged_pointer":
        tagged = reader.word(pointer)
        if tagged & 1:
            return _in_values(reader, kind, tagged + 1, name, ((pointer, tagged),))
    elif storage == "inline" and kind.flags & INLINE_VALUES and not reader.word(pointer):
        values = address + kind.basic_size
        header = reader.word(values)
        if not header >> 8 * _VALID_BYTE & 0xFF:
            raise TornRead
        return _in_values(reader, kind, values, name, ((pointer, 0),))
    return _in_dict_at(reader, pointer, name)


def _in_values(reader: Reader, kind: RemoteType, values: int, name: str, guards: Place) -> Place | None:
    index = find_key(reader, read_keys(reader, kind.cached_keys), name)
    if index is None:
        return None
    value_at = values + reader.layout.mapping.values_first + 8 * index
    value = reader.word(value_at)
    return ((value_at, value), *guards) if value else None


def _in_dict_at(reader: Reader, pointer: int | None, name: str) -> Place | None:
    if pointer is None:
        return None
    mapping = reader.word(pointer)
    place = value_place(reader, mapping, name) if mapping else None
    return None if place is None else (*place, (pointer, mapping))


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
