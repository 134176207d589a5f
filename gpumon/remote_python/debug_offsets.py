"""`_Py_DebugOffsets`: from 3.13 on the interpreter itself tells debuggers where its fields lie.

The struct stands at the start of `_PyRuntime` (pycore_runtime.h in 3.13, pycore_debug_offsets.h in 3.14):
a cookie, the version, whether the build is free-threaded, then groups of 64-bit offsets. Fields that it
lacks come from the table of the version. Both versions were read in running interpreters (3.13.0, 3.14.10).
"""

from __future__ import annotations

import struct
from dataclasses import replace

from gpumon.remote_python.errors import LayoutUnknown
from gpumon.remote_python.layout import Layout, Version
from gpumon.remote_python.memory import Memory, TornRead

_LARGEST_OFFSET = 1 << 20
_Groups = dict[str, tuple[str, ...]]

_THREAD = (
    "size",
    "prev",
    "next",
    "interp",
    "current_frame",
    "thread_id",
    "native_thread_id",
    "datastack_chunk",
    "status",
)
_FRAME = ("size", "previous", "executable", "instr_ptr", "localsplus", "owner")
_CODE = (
    "size",
    "filename",
    "name",
    "qualname",
    "linetable",
    "firstlineno",
    "argcount",
    "localsplusnames",
    "localspluskinds",
    "co_code_adaptive",
)
_SEQUENCE = ("size", "ob_item", "ob_size")
_INTERPRETER_TAIL = (
    "gc",
    "imports_modules",
    "sysdict",
    "builtins",
    "ceval_gil",
    "gil_runtime_state",
    "gil_runtime_state_enabled",
    "gil_runtime_state_locked",
    "gil_runtime_state_holder",
)
_AFTER_DICT: _Groups = {
    "dict": ("size", "ma_keys", "ma_values"),
    "float": ("size", "ob_fval"),
    "long": ("size", "lv_tag", "ob_digit"),
    "bytes": ("size", "ob_size", "ob_sval"),
    "unicode": ("size", "state", "length", "asciiobject_size"),
}
_GROUPS: dict[Version, _Groups] = {
    (3, 13): {
        "runtime": ("size", "finalizing", "interpreters_head"),
        "interpreter": ("size", "id", "next", "threads_head", *_INTERPRETER_TAIL),
        "thread": _THREAD,
        "frame": _FRAME,
        "code": _CODE,
        "object": ("size", "ob_type"),
        "type": ("size", "tp_name", "tp_repr", "tp_flags"),
        "tuple": _SEQUENCE,
        "list": _SEQUENCE,
        **_AFTER_DICT,
    },
    (3, 14): {
        "runtime": ("size", "finalizing", "interpreters_head"),
        "interpreter": (
            "size",
            "id",
            "next",
            "threads_head",
            "threads_main",
            *_INTERPRETER_TAIL,
            "code_object_generation",
            "tlbc_generation",
        ),
        "thread": _THREAD,
        "frame": (*_FRAME, "stackpointer", "tlbc_index"),
        "code": (*_CODE, "co_tlbc"),
        "object": ("size", "ob_type"),
        "type": ("size", "tp_name", "tp_repr", "tp_flags"),
        "tuple": _SEQUENCE,
        "list": _SEQUENCE,
        "set": ("size", "used", "table", "mask"),
        **_AFTER_DICT,
    },
}


def layout_told_by(memory: Memory, runtime: int, table: Layout) -> Layout:
    """Return the table of the version with every offset that the interpreter tells itself.

    Raises LayoutUnknown for free-threaded builds, and TornRead.
    """
    groups = _GROUPS[table.version]
    names = [(group, field) for group, fields in groups.items() for field in fields]
    data = memory.read(runtime + 16, 8 * (1 + len(names)))
    free_threaded, *words = struct.unpack(f"<{1 + len(names)}Q", data)
    if free_threaded:
        version = ".".join(map(str, table.version))
        raise LayoutUnknown(f"a free-threaded build of Python {version}, whose objects look different")
    if max(words) > _LARGEST_OFFSET:
        raise LayoutUnknown("the offsets that the interpreter tells are impossible")
    return _with(table, dict(zip(names, words, strict=True)))


def _with(table: Layout, told: dict[tuple[str, str], int]) -> Layout:
    if (
        told["bytes", "ob_size"] != told["tuple", "ob_size"]
        or told["list", "ob_size"] != told["tuple", "ob_size"]
    ):
        raise LayoutUnknown("the offsets that the interpreter tells contradict each other")
    if not told["code", "co_code_adaptive"]:
        raise TornRead
    return replace(
        table,
        runtime=replace(table.runtime, interpreters_head=told["runtime", "interpreters_head"]),
        interpreter=replace(
            table.interpreter,
            next=told["interpreter", "next"],
            threads_head=told["interpreter", "threads_head"],
        ),
        thread=replace(
            table.thread,
            next=told["thread", "next"],
            interpreter=told["thread", "interp"],
            frame=told["thread", "current_frame"],
            thread_id=told["thread", "thread_id"],
            native_id=told["thread", "native_thread_id"],
            datastack=told["thread", "datastack_chunk"],
        ),
        frame=replace(
            table.frame,
            code=told["frame", "executable"],
            previous=told["frame", "previous"],
            instruction=told["frame", "instr_ptr"],
            localsplus=told["frame", "localsplus"],
            owner=told["frame", "owner"],
        ),
        code=replace(
            table.code,
            name=told["code", "name"],
            filename=told["code", "filename"],
            first_line=told["code", "firstlineno"],
            lines=told["code", "linetable"],
            instructions=told["code", "co_code_adaptive"],
            local_names=told["code", "localsplusnames"],
            local_kinds=told["code", "localspluskinds"],
        ),
        type=replace(table.type, name=told["type", "tp_name"], flags=told["type", "tp_flags"]),
        text=replace(
            table.text,
            state=told["unicode", "state"],
            length=told["unicode", "length"],
            ascii_data=told["unicode", "asciiobject_size"],
        ),
        integer=replace(table.integer, size=told["long", "lv_tag"], digits=told["long", "ob_digit"]),
        mapping=replace(table.mapping, keys=told["dict", "ma_keys"], values=told["dict", "ma_values"]),
        object=replace(
            table.object,
            type=told["object", "ob_type"],
            size=told["tuple", "ob_size"],
            float_value=told["float", "ob_fval"],
            list_items=told["list", "ob_item"],
            tuple_items=told["tuple", "ob_item"],
            bytes_data=told["bytes", "ob_sval"],
        ),
    )
