"""What the two allocators of this process have: that of the C library, and Python's own."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import tempfile

_TOLD = (
    *("arenas allocated current", "arenas highwater mark"),
    *("bytes in allocated blocks", "bytes in available blocks"),
)


class _MallocInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33 and later, malloc.h; all in bytes but for the counts."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
            *("uordblks", "fordblks", "keepcost"),
        )
    )


def glibc() -> dict[str, int]:
    """Return what the heap of the C library has."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _MallocInfo
    info = mallinfo()
    return {
        "glibc live bytes": info.uordblks,
        "glibc free bytes": info.fordblks,
        "glibc mapped bytes": info.hblkhd,
    }


def python() -> dict[str, int]:
    """Return what Python's allocator has: it tells it to standard error only.

    What is free in the pools of a size is of use for blocks of that size alone.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            sys._debugmallocstats()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        text = file.read().decode()
    found = {}
    for name in _TOLD:
        number = re.search(rf"{name}\s*=\s*([\d,]+)", text)
        if number is not None:
            found[f"Python {name}"] = int(number[1].replace(",", ""))
    for row in re.finditer(r"^ *\d+ +(\d+) +\d+ +\d+ +(\d+) *$", text, re.MULTILINE):
        size, free = map(int, row.groups())
        found[f"Python bytes free in pools of {size}"] = size * free
    unused = re.search(r"^(\d+) unused pools \* (\d+) bytes", text, re.MULTILINE)
    if unused is not None:
        found["Python bytes in unused pools"] = int(unused[1]) * int(unused[2])
    return found


def used_bytes() -> int:
    """Return what both have handed out: memory that is in use, without what they only hold."""
    library = glibc()
    used = library["glibc live bytes"] + library["glibc mapped bytes"]
    return used + python()["Python bytes in allocated blocks"]
