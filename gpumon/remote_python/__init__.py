"""A reader of the frames and objects of another CPython, which runs on undisturbed.

    with Interpreter.attach(pid) as interpreter:
        for frame in interpreter.main_thread.frames():
            print(frame.name, frame.file, frame.line)

Everything is read from /proc/PID/mem with `os.pread`: the process is neither stopped nor changed. CPython
3.8 to 3.14 on 64-bit little-endian Linux. Read in running interpreters on x86-64: 3.8 to 3.13 with a shared
libpython; 3.11.2 and 3.14.10 linked statically and stripped, and their debug builds. Unverified, and left
to the test that every attach makes: aarch64, the builds of conda, and other patch releases (their structs
have not changed within a minor version so far). Free-threaded builds are refused.
"""

from __future__ import annotations

from gpumon.remote_python.code_object import Code
from gpumon.remote_python.errors import (
    Gone,
    LayoutUnknown,
    NoPermission,
    NotPython,
    NotRunning,
    RemotePythonError,
    VersionUnknown,
)
from gpumon.remote_python.frame import Calls, Frame
from gpumon.remote_python.interpreter import Interpreter
from gpumon.remote_python.object import Object
from gpumon.remote_python.thread import Thread

__all__ = [
    "Calls",
    "Code",
    "Frame",
    "Gone",
    "Interpreter",
    "LayoutUnknown",
    "NoPermission",
    "NotPython",
    "NotRunning",
    "Object",
    "RemotePythonError",
    "Thread",
    "VersionUnknown",
]
