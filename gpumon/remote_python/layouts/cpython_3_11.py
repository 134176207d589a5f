"""CPython 3.11 on 64-bit machines: offsets of 3.11.7, from the headers."""

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
    version=(3, 11),
    attributes="values_pointer",
    runtime=RuntimeLayout(interpreters_head=40, main_thread=None),
    interpreter=InterpreterLayout(next=0, threads_head=16),
    thread=ThreadLayout(
        next=8, interpreter=16, frame=56, cframe_frame=8, thread_id=152, native_id=160, datastack=296
    ),
    frame=FrameLayout(
        code=32,
        previous=48,
        instruction=56,
        instruction_bytes=8,
        globals=8,
        locals=24,
        localsplus=72,
        owner=69,
    ),
    code=CodeLayout(
        name=120,
        filename=112,
        flags=48,
        first_line=72,
        lines=136,
        line_format="locations",
        instruction_unit=1,
        instructions=184,
        local_names=96,
        local_kinds=104,
    ),
    type=TypeLayout(name=24, basicsize=32, itemsize=40, flags=168, base=256, dictoffset=288, cached_keys=872),
    text=StrLayout(length=16, state=32, kind_bit=2, ascii_data=48, compact_data=72, data_pointer=72),
    integer=IntLayout(size=16, digits=24, tagged=False),
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
