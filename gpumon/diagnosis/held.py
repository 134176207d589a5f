"""GPU memory that a training and others hold in one pool, and the most of it that was seen.

A pool is the memory of a GPU, or of a slice of one that is divided by MIG: all that a process may take.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.view import View
from gpumon.model.gpu import GpuReading, GpuSlice
from gpumon.model.measure import known
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Training

# Samples in which peak and other tenants are looked for process by process; what was before is known as
# a sum. Looking through all 180 would cost 30 ms with 8 GPUs and 64 processes.
_LOOKED_THROUGH = 20


@dataclass(frozen=True, slots=True)
class Pool:
    """The memory of a GPU or, where `slice_uuid` says which, of one of its MIG devices, in bytes.

    `reserved_bytes` is what the driver keeps of it.
    """

    gpu_uuid: str
    slice_uuid: str
    total_bytes: int
    reserved_bytes: int


def pools_of(view: View) -> tuple[Pool, ...]:
    """Return the pools that a training takes its memory from, without those whose size is not known."""
    return view.once(_pools)


def held_in(view: View, pool: Pool) -> tuple[int | None, int]:
    """Return the most that the training and the most that others held of a pool."""
    newest = view.seen[-_LOOKED_THROUGH:]
    members = _members(view.reading.training)

    def look(sample: Sample) -> tuple[int, int] | None:
        reading = next(reading for seen, reading in newest if seen is sample)
        return _held_at(sample, reading, pool, members)

    question = ("held", pool.gpu_uuid, pool.slice_uuid, view.reading.training.id, members)
    held = view.window.moments.answers(question, (sample for sample, _ in newest), look)
    known_ones = [each for each in held if each is not None]
    peak = max((own for own, _ in known_ones), default=None)
    return _peak_before(view, peak), max((others for _, others in known_ones), default=0)


def slices_of(gpu: GpuReading, training: Training) -> tuple[GpuSlice, ...]:
    """Return the slices of a GPU that a training runs on; none where that is not known.

    By the driver's process lists; where they are hidden, by CUDA_VISIBLE_DEVICES, of which CUDA takes the
    first MIG device (NVIDIA's MIG user guide); where there is but one slice (a container), it.
    """
    members = _members(training)
    found = tuple(part for part in gpu.slices if members.intersection(known(part.pids) or ()))
    if found:
        return found
    variable = next((value for name, value in training.environment if name == "CUDA_VISIBLE_DEVICES"), "")
    name = variable.split(",")[0].strip().lower()
    named = tuple(part for part in gpu.slices if name and part.uuid.lower() == name)
    return named or (gpu.slices if len(gpu.slices) == 1 else ())


def _held_at(
    sample: Sample, reading: TrainingReading, pool: Pool, members: frozenset[int]
) -> tuple[int, int] | None:
    """Return what the training and what others held of a pool in one sample; None where it is not known."""
    gpu = _gpu(sample, pool.gpu_uuid)
    if gpu is None:
        return None
    if pool.slice_uuid:
        part = next((part for part in gpu.slices if part.uuid == pool.slice_uuid), None)
        if part is None:
            return None
        own, used = _used_in(part, gpu, members), known(part.gpu_memory_used_bytes)
    else:
        own, used = _used_on(gpu, reading, members), known(gpu.gpu_memory_used_bytes)
    return None if own is None else (own, max(0, (used or 0) - own))


def _pools(view: View) -> tuple[Pool, ...]:
    found = []
    for gpu in view.reading.gpus(view.sample.gpus):
        parts: tuple[GpuReading | GpuSlice, ...] = (gpu,)
        if known(gpu.gpu_mig_mode):
            parts = slices_of(gpu, view.reading.training)
        for part in parts:
            total = known(part.gpu_memory_total_bytes)
            if total is not None:
                reserved = known(part.gpu_memory_reserved_bytes) or 0
                found.append(Pool(gpu.uuid, "" if part is gpu else part.uuid, total, reserved))
    return tuple(found)


def _peak_before(view: View, peak: int | None) -> int | None:
    if peak is None:
        return None
    # What was before is known only as the sum over all pools: of use where there is one.
    now = known(view.reading.gpu_memory_used_bytes)
    if now and len(view.reading.gpu_uuids) == 1 and len(pools_of(view)) == 1:
        columns = view.window.series(
            "training_gpu_memory_used_bytes", str(view.pid), columns=24, span_seconds=86400.0
        )
        highest = max((column.high for column in columns if column is not None), default=0.0)
        # float32 rounds by up to 2^-24: not a new peak.
        if highest > peak * (1 + 2**-20):
            peak = int(highest)
    return peak


def _used_on(gpu: GpuReading, reading: TrainingReading, members: frozenset[int]) -> int | None:
    """Return what a training holds on one GPU: by its processes, else its share of its sum."""
    processes = known(gpu.processes)
    own = _own(gpu, members)
    if own is not None:
        return own
    total = known(reading.gpu_memory_used_bytes)
    if total is not None and reading.gpu_uuids:
        return total // len(reading.gpu_uuids)
    # No accounting by process (WSL, some containers): take the GPU to be the training's alone.
    return known(gpu.gpu_memory_used_bytes) if not processes else None


def _used_in(part: GpuSlice, gpu: GpuReading, members: frozenset[int]) -> int | None:
    """Return what a training holds in one slice: by its processes there, else all that is held of it."""
    pids, used = known(part.pids), known(part.gpu_memory_used_bytes)
    own = _own(gpu, members if pids is None else members.intersection(pids))
    if own is not None:
        # A process in two slices is told with the sum of both.
        return own if used is None else min(own, used)
    return used if pids is None or members.issuperset(pids) else None


def _own(gpu: GpuReading, members: frozenset[int]) -> int | None:
    own = [
        value
        for process in known(gpu.processes) or ()
        if process.pid in members and (value := known(process.gpu_memory_used_bytes)) is not None
    ]
    return sum(own) if own else None


def _members(training: Training) -> frozenset[int]:
    return frozenset(member.id.pid for member in training.members)


def _gpu(sample: Sample, uuid: str) -> GpuReading | None:
    for gpu in sample.gpus:
        if gpu.uuid == uuid:
            return gpu
    return None
