"""CPython 3.8 on 64-bit machines: offsets of 3.8.18, from the headers."""

from __future__ import annotations

from gpumon.remote_python.layout import (
    CodeLayout,
    DictLayout,
    FrameLayout,
    InterpreterLayout,
    IntLayout,
    Layout,
    RuntimeLayout,
    StrLayout,
    ThreadLayout,
    TypeLayout,
)

LAYOUT = Layout(
    version=(3, 8),
    attributes="dict",
    runtime=RuntimeLayout(interpreters_head=32, main_thread=72),
    interpreter=InterpreterLayout(next=0, threads_head=8),
    thread=ThreadLayout(next=8, interpreter=16, frame=24, cframe_frame=None, thread_id=176, native_id=None),
    frame=FrameLayout(
        code=32,
        previous=24,
        instruction=104,
        instruction_bytes=4,
        globals=48,
        locals=56,
        localsplus=360,
        owner=None,
    ),
    code=CodeLayout(
        name=112,
        filename=104,
        flags=36,
        first_line=40,
        lines=120,
        line_format="lnotab",
        instruction_unit=1,
        varnames=72,
        cellvars=88,
        freevars=80,
    ),
    type=TypeLayout(name=24, basicsize=32, itemsize=40, flags=168, base=256, dictoffset=288, cached_keys=872),
    text=StrLayout(length=16, state=32, kind_bit=2, ascii_data=48, compact_data=72, data_pointer=72),
    integer=IntLayout(size=16, digits=24, tagged=False),
    mapping=DictLayout(
        used=16,
        keys=32,
        values=40,
        log_sized=False,
        keys_size=8,
        keys_index_bytes=None,
        keys_kind=None,
        keys_entry_count=32,
        keys_indices=40,
        values_first=0,
    ),
)
