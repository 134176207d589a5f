"""The virtual GPU as a laboratory training sees it: real time passes, a timeline says when it was busy."""

from __future__ import annotations

import time
import zlib
from pathlib import Path

from gpumon.sources.timeline import TimelineWriter
from tests.lab.jpeg.spec import GpuSpec
from tests.lab.memory_fit import Unwritten
from tests.lab.virtual_gpu import VirtualGpu

_SPIN = bytes(1 << 18)


def timeline_of(rank: int) -> str:
    """Return the name of the file in which the GPU of a rank writes."""
    return f"gpu.timeline.{rank}" if rank else "gpu.timeline"


def make_gpu(spec: GpuSpec, rank: int, *, on_cpu: bool) -> VirtualGpu:
    """Return the GPU of a rank; `on_cpu` computes in the main thread and leaves the GPU idle."""
    timeline = TimelineWriter(
        Path(timeline_of(rank)),
        name="Virtual GPU 12 GB",
        uuid=f"GPU-laboratory-{rank}",
        memory_total_bytes=spec.total_bytes,
    )
    wait = _spin if spec.sync == "spin" or on_cpu else time.sleep

    def compute(seconds: float) -> tuple[float, float]:
        start = time.time()  # noqa: TID251 - the timeline is written in real time
        if not on_cpu:
            timeline.begin(start)
        wait(seconds)
        return start, time.time()  # noqa: TID251

    return VirtualGpu(
        spec.cost,
        Unwritten() if on_cpu else timeline,
        compute,
        total_bytes=spec.total_bytes,
        neighbour_bytes=spec.neighbour_bytes,
        neighbour_ratio=spec.neighbour_ratio,
        busy_sensors=(spec.temperature_celsius, spec.power_watts, spec.sm_clock_hertz),
    )


def python_for(seconds: float) -> None:
    """Do what a slow callback does: run Python."""
    end, total = time.thread_time() + seconds, 0
    while time.thread_time() < end:
        total += sum(range(200))


def _spin(seconds: float) -> None:
    """Wait as CUDA does by default: on a core, without the interpreter's lock."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        zlib.crc32(_SPIN)
