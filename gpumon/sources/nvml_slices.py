"""The MIG devices of a GPU: parts of it, each with memory and processes of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from gpumon.model.gpu import GpuSlice
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.sources.nvml_calls import NvmlCalls


class MigDevice(NamedTuple):
    """A MIG device with its kept handle."""

    calls: NvmlCalls
    uuid: str

    def read(self, binding: Any, pids: Maybe[tuple[int, ...]]) -> GpuSlice:
        """Return its memory now. Raises GpuLostError and DriverGoneError, and nothing else."""
        used, reserved, total = device_memory(binding, self.calls)
        return GpuSlice(self.uuid, used, reserved, total, pids)


def mig_devices(binding: Any, calls: NvmlCalls) -> tuple[MigDevice, ...]:
    """Return the MIG devices that exist on a GPU and that may be seen: fewer than the GPU allows.

    Raises GpuLostError and DriverGoneError, and nothing else.
    """
    most = calls.ask("nvmlDeviceGetMaxMigDeviceCount")
    if isinstance(most, Missing):
        return ()
    found = []
    for slot in range(most):
        handle = calls.ask("nvmlDeviceGetMigDeviceHandleByIndex", slot)
        if isinstance(handle, Missing):
            continue
        own = NvmlCalls(binding, handle)
        uuid = own.ask("nvmlDeviceGetUUID")
        # Without a name it could not be told from its neighbours in the next sample.
        name = f"mig-{slot}" if isinstance(uuid, Missing) else clean(str(uuid), limit=96)
        found.append(MigDevice(own, name))
    return tuple(found)


def device_memory(binding: Any, calls: NvmlCalls) -> tuple[Maybe[int], Maybe[int], Maybe[int]]:
    """Return used, reserved and total of a GPU or a MIG device, in bytes.

    Version 1 of the call counts as used what the driver reserves (R510+).
    """
    version = getattr(binding, "nvmlMemory_v2", None)
    if version is not None:
        memory = calls.ask("nvmlDeviceGetMemoryInfo", version)
        if not isinstance(memory, Missing):
            return memory.used, memory.reserved, memory.total
    memory = calls.ask("nvmlDeviceGetMemoryInfo")
    if isinstance(memory, Missing):
        return memory, memory, memory
    return memory.used, Missing("this driver counts it as used"), memory.total
