"""gpumon: why the GPU of a running YOLOv5 training waits, and what to change."""

from __future__ import annotations

__version__ = "0.1.0"
