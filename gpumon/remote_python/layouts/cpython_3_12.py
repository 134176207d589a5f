"""CPython 3.12 on 64-bit machines: offsets of 3.12.1, from the headers."""

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
    version=(3, 12),
    attributes="tagged_pointer",
    runtime=RuntimeLayout(interpreters_head=40, main_thread=None),
    interpreter=InterpreterLayout(next=0, threads_head=72),
    thread=ThreadLayout(
        next=8, interpreter=16, frame=56, cframe_frame=0, thread_id=136, native_id=144, datastack=232
    ),
    frame=FrameLayout(
        code=0,
        previous=8,
        instruction=56,
        instruction_bytes=8,
        globals=24,
        locals=40,
        localsplus=72,
        owner=70,
    ),
    code=CodeLayout(
        name=120,
        filename=112,
        flags=48,
        first_line=68,
        lines=136,
        line_format="locations",
        instruction_unit=1,
        instructions=192,
        local_names=96,
        local_kinds=104,
    ),
    type=TypeLayout(name=24, basicsize=32, itemsize=40, flags=168, base=256, dictoffset=288, cached_keys=880),
    text=StrLayout(length=16, state=32, kind_bit=2, ascii_data=40, compact_data=56, data_pointer=56),
    integer=IntLayout(size=16, digits=24, tagged=True),
    mapping=DictLayout(
        used=16,
        keys=32,
        values=40,
        log_sized=True,
        keys_size=8,
        keys_index_bytes=9,
        keys_kind=10,
        keys_entry_count=24,
        keys_indices=32,
        values_first=0,
    ),
)
