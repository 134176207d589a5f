"""Which GPUs a training uses, and what it holds there."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.gpu import GpuProcess, GpuReading
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.training import Setting, Training

_NO_GPU = Missing("the training does not use a GPU")


@dataclass(frozen=True, slots=True)
class GpuUse:
    """The UUIDs of a training's GPUs, and the device memory its processes hold on them, in bytes."""

    gpu_uuids: tuple[str, ...]
    gpu_memory_used_bytes: Maybe[int]


def gpu_use(training: Training, gpus: tuple[GpuReading, ...]) -> GpuUse:
    """Return which of `gpus` the training uses.

    By the driver's process lists. Where these are hidden (WSL, some containers) and there is one GPU, it
    is that one, and all memory in use on it is an upper bound that is not claimed to be the training's.
    """
    if any(gpu.simulated for gpu in gpus) and training.simulated:
        gpus = tuple(gpu for gpu in gpus if gpu.simulated)
    pids = {training.id.pid, *training.pids()}
    own: dict[str, list[GpuProcess]] = {}
    for gpu in gpus:
        for process in known(gpu.processes) or ():
            if process.pid in pids:
                own.setdefault(gpu.uuid, []).append(process)
    if own:
        return GpuUse(tuple(own), _memory([process for found in own.values() for process in found]))
    if _is_on_cpu(training) or not gpus:
        return GpuUse((), _NO_GPU)
    hidden = [gpu for gpu in gpus if isinstance(gpu.processes, Missing)]
    if len(gpus) == 1 and hidden:
        reason = known(hidden[0].processes) or hidden[0].processes
        text = reason.reason if isinstance(reason, Missing) else "hidden"
        return GpuUse((gpus[0].uuid,), Missing(f"the GPU's process list is hidden: {text}"))
    return GpuUse((), Missing("the driver lists none of its processes on a GPU"))


def _memory(processes: list[GpuProcess]) -> Maybe[int]:
    total = 0
    for process in processes:
        if isinstance(process.gpu_memory_used_bytes, Missing):
            return process.gpu_memory_used_bytes
        total += process.gpu_memory_used_bytes
    return total


def _is_on_cpu(training: Training) -> bool:
    device = known(training.settings.device)
    return isinstance(device, Setting) and str(device.value).strip().lower() == "cpu"
