"""The offsets of CPython's structs as the compiler sees them in the headers of an installed version.

A small C program with one `offsetof` per field is compiled against the headers and run; its lines have
the names of `gpumon.remote_python.layout`. What no header declares (the keys of dicts to 3.10, deques)
is held by the tests that read a running interpreter.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_OBJECT = {
    "object.type": ("PyObject", "ob_type"),
    "object.size": ("PyVarObject", "ob_size"),
    "object.float_value": ("PyFloatObject", "ob_fval"),
    "object.list_items": ("PyListObject", "ob_item"),
    "object.tuple_items": ("PyTupleObject", "ob_item"),
    "object.bytes_data": ("PyBytesObject", "ob_sval"),
    "object.cell_content": ("PyCellObject", "ob_ref"),
    "type.name": ("PyTypeObject", "tp_name"),
    "type.basicsize": ("PyTypeObject", "tp_basicsize"),
    "type.itemsize": ("PyTypeObject", "tp_itemsize"),
    "type.flags": ("PyTypeObject", "tp_flags"),
    "type.base": ("PyTypeObject", "tp_base"),
    "type.dictoffset": ("PyTypeObject", "tp_dictoffset"),
    "type.cached_keys": ("PyHeapTypeObject", "ht_cached_keys"),
    "text.length": ("PyASCIIObject", "length"),
    "text.state": ("PyASCIIObject", "state"),
    "text.data_pointer": ("PyUnicodeObject", "data"),
    "mapping.used": ("PyDictObject", "ma_used"),
    "mapping.keys": ("PyDictObject", "ma_keys"),
    "mapping.values": ("PyDictObject", "ma_values"),
}
_STATE = {
    "runtime.interpreters_head": ("_PyRuntimeState", "interpreters.head"),
    "thread.next": ("PyThreadState", "next"),
    "thread.interpreter": ("PyThreadState", "interp"),
    "thread.thread_id": ("PyThreadState", "thread_id"),
    "code.name": ("PyCodeObject", "co_name"),
    "code.filename": ("PyCodeObject", "co_filename"),
    "code.flags": ("PyCodeObject", "co_flags"),
    "code.first_line": ("PyCodeObject", "co_firstlineno"),
}
_INTERPRETER_FLAT = {
    "interpreter.next": ("PyInterpreterState", "next"),
    "interpreter.threads_head": ("PyInterpreterState", "tstate_head"),
}
_INTERPRETER = {
    "interpreter.next": ("PyInterpreterState", "next"),
    "interpreter.threads_head": ("PyInterpreterState", "threads.head"),
}
_FRAME_OBJECT = {
    "runtime.main_thread": ("_PyRuntimeState", "main_thread"),
    "thread.frame": ("PyThreadState", "frame"),
    "frame.code": ("PyFrameObject", "f_code"),
    "frame.previous": ("PyFrameObject", "f_back"),
    "frame.instruction": ("PyFrameObject", "f_lasti"),
    "frame.globals": ("PyFrameObject", "f_globals"),
    "frame.locals": ("PyFrameObject", "f_locals"),
    "frame.localsplus": ("PyFrameObject", "f_localsplus"),
    "code.varnames": ("PyCodeObject", "co_varnames"),
    "code.cellvars": ("PyCodeObject", "co_cellvars"),
    "code.freevars": ("PyCodeObject", "co_freevars"),
    "integer.size": ("PyVarObject", "ob_size"),
    "integer.digits": ("PyLongObject", "ob_digit"),
}
_INTERPRETER_FRAME = {
    "thread.native_id": ("PyThreadState", "native_thread_id"),
    "thread.datastack": ("PyThreadState", "datastack_chunk"),
    "frame.previous": ("_PyInterpreterFrame", "previous"),
    "frame.globals": ("_PyInterpreterFrame", "f_globals"),
    "frame.locals": ("_PyInterpreterFrame", "f_locals"),
    "frame.localsplus": ("_PyInterpreterFrame", "localsplus"),
    "frame.owner": ("_PyInterpreterFrame", "owner"),
    "code.lines": ("PyCodeObject", "co_linetable"),
    "code.instructions": ("PyCodeObject", "co_code_adaptive"),
    "code.local_names": ("PyCodeObject", "co_localsplusnames"),
    "code.local_kinds": ("PyCodeObject", "co_localspluskinds"),
    "mapping.keys_size": ("PyDictKeysObject", "dk_log2_size"),
    "mapping.keys_index_bytes": ("PyDictKeysObject", "dk_log2_index_bytes"),
    "mapping.keys_kind": ("PyDictKeysObject", "dk_kind"),
    "mapping.keys_entry_count": ("PyDictKeysObject", "dk_nentries"),
    "mapping.keys_indices": ("PyDictKeysObject", "dk_indices"),
    "mapping.values_first": ("PyDictValues", "values"),
}
_TAGGED_INT = {
    "integer.size": ("PyLongObject", "long_value.lv_tag"),
    "integer.digits": ("PyLongObject", "long_value.ob_digit"),
}
_CFRAME = {
    "thread.frame": ("PyThreadState", "cframe"),
    "thread.cframe_frame": ("_PyCFrame", "current_frame"),
    "frame.instruction": ("_PyInterpreterFrame", "prev_instr"),
}
_NO_CFRAME = {
    "thread.frame": ("PyThreadState", "current_frame"),
    "frame.code": ("_PyInterpreterFrame", "f_executable"),
    "frame.instruction": ("_PyInterpreterFrame", "instr_ptr"),
}
_COMMON = {**_OBJECT, **_STATE}
_LNOTAB = {"code.lines": ("PyCodeObject", "co_lnotab")}
_LINETABLE = {"code.lines": ("PyCodeObject", "co_linetable")}
_CODE = {"frame.code": ("_PyInterpreterFrame", "f_code")}
_OLD_INT = {"integer.size": ("PyVarObject", "ob_size"), "integer.digits": ("PyLongObject", "ob_digit")}

FIELDS: dict[tuple[int, int], dict[str, tuple[str, str]]] = {
    (3, 8): {**_COMMON, **_INTERPRETER_FLAT, **_FRAME_OBJECT, **_LNOTAB},
    (3, 9): {**_COMMON, **_INTERPRETER_FLAT, **_FRAME_OBJECT, **_LNOTAB},
    (3, 10): {**_COMMON, **_INTERPRETER_FLAT, **_FRAME_OBJECT, **_LINETABLE},
    (3, 11): {**_COMMON, **_INTERPRETER, **_INTERPRETER_FRAME, **_CFRAME, **_CODE, **_OLD_INT},
    (3, 12): {**_COMMON, **_INTERPRETER, **_INTERPRETER_FRAME, **_CFRAME, **_CODE, **_TAGGED_INT},
    (3, 13): {**_COMMON, **_INTERPRETER, **_INTERPRETER_FRAME, **_NO_CFRAME, **_TAGGED_INT},
    (3, 14): {**_COMMON, **_INTERPRETER, **_INTERPRETER_FRAME, **_NO_CFRAME, **_TAGGED_INT},
}

_PROGRAM = """
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#if PY_VERSION_HEX < 0x03090000
#include "internal/pycore_pystate.h"
#include "code.h"
#else
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include "internal/pycore_frame.h"
#include "internal/pycore_dict.h"
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include "internal/pycore_interpframe.h"
#endif

int main(void) {
    PyASCIIObject text;
    unsigned state = 0;
    memset(&text, 0, sizeof text);
    text.state.kind = 1;
    memcpy(&state, &text.state, sizeof state);
    printf("text.kind_bit %%d\\n", __builtin_ctz(state));
    printf("text.ascii_data %%zu\\n", sizeof(PyASCIIObject));
    printf("text.compact_data %%zu\\n", sizeof(PyCompactUnicodeObject));
%s
    return 0;
}
"""


def version_of(interpreter: Path) -> tuple[int, int]:
    """Return the version an interpreter says it has."""
    said = subprocess.check_output([interpreter, "-c", "import sys; print(*sys.version_info[:2])"], text=True)
    major, minor = said.split()
    return int(major), int(minor)


def include_directory(interpreter: Path) -> Path:
    """Return where the headers of an interpreter lie, if they are installed."""
    program = "import sysconfig; print(sysconfig.get_path('include'))"
    return Path(subprocess.check_output([interpreter, "-c", program], text=True).strip())


def measured_offsets(version: tuple[int, int], include: Path) -> dict[str, int]:
    """Compile and run the program against the headers in `include`; return offset by name."""
    lines = "\n".join(
        f'    printf("{name} %zu\\n", offsetof({struct}, {member}));'
        for name, (struct, member) in FIELDS[version].items()
    )
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "offsets.c")
        source.write_text(_PROGRAM % lines, encoding="utf-8")
        program = Path(directory, "offsets")
        subprocess.run(
            ["gcc", "-w", "-o", program, f"-I{include}", f"-I{include}/internal", source], check=True
        )
        printed = subprocess.check_output([program], text=True)
    return {name: int(offset) for name, _, offset in (line.partition(" ") for line in printed.splitlines())}


if __name__ == "__main__":
    for interpreter in map(Path, sys.argv[1:]):
        version = version_of(interpreter)
        print(version, measured_offsets(version, include_directory(interpreter)))
