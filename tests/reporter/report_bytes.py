"""Reports made by hand, and processes that have them open."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gpumon.model.process import ProcessId
from gpumon.reporter import wire
from tests.sources.children import process_id, python_child

_HOLDS = (
    "import os, sys; file = os.open(sys.argv[1], os.O_RDWR); print('ready', flush=True); sys.stdin.read()"
)


def report_bytes(process: ProcessId, *, version: int = wire.VERSION, error: str = "") -> bytes:
    """Return a report of that process: one loader with 5 batches, CUDA with some figures."""
    content = bytearray(wire.FILE_BYTES)
    header = (wire.MAGIC, version, wire.LOADERS, process.pid, 0, process.start_ticks, 7)
    wire.HEADER.pack_into(content, 0, *header)
    wire.WORD.pack_into(content, wire.HOOKS, wire.HOOK_LOADER | wire.HOOK_OPTIMIZER | wire.HOOK_SCALER)
    wire.WORD.pack_into(content, wire.OPTIMIZER_STEPS, 4)
    wire.WORD.pack_into(content, wire.CUDA_TURN, 1)
    wire.CUDA.pack_into(content, wire.CUDA_COPIES + wire.CUDA.size, 100, 200, 150, 250, 1, 2, 3, 0)
    content[wire.ERROR : wire.ERROR + len(error)] = error.encode()
    offset = wire.HEADER_BYTES
    wire.WORD.pack_into(content, offset + wire.SERIAL, 1)
    wire.SETTINGS.pack_into(content, offset + wire.SETTINGS_AT, 9, 2, 8, 4, wire.LOADER_PINS)
    wire.WORD.pack_into(content, offset + wire.LOADER_OPTIMIZER_STEPS, 4)
    wire.WORD.pack_into(content, offset + wire.TURN, 6)
    counts = (5, 40, 2_000_000_000, 3_000_000_000, 4, 1, 1, 5, 8, 480, 640, 0)
    wire.COUNTS.pack_into(content, offset + wire.COUNTS_AT, *counts)
    return bytes(content)


@contextlib.contextmanager
def holder(path: Path) -> Iterator[ProcessId]:
    """Run a process that has the file open; the caller may fill it and unlink it then."""
    with python_child(_HOLDS, [str(path)]) as child:
        yield process_id(child.pid)
