"""What is free of the C library's heap is given back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Blocks that are large for the C library, made twice: after the first time it would keep them in its heap.
_PROGRAM = """
from gpumon.monitor.heap import keep_heap_small
from tests.soak.heap import glibc

keep_heap_small()
for _ in range(2):
    blocks = [bytearray(200_000) for _ in range(100)]
    print(glibc()["glibc mapped bytes"])
    del blocks
print(glibc()["glibc free bytes"])
"""

# Small blocks, of which every hundredth stays in use: what is free lies between them.
_BETWEEN = """
from gpumon.monitor.heap import give_back, keep_heap_small
from tests.soak.ledger import rss_bytes

keep_heap_small()
before = rss_bytes()
blocks = [bytearray(3000) for _ in range(10_000)]
kept = blocks[::100]
del blocks
print(rss_bytes() - before)
give_back()
print(rss_bytes() - before)
"""


def test_what_is_free_between_blocks_in_use_is_given_back() -> None:
    """The C library by itself gives back the end of its heap only."""
    finished = subprocess.run(
        [sys.executable, "-c", _BETWEEN], cwd=ROOT, capture_output=True, text=True, check=True
    )

    held, after = map(int, finished.stdout.split())
    assert held >= 20_000_000
    assert after < 3_000_000


def test_large_blocks_are_given_back_each_time() -> None:
    """They are mapped one by one, the second time too, so that none of them stays."""
    finished = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )

    first, second, free = map(int, finished.stdout.split())
    assert first >= 20_000_000
    assert second >= 20_000_000
    assert free < 5_000_000
