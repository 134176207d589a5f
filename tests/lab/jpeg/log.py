"""The log of a laboratory training: on stderr, in YOLOv5's format."""

from __future__ import annotations

import sys


def log(text: str, end: str = "\n") -> None:
    """Write a line, or a bar with `end=""`."""
    sys.stderr.write(text + end)
    sys.stderr.flush()
