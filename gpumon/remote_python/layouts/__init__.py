"""Tables of offsets, one module per CPython version."""

from __future__ import annotations

from gpumon.remote_python.layout import Layout, Version
from gpumon.remote_python.layouts import (
    cpython_3_8,
    cpython_3_9,
    cpython_3_10,
    cpython_3_11,
    cpython_3_12,
    cpython_3_13,
    cpython_3_14,
)

LAYOUTS: tuple[Layout, ...] = (
    cpython_3_8.LAYOUT,
    cpython_3_9.LAYOUT,
    cpython_3_10.LAYOUT,
    cpython_3_11.LAYOUT,
    cpython_3_12.LAYOUT,
    cpython_3_13.LAYOUT,
    cpython_3_14.LAYOUT,
)


def layout_of(version: Version) -> Layout | None:
    """Return the table of a CPython version, None if there is none."""
    return next((layout for layout in LAYOUTS if layout.version == version), None)
