"""What keeps the number of workers from being larger."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.knobs.yolov5 import base_version
from gpumon.advice.throughput import Pipeline, workers_for_cores
from gpumon.diagnosis.cores import CoreLimit, cores_of, limit_words
from gpumon.diagnosis.starvation import worker_time
from gpumon.diagnosis.storage import IDLE_DEVICE_RATIO, storage_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, percent
from gpumon.history.stats import mean
from gpumon.model.measure import known
from gpumon.model.process import Role
from gpumon.model.suggestion import Bound

# Left free for everything else on the machine.
_KEPT_MEMORY_RATIO = 0.10
_KEPT_SHM_RATIO = 0.10
# Batches that YOLOv5 holds in /dev/shm per train worker: 2 of its own, and of its validation loader's 2
# workers 2 each, at twice the batch. Source: its dataloaders.py and train.py; exact on a live run.
_YOLOV5_BATCHES_PER_WORKER = 10
_BATCHES_PER_WORKER = 2
# With each train worker YOLOv5 starts two for validation, which stay.
_YOLOV5_PROCESSES_PER_WORKER = 3

# Workers that wait less than that for a disk are not bound by it.
_LEAST_DISK_RATIO = 0.05
# A disk, like the cores, is full at 95 %.
_FULL_RATIO = 0.95

_CORE_BOUNDS = {
    CoreLimit.HOST: Bound.CORES,
    CoreLimit.AFFINITY: Bound.AFFINITY,
    CoreLimit.QUOTA: Bound.QUOTA,
}


@dataclass(frozen=True, slots=True)
class WorkerBound:
    """The largest number of workers of one rank that something allows, with words for a sentence."""

    workers: int
    bound: Bound
    text: str


def worker_bounds(view: View, pipeline: Pipeline | None) -> tuple[WorkerBound, ...]:
    """Return everything that bounds the workers of one rank, the tightest first."""
    # Of equals the first counts: the cores, since no other framework would lift them.
    cores = _cores(view, pipeline) if pipeline is not None else None
    found = [cores, _disk(view), _memory(view), _shm(view), _batch(view), _framework(view)]
    return tuple(sorted((bound for bound in found if bound is not None), key=lambda bound: bound.workers))


def framework_cap(view: View) -> int | None:
    """Return the workers that the framework silently cuts to, whatever is asked for; None for no cap.

    YOLOv5 and ultralytics: CPUs of the machine per visible GPU, blind to affinity and quota. v6.0 does
    not divide; v5.0 divides by the ranks.
    """
    cores = known(view.sample.host.cores)
    framework = view.reading.training.framework
    if framework == "ultralytics" and not view.on_gpu:
        return 0
    if framework not in {"yolov5", "ultralytics"} or not cores:
        return None
    version = known(view.reading.training.framework_version)
    base = base_version(version) if framework == "yolov5" and version else "v7.0"
    if base == "v6.0":
        return len(cores)
    share = view.ranks if base == "v5.0" else visible_gpus(view)
    return len(cores) // max(1, share)


def visible_gpus(view: View) -> int:
    """Return how many GPUs the training sees: by its device, CUDA_VISIBLE_DEVICES, else all."""
    device = view.setting("device")
    text = "" if device is None else str(device).strip().lower().replace("cuda:", "")
    if text in {"cpu", "mps"}:
        return 0
    if text and text not in {"none", "-1"}:
        return len([part for part in text.strip("[]()").split(",") if part.strip()])
    for name, value in view.reading.training.environment:
        if name == "CUDA_VISIBLE_DEVICES":
            return len([part for part in value.split(",") if part.strip() not in {"", "-1"}])
    return len(view.sample.gpus)


def rank_batch(view: View) -> int | None:
    """Return the batch of one rank, or None where it is not known."""
    batch = view.setting("batch_size")
    return max(1, batch // view.ranks) if isinstance(batch, int) and batch > 0 else None


def rank_batch_bytes(view: View) -> int | None:
    """Return the bytes of one batch of one rank: uint8, 3 bytes a pixel; None where not known."""
    batch, size = rank_batch(view), view.setting("imgsz")
    return 3 * size * size * batch if batch is not None and isinstance(size, int) and size > 0 else None


def _cores(view: View, pipeline: Pipeline) -> WorkerBound | None:
    count, cores = workers_for_cores(pipeline), cores_of(view)
    if count is None or cores is None:
        return None
    words = limit_words(cores)
    if cores.others is not None and cores.others > 0.5:
        words += ", shared with other programs"
    return WorkerBound(count, _CORE_BOUNDS[cores.limit], words)


def _disk(view: View) -> WorkerBound | None:
    """Return how many workers it takes to fill the disk that they wait for; fewer than now is never asked."""
    workers = known(view.workers)
    if not workers or worker_time(view).disk < _LEAST_DISK_RATIO:
        return None
    storage = storage_of(view)
    busy = storage.device_busy_ratio
    if busy is None or busy < IDLE_DEVICE_RATIO:
        return None
    most = max(workers, int(_FULL_RATIO * workers / busy))
    return WorkerBound(most, Bound.NONE, f"the disk {storage.device}, which is busy {percent(busy)}")


def _framework(view: View) -> WorkerBound | None:
    cap = framework_cap(view)
    if cap is None:
        return None
    if view.reading.training.framework == "ultralytics" and cap == 0:
        return WorkerBound(0, Bound.FRAMEWORK, "ultralytics, which starts no workers on the CPU")
    name = "YOLOv5" if view.reading.training.framework == "yolov5" else "ultralytics"
    return WorkerBound(cap, Bound.FRAMEWORK, f"{name}, which cuts to the CPUs per visible GPU")


def _batch(view: View) -> WorkerBound | None:
    batch = rank_batch(view)
    if batch is None or view.reading.training.framework not in {"yolov5", "ultralytics"}:
        return None
    if batch == 1:
        return WorkerBound(0, Bound.BATCH, "batch 1, for which no workers are started")
    return WorkerBound(batch, Bound.BATCH, f"batch {batch}, beyond which workers are cut")


def _memory(view: View) -> WorkerBound | None:
    workers = known(view.workers)
    sizes = [
        value
        for process in view.reading.processes
        if process.role is Role.TRAIN_WORKER and (value := known(process.memory_pss_bytes))
    ]
    free: list[float] = []
    memory, cgroup = known(view.sample.host.memory), known(view.reading.cgroup)
    if memory is not None:
        free.append(memory.memory_available_bytes - _KEPT_MEMORY_RATIO * memory.memory_total_bytes)
    if cgroup is not None:
        limit, used = known(cgroup.memory_limit_bytes), known(cgroup.memory_used_bytes)
        if limit is not None and used is not None:
            free.append((1 - _KEPT_MEMORY_RATIO) * limit - used)
    if workers is None or not sizes or not free:
        return None
    each = mean(sizes) * (_YOLOV5_PROCESSES_PER_WORKER if view.reading.training.framework == "yolov5" else 1)
    more = max(0, int(min(free) / (each * view.ranks)))
    return WorkerBound(workers + more, Bound.MEMORY, f"memory: a worker takes {bytes_words(each)}")


def _shm(view: View) -> WorkerBound | None:
    shm, workers, batch = known(view.reading.loader.shm), known(view.workers), rank_batch_bytes(view)
    if shm is None or workers is None or batch is None:
        return None
    is_yolov5 = view.reading.training.framework == "yolov5"
    each = batch * (_YOLOV5_BATCHES_PER_WORKER if is_yolov5 else _BATCHES_PER_WORKER)
    free = shm.shm_free_bytes - _KEPT_SHM_RATIO * shm.shm_total_bytes
    more = max(0, int(free / (each * view.ranks)))
    words = f"a /dev/shm of {bytes_words(shm.shm_total_bytes)}: a worker needs {bytes_words(each)}"
    return WorkerBound(workers + more, Bound.SHM, words)
