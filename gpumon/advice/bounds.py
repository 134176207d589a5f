"""What keeps the number of workers from being larger."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from gpumon.advice import effective
from gpumon.advice.effective import WorkerCap, cores_divisor, gpus_seen
from gpumon.advice.shared_memory import shared_memory_need_bytes, workers_that_fit
from gpumon.advice.throughput import Pipeline, pipeline_of, workers_for_cores
from gpumon.diagnosis.cores import CoreLimit, cores_of, limit_words
from gpumon.diagnosis.starvation import worker_time
from gpumon.diagnosis.storage import IDLE_DEVICE_RATIO, storage_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, count_words, percent
from gpumon.history.stats import mean
from gpumon.model.measure import known
from gpumon.model.process import Role
from gpumon.model.suggestion import Bound

# Left free for everything else on the machine.
_KEPT_MEMORY_RATIO = 0.10
_KEPT_SHM_RATIO = 0.10

# Workers that wait less than that for a disk are not bound by it.
_LEAST_DISK_RATIO = 0.05
# A disk, like the cores, is full at 95 %.
FULL_RATIO = 0.95

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


CORE_KINDS = frozenset({Bound.CORES, Bound.AFFINITY, Bound.QUOTA})


def bounds_of(view: View) -> tuple[WorkerBound, ...]:
    """Return everything that bounds the workers of one rank at the present batch, the tightest first."""
    return view.once(_bounds)


def worker_bounds(view: View, pipeline: Pipeline | None, batch: int | None = None) -> tuple[WorkerBound, ...]:
    """Return everything that bounds the workers of one rank, the tightest first.

    `batch` is that of a rank where it is to change.
    """
    # Of equals the first counts: the cores, since no other framework would lift them.
    cores = _cores(view, pipeline) if pipeline is not None else None
    found = [cores, _disk(view), _memory(view), _shm(view, batch), _batch(view, batch), _framework(view)]
    return tuple(sorted((bound for bound in found if bound is not None), key=lambda bound: bound.workers))


def _bounds(view: View) -> tuple[WorkerBound, ...]:
    return worker_bounds(view, pipeline_of(view))


def framework_cap(view: View, ranks: int | None = None) -> int | None:
    """Return the workers that the framework silently cuts to, whatever is asked for; None for no cap.

    YOLOv5 and ultralytics: CPUs of the machine per visible GPU, blind to affinity and quota. With `ranks`: as
    it would be with so many processes, which see a GPU each.
    """
    training, cores = view.reading.training, known(view.sample.host.cores)
    if training.framework == "ultralytics" and not view.on_gpu:
        return 0
    if training.framework not in {"yolov5", "ultralytics"} or not cores:
        return None
    version = known(training.framework_version) or ""
    gpus = visible_gpus(view) if ranks is None else ranks
    return len(cores) // cores_divisor(training.framework, version, gpus=gpus, ranks=ranks or view.ranks)


def visible_gpus(view: View) -> int:
    """Return how many GPUs the training sees, whichever of them are watched."""
    training = view.reading.training
    if training.visible_gpus is not None:
        return training.visible_gpus
    # A recording of before it was kept, or no driver: the GPUs that are watched, unless it says otherwise.
    device = view.setting("device")
    variable = next((value for name, value in training.environment if name == "CUDA_VISIBLE_DEVICES"), None)
    return gpus_seen(None if device is None else str(device), variable, len(view.gpus)) or 0


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
    most = max(workers, int(FULL_RATIO * workers / busy))
    return WorkerBound(most, Bound.NONE, f"the disk {storage.device}, which is busy {percent(busy)}")


def _framework(view: View) -> WorkerBound | None:
    cap = framework_cap(view)
    if cap is None:
        return None
    if view.reading.training.framework == "ultralytics" and cap == 0:
        return WorkerBound(0, Bound.FRAMEWORK, "ultralytics, which starts no workers on the CPU")
    name = "YOLOv5" if view.reading.training.framework == "yolov5" else "ultralytics"
    return WorkerBound(cap, Bound.FRAMEWORK, f"{name}, which cuts to the CPUs per visible GPU")


def _batch(view: View, changed: int | None) -> WorkerBound | None:
    batch = changed or rank_batch(view)
    # ultralytics cuts to the number of batches instead (its build.py), which hardly ever is tighter.
    if batch is None or view.reading.training.framework != "yolov5":
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
    each, room = mean(sizes), min(free)

    def need(count: int) -> float:
        more = validation_workers(view, count) - validation_workers(view, workers)
        return each * (view.ranks * (count - workers) + more)

    counts = range(workers + 1, workers + 2 + int(max(0.0, room) / each))
    most = workers + bisect_right(counts, room, key=need)
    beside = validation_workers(view, most + 1) - validation_workers(view, most)
    words = f"memory: a worker takes {bytes_words(each)}"
    if beside:
        words += f", and so do {count_words(beside, 'more')} for validation"
    return WorkerBound(most, Bound.MEMORY, words)


def validation_workers(view: View, workers: int, batch: int | None = None) -> int:
    """Return how many validation workers rank 0 has with so many train workers of a rank.

    `batch` is that of a rank where it is to change. They stay for the whole run (YOLOv5's train.py and
    InfiniteDataLoader).
    """
    training, cores = view.reading.training, known(view.sample.host.cores)
    return effective.validation_workers(
        training.framework,
        known(training.framework_version) or "",
        WorkerCap(
            asked=workers,
            batch=batch or rank_batch(view),
            cores=len(cores) if cores else None,
            gpus=visible_gpus(view),
            world_size=view.ranks,
        ),
        classifies="classify" in training.name,
        on_cpu=not view.on_gpu,
    )


def _shm(view: View, batch: int | None) -> WorkerBound | None:
    shm, workers, size = known(view.reading.loader.shm), known(view.workers), view.setting("imgsz")
    now = rank_batch(view)
    if shm is None or workers is None or now is None or not isinstance(size, int) or size <= 0:
        return None
    free = shm.shm_free_bytes - _KEPT_SHM_RATIO * shm.shm_total_bytes
    running = workers
    if batch is not None and batch != now:
        # A new start, with what the present batches hold at least.
        val_workers = validation_workers(view, workers)
        held = shared_memory_need_bytes(workers, now, size, val_workers=val_workers, ranks=view.ranks)
        free, running = free + held.low, 0

    def beside(count: int) -> int:
        return validation_workers(view, count, batch)

    most = workers_that_fit(free, running, batch or now, size, beside, view.ranks)
    return WorkerBound(most, Bound.SHM, f"a /dev/shm of {bytes_words(shm.shm_total_bytes)}")
