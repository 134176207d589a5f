"""The layout of one CPython version: where each field lies within its C struct, in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Version = tuple[int, int]
LineFormat = Literal["lnotab", "pep626", "locations"]
# Where an instance keeps its attributes: in a dict at tp_dictoffset (to 3.10); in values or a dict whose
# pointers stand before the object (3.11); the same with one tagged pointer (3.12); in the object itself
# until something asks for its __dict__ (from 3.13).
AttributeStorage = Literal["dict", "values_pointer", "tagged_pointer", "inline"]


@dataclass(frozen=True, slots=True)
class RuntimeLayout:
    """`_PyRuntimeState`. `main_thread` (a pthread_t) is used where threads have no native id."""

    interpreters_head: int
    main_thread: int | None


@dataclass(frozen=True, slots=True)
class InterpreterLayout:
    """`PyInterpreterState`."""

    next: int
    threads_head: int


@dataclass(frozen=True, slots=True)
class ThreadLayout:
    """`PyThreadState`. `frame` leads to the innermost frame (`cframe_frame`: in `_PyCFrame`).

    `datastack` are three pointers: the newest chunk of memory for frames, where its free part begins, and
    its end.
    """

    next: int
    interpreter: int
    frame: int
    cframe_frame: int | None
    thread_id: int
    native_id: int | None
    datastack: int | None = None


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """`PyFrameObject` (to 3.10) or `_PyInterpreterFrame`.

    `instruction` holds an index of `instruction_bytes` 4, or a pointer into the code (8). Frames whose
    `owner` is at least `shim_owner` are entry points of the C code and not Python.
    """

    code: int
    previous: int
    instruction: int
    instruction_bytes: Literal[4, 8]
    globals: int
    locals: int
    localsplus: int
    owner: int | None
    shim_owner: int = 3


@dataclass(frozen=True, slots=True)
class CodeLayout:
    """`PyCodeObject`. Three tuples name the local variables, from 3.11 one, with a byte of kind each.

    `instruction_unit` is what one step of the instruction index is worth in bytes of code.
    """

    name: int
    filename: int
    flags: int
    first_line: int
    lines: int
    line_format: LineFormat
    instruction_unit: int
    instructions: int | None = None
    local_names: int | None = None
    local_kinds: int | None = None
    varnames: int | None = None
    cellvars: int | None = None
    freevars: int | None = None


@dataclass(frozen=True, slots=True)
class TypeLayout:
    """`PyTypeObject`, and `ht_cached_keys` of `PyHeapTypeObject`."""

    name: int
    basicsize: int
    itemsize: int
    flags: int
    base: int
    dictoffset: int
    cached_keys: int


@dataclass(frozen=True, slots=True)
class StrLayout:
    """`PyASCIIObject` and the larger ones. `kind_bit` is the lowest bit of `kind` within `state`."""

    length: int
    state: int
    kind_bit: int
    ascii_data: int
    compact_data: int
    data_pointer: int


@dataclass(frozen=True, slots=True)
class IntLayout:
    """`PyLongObject`: `size` is ob_size (its sign is the number's), or from 3.12 the tag (`tagged`)."""

    size: int
    digits: int
    tagged: bool


@dataclass(frozen=True, slots=True)
class DictLayout:
    """`PyDictObject` and `PyDictKeysObject`.

    `log_sized` keys state the logarithm of their size at `keys_size`, the others the size itself;
    `values_first` is where the values of a split table begin.
    """

    used: int
    keys: int
    values: int
    log_sized: bool
    keys_size: int
    keys_index_bytes: int | None
    keys_kind: int | None
    keys_entry_count: int
    keys_indices: int
    values_first: int


@dataclass(frozen=True, slots=True)
class ObjectLayout:
    """`PyObject`, `PyVarObject` and the small containers."""

    type: int = 8
    size: int = 16
    float_value: int = 16
    list_items: int = 24
    tuple_items: int = 24
    bytes_data: int = 32
    cell_content: int = 16


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything about one CPython version that a reader of its memory has to know.

    `pointer_tag_mask` are the low bits that are not part of a pointer in a frame (3.14 tags them).
    """

    version: Version
    attributes: AttributeStorage
    runtime: RuntimeLayout
    interpreter: InterpreterLayout
    thread: ThreadLayout
    frame: FrameLayout
    code: CodeLayout
    type: TypeLayout
    text: StrLayout
    integer: IntLayout
    mapping: DictLayout
    object: ObjectLayout = ObjectLayout()
    pointer_tag_mask: int = 0
