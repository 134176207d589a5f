"""The batches in workers' shared memory, as torch leaves them there."""

from __future__ import annotations

from pathlib import Path

from gpumon.sources.shm_batch import largest_segment_bytes
from tests.sources.children import python_child

# Two segments as torch makes them, a file of somebody else that is larger, and one that is still listed.
_HOLDS = """
import os, sys
def hold(name, size, unlink=True):
    file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.ftruncate(file, size)
    if unlink:
        os.unlink(name)
base = sys.argv[1]
hold(f"{base}/torch_{os.getpid()}_1_0", 2457600)
hold(f"{base}/torch_{os.getpid()}_1_1", 96)
hold(f"{base}/other", 10**8)
hold(f"{base}/torch_kept", 10**8, unlink=False)
print("ready", flush=True)
sys.stdin.read()
"""


def test_the_largest_tensor_is_found(tmp_path: Path) -> None:
    """Only torch's own segments count, which have no name any more: 8 images of 3 x 320 x 320 bytes."""
    with python_child(_HOLDS, [str(tmp_path)]) as worker:
        assert largest_segment_bytes([worker.pid]) == 8 * 3 * 320 * 320


def test_workers_that_are_gone_or_hold_nothing_tell_nothing() -> None:
    """A worker between two batches, and one that has ended, are no error."""
    with python_child("import sys; print('ready', flush=True); sys.stdin.read()", []) as worker:
        assert largest_segment_bytes([worker.pid, 2**22 - 1]) is None
    assert largest_segment_bytes([]) is None
