"""What `gpumon plan` can know of this machine before a run: its GPU, cores, memory, and earlier runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.advice.starting_facts import GpuFacts, MachineFacts, StartingFacts
from gpumon.model.gpu import GpuReading, GpuSlice
from gpumon.model.host import CgroupReading
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.text import clean
from gpumon.recording.runs_run import RunAbout, RunProcess, RunsError, RunSetting

_OPTIONS = "options of gpumon plan"


def gpus_here(select: tuple[str, ...] = ()) -> tuple[tuple[GpuReading, ...], str]:
    """Return the GPUs that the driver shows now, and in one sentence why there are none."""
    from gpumon.sources.clock import SystemClock
    from gpumon.sources.nvml import NvmlSource

    clock = SystemClock()
    source = NvmlSource(clock, select=select)
    try:
        found = source.read(clock.now())
    finally:
        source.close()
    return found.gpus, "" if found.gpus else found.driver.text or found.driver.state.value


def visible_of(gpus: tuple[GpuReading, ...], variable: str | None) -> Maybe[tuple[GpuReading, ...]]:
    """Return the GPUs that CUDA shows with that CUDA_VISIBLE_DEVICES (None: not set), in its order.

    Indices, or UUIDs and their beginnings; nothing behind a name that is none (CUDA programming guide). Of
    slices (MIG) it takes the first one that is named, which stands here for a GPU (NVIDIA's MIG user guide).
    """
    if variable is None:
        return gpus
    found: list[GpuReading] = []
    for name in (part.strip().lower() for part in variable.split(",")):
        if name.startswith("mig-"):
            parts = (as_gpu(gpu, part) for gpu in gpus for part in gpu.slices if part.uuid.lower() == name)
            part = next(parts, None)
            if part is None:
                return Missing("CUDA_VISIBLE_DEVICES names a slice of a GPU (MIG): say --gpu-memory")
            return (part,)
        means = (gpu for gpu in gpus if name == str(gpu.index) or _begins(gpu.uuid, name))
        gpu = next(means, None)
        if gpu is None:
            break
        found.append(gpu)
    return tuple(found)


def gpu_of(visible: Maybe[tuple[GpuReading, ...]], why: str) -> Maybe[GpuFacts]:
    """Return the GPU that YOLOv5 takes by default, the first, with what is held of it now.

    `why` is the driver's word where it shows none.
    """
    if isinstance(visible, Missing):
        return visible
    if not visible:
        return Missing(f"{why or 'CUDA_VISIBLE_DEVICES hides all GPUs'}: say --gpu-memory")
    first = visible[0]
    if known(first.gpu_mig_mode) and len(first.slices) == 1:
        first = as_gpu(first, first.slices[0])
    name = clean(first.name, 80)
    if known(first.gpu_mig_mode):
        return Missing(f"{name} is divided by MIG, and the slice is not known: say --gpu-memory")
    total, used = known(first.gpu_memory_total_bytes), known(first.gpu_memory_used_bytes)
    if total is None:
        return Missing(f"the driver does not tell the memory of {name}: say --gpu-memory")
    reserved = known(first.gpu_memory_reserved_bytes) or 0
    return GpuFacts(total, reserved + (used or 0), "the driver", name)


def as_gpu(gpu: GpuReading, part: GpuSlice) -> GpuReading:
    """Return a slice of a GPU (MIG) as CUDA shows it: a GPU with the slice's memory."""
    return replace(
        gpu,
        uuid=part.uuid,
        name=f"a slice (MIG) of {gpu.name}",
        slices=(),
        gpu_mig_mode=False,
        gpu_memory_used_bytes=part.gpu_memory_used_bytes,
        gpu_memory_reserved_bytes=part.gpu_memory_reserved_bytes,
        gpu_memory_total_bytes=part.gpu_memory_total_bytes,
    )


def device_of(visible: Maybe[tuple[GpuReading, ...]]) -> str | None:
    """Return what to give `--device`, None where one GPU is seen: else YOLOv5 divides the CPUs among all."""
    shown = known(visible) or ()
    return str(shown[0].index) if len(shown) > 1 else None


def _begins(uuid: str, name: str) -> bool:
    return len(name) > 4 and uuid.lower().startswith(name)


def machine_here() -> MachineFacts:
    """Return what this process, and so one that it could start, may use."""
    from gpumon.sources.cgroup import CgroupSource
    from gpumon.sources.clock import SystemClock
    from gpumon.sources.host import HostSource
    from gpumon.sources.shm import shared_memory

    now = SystemClock().now()
    cgroup_source, host_source = CgroupSource(os.getpid()), HostSource()
    try:
        cgroup, memory = known(cgroup_source.read(now)), host_source.read(now).memory
    finally:
        cgroup_source.close()
        host_source.close()
    available = memory if isinstance(memory, Missing) else memory.memory_available_bytes
    shm = shared_memory(os.getpid())
    return machine_of(
        os.cpu_count() or 1,
        len(os.sched_getaffinity(0)),
        cgroup,
        available,
        shm if isinstance(shm, Missing) else shm.shm_free_bytes,
    )


def machine_of(
    cpu_count: int, affinity: int, cgroup: CgroupReading | None, available: Maybe[int], shm_free: Maybe[int]
) -> MachineFacts:
    """Return the facts of a machine: the tightest of its limits on cores and memory counts."""
    quota = None if cgroup is None else known(cgroup.cpu_quota_cores)
    cores, limit = float(affinity), "" if affinity >= cpu_count else f"affinity of {cpu_count} CPUs"
    if quota is not None and quota < cores:
        cores, limit = quota, "the quota of its cgroup"
    free = known(available)
    if cgroup is not None and free is not None:
        most, used = known(cgroup.memory_limit_bytes), known(cgroup.memory_used_bytes)
        if most is not None and used is not None:
            available = max(0, min(free, most - used))
    return MachineFacts(cpu_count, cores, 1, limit, available, shm_free)


def prior_here(facts: StartingFacts, files: Mapping[str, str], path: Path) -> tuple[Prior, str]:
    """Return what earlier runs of this training on this machine taught; a broken database is a sentence."""
    from gpumon.recording.runs import RunsDatabase
    from gpumon.recording.runs_place import boot_id
    from gpumon.recording.runs_prior import AtHand, prior_of
    from gpumon.recording.runs_reach import is_there

    if not is_there(path):
        return NOTHING_KNOWN, ""
    hostname = socket.gethostname()
    at_hand = AtHand(RunProcess(boot_id(hostname), 0, 0), about_of(facts, files, hostname))
    try:
        database = RunsDatabase(path, readonly=True)
        try:
            return prior_of(database, at_hand), ""
        finally:
            database.close()
    except RunsError as error:
        return NOTHING_KNOWN, f"earlier runs are left out: {error}"


def about_of(facts: StartingFacts, files: Mapping[str, str], hostname: str) -> RunAbout:
    """Return the description of the run that is planned, to compare earlier ones with.

    `files` are weights, cfg and data as the command gives them, by the name of the setting.
    """
    gpu = known(facts.gpu)
    settings = [RunSetting(name, value, _OPTIONS) for name, value in files.items()]
    settings.append(RunSetting("imgsz", facts.imgsz, _OPTIONS))
    return RunAbout(
        framework="yolov5",
        name="train.py",
        hostname=hostname,
        simulated=False,
        world_size=1,
        command=(),
        settings=tuple(settings),
        gpus=() if gpu is None or not gpu.name else (gpu.name,),
        usable_cores=facts.machine.usable_cores,
    )
