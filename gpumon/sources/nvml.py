"""NVIDIA GPUs through NVML: handles are kept, GPUs may be lost, the driver may come and go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from gpumon.model.clock import Clock, Instant
from gpumon.model.gpu import DriverReading, DriverState, GpuReading, GpusReading, GpuState
from gpumon.model.measure import Missing
from gpumon.sources import nvml_driver
from gpumon.sources.nvml_calls import LOST, DriverGoneError, GpuLostError, reason
from gpumon.sources.nvml_gpu import NvmlGpu, silent
from gpumon.sources.nvml_pids import NamespacePids, PidMap, TranslatePid

REOPEN_SECONDS = 5.0
# A single lost GPU needs a reset by hand: it is looked at again now and then.
RETRY_LOST_SECONDS = 30.0
_NOT_OPENED = DriverReading(DriverState.FAILED, "the NVIDIA driver has not been asked yet")


class _Slot:
    """A GPU's place: the GPU if it answers, its last words if not."""

    __slots__ = ("gpu", "index", "retry_at", "silence")

    def __init__(self, index: int, gpu: NvmlGpu | None, silence: GpuReading) -> None:
        self.index = index
        self.gpu = gpu
        self.silence = silence
        self.retry_at = 0.0

    def drop(self) -> None:
        """Let go of the GPU."""
        if self.gpu is not None:
            self.gpu.close()
        self.gpu = None


class NvmlSource:
    """Reads every NVIDIA GPU, or those named in `select` (indices, or UUIDs and their beginnings).

    `binding` is the module pynvml (default: the installed one), `translate_pid` maps a PID of the driver
    to ours (default: NamespacePids), `detect_wsl` tells whether this is WSL. `read` never raises for
    what the driver does: a state and a sentence, or Missing, say it. Call it from one thread.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        select: tuple[str, ...] = (),
        binding: ModuleType | None = None,
        translate_pid: TranslatePid | None = None,
        detect_wsl: Callable[[], bool] = nvml_driver.detect_wsl,
    ) -> None:
        self._select = select
        self._binding: Any = binding
        self._pids = PidMap(translate_pid or NamespacePids(clock))
        self._is_wsl = detect_wsl()
        # How many GPUs the machine has, whatever is selected; None where no driver has told.
        self.machine_gpus: int | None = None
        self._driver = _NOT_OPENED
        self._slots: list[_Slot] = []
        self._initialised = False
        self._open_at = 0.0

    def read(self, now: Instant) -> GpusReading:
        """Return the driver and its GPUs at `now`; ratios and rates are since the previous read."""
        if not self._initialised and now.monotonic_seconds >= self._open_at:
            self._open(now)
        if not self._initialised:
            return GpusReading(self._driver, tuple(slot.silence for slot in self._slots))
        try:
            readings = tuple(self._read_slot(slot, now) for slot in self._slots)
        except DriverGoneError as gone:
            return self._gone(gone.code, now)
        if readings and all(reading.state is GpuState.LOST for reading in readings):
            # Nothing left to lose: a new session finds them if they come back.
            self._shut()
            self._open_at = now.monotonic_seconds + REOPEN_SECONDS
        self._pids.prune(now)
        return GpusReading(self._driver, readings)

    def close(self) -> None:
        """Shut the driver's library down; a later read would open it again."""
        self._shut()
        self._slots = []
        self._open_at = 0.0

    def _read_slot(self, slot: _Slot, now: Instant) -> GpuReading:
        if slot.gpu is None and now.monotonic_seconds >= slot.retry_at:
            self._retry(slot, now)
        if slot.gpu is None:
            return slot.silence
        try:
            return slot.gpu.read(now)
        except GpuLostError as lost:
            slot.silence = slot.gpu.lost(lost.missing)
            slot.drop()
            slot.retry_at = now.monotonic_seconds + RETRY_LOST_SECONDS
            return slot.silence

    def _retry(self, slot: _Slot, now: Instant) -> None:
        fresh = self._slot(slot.index, slot.silence)
        slot.gpu, slot.silence = fresh.gpu, fresh.silence
        slot.retry_at = now.monotonic_seconds + RETRY_LOST_SECONDS

    def _open(self, now: Instant) -> None:
        self._open_at = now.monotonic_seconds + REOPEN_SECONDS
        if self._binding is None:
            loaded = nvml_driver.load_binding()
            if isinstance(loaded, DriverReading):
                self._driver = loaded
                return
            self._binding = loaded
        unusable = nvml_driver.check_binding(self._binding)
        if unusable is not None:
            self._driver = unusable
            return
        try:
            self._binding.nvmlInit()
        except self._binding.NVMLError as error:
            self._fail(_code(error))
            return
        self._initialised = True
        try:
            self._find_gpus(now)
        except self._binding.NVMLError as error:
            self._gone(_code(error), now)
        except DriverGoneError as gone:
            self._gone(gone.code, now)

    def _find_gpus(self, now: Instant) -> None:
        count = int(self._binding.nvmlDeviceGetCount())
        self.machine_gpus = count
        self._driver = nvml_driver.opened(self._binding, is_wsl=self._is_wsl)
        before = {slot.index: slot.silence for slot in self._slots}
        found = [self._slot(index, before.get(index)) for index in range(count)]
        slots = [slot for slot in found if self._selected(slot)]
        for slot in slots:
            slot.retry_at = now.monotonic_seconds + RETRY_LOST_SECONDS
        if slots:
            self._slots = slots
            return
        self._silence(Missing("the driver does not see the GPU any more"))
        self._shut()
        text = nvml_driver.NO_GPUS
        if count:
            text = f"no GPU is called {', '.join(self._select)}: there are {count}, numbered from 0"
        self._driver = DriverReading(
            DriverState.NO_GPUS, text, self._driver.driver_version, self._driver.cuda_version, self._is_wsl
        )

    def _slot(self, index: int, before: GpuReading | None) -> _Slot:
        uuid, name = (before.uuid, before.name) if before else (f"gpu-{index}", f"GPU {index}")
        try:
            handle = self._binding.nvmlDeviceGetHandleByIndex(index)
            gpu = NvmlGpu(self._binding, handle, index, self._pids, is_wsl=self._is_wsl)
        except GpuLostError as lost:
            return _Slot(index, None, silent(index, uuid, name, GpuState.LOST, lost.missing))
        except self._binding.NVMLError as error:
            code = _code(error)
            state = GpuState.LOST if code in LOST else GpuState.UNREADABLE
            return _Slot(index, None, silent(index, uuid, name, state, reason(code)))
        return _Slot(index, gpu, gpu.lost(Missing("not read")))

    def _selected(self, slot: _Slot) -> bool:
        return not self._select or any(_means(name, slot) for name in self._select)

    def _gone(self, code: int, now: Instant) -> GpusReading:
        """The driver does not answer any more: every GPU is lost until it is back."""
        self._shut()
        self._fail(code)
        self._open_at = now.monotonic_seconds + REOPEN_SECONDS
        return GpusReading(self._driver, tuple(slot.silence for slot in self._slots))

    def _fail(self, code: int) -> None:
        self._driver = nvml_driver.failed(code)
        self._silence(Missing(self._driver.text))

    def _silence(self, missing: Missing) -> None:
        for slot in self._slots:
            known = slot.silence
            slot.silence = silent(known.index, known.uuid, known.name, GpuState.LOST, missing)
            slot.drop()

    def _shut(self) -> None:
        if not self._initialised:
            return
        self._initialised = False
        for slot in self._slots:
            slot.drop()
        # The driver may have gone first: then there is nothing left to shut.
        with suppress(self._binding.NVMLError):
            self._binding.nvmlShutdown()


def _means(name: str, slot: _Slot) -> bool:
    """Tell whether `name` is the GPU's index, or its UUID or the beginning of it (as for CUDA)."""
    return name == str(slot.index) or (len(name) > 4 and slot.silence.uuid.lower().startswith(name.lower()))


def _code(error: Exception) -> int:
    return int(getattr(error, "value", 999))
