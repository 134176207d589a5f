"""What PyTorch's allocator holds on the GPU, by its own count."""

from __future__ import annotations

import sys

from . import wire  # noqa: TID252 - inside a training this package has another name

TYPE_CHECKING = False  # `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from mmap import mmap
    from typing import Any

    from .report import Report  # noqa: TID252


class CudaMemory:
    """Reads `torch.cuda.memory_stats` of the current device once the training has initialised CUDA.

    It is called in the thread of the training loop and not in one of its own: the current device belongs
    to the thread, and a fork while another thread holds the allocator's lock could leave a worker hanging.
    The allocator's counters are on the host; the GPU is neither asked nor waited for.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._peaks = (0, 0)
        self._device = -1

    def __call__(self, now_ns: int) -> None:
        """Write the newest figures, if there are any."""
        cuda: Any = sys.modules.get("torch.cuda")
        if cuda is None or self._report.map is None or not cuda.is_initialized():
            return
        try:
            self._write(cuda, self._report.map, now_ns)
        except Exception:  # noqa: BLE001 - an allocator of the training's own may have no figures
            self._report.on_beat.remove(self)
            self._report.put(wire.CUDA_SILENT, 1)

    def _write(self, cuda: Any, mapped: mmap, now_ns: int) -> None:
        device = cuda.current_device()
        if device != self._device:
            self._device, self._peaks = device, (0, 0)
        stats = cuda.memory_stats_as_nested_dict(device)
        allocated, reserved = stats["allocated_bytes"]["all"], stats["reserved_bytes"]["all"]
        # The training may reset the allocator's peaks: the highest ever seen is kept here.
        self._peaks = max(self._peaks[0], allocated["peak"]), max(self._peaks[1], reserved["peak"])
        self._report.cuda_turn += 1
        wire.CUDA.pack_into(
            mapped,
            wire.CUDA_COPIES + self._report.cuda_turn % 2 * wire.CUDA.size,
            allocated["current"],
            reserved["current"],
            *self._peaks,
            stats["num_alloc_retries"],
            stats["num_ooms"],
            device,
            now_ns,
        )
        self._report.put(wire.CUDA_TURN, self._report.cuda_turn)
