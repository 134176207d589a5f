"""Settings to start a YOLOv5 training with, before anything was measured: estimates, each with its ground."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from gpumon.advice.effective import WorkerCap, validation_workers
from gpumon.advice.host_memory import CACHE_SAFETY
from gpumon.advice.memory import MemoryModel, learned_base, nominal_batch
from gpumon.advice.model_memory import (
    USABLE_DEVIATION,
    USABLE_RATIO,
    USABLE_UNVALIDATED_RATIO,
    base_bytes,
    base_deviation,
    largest_batch,
    predicted_peak,
)
from gpumon.advice.prior import SeenMemory, SeenRate
from gpumon.advice.shared_memory import shared_memory_need_bytes
from gpumon.advice.starting_facts import DataFacts, GpuFacts, MachineFacts, StartingFacts
from gpumon.history.stats import Z_90, Interval
from gpumon.model.measure import Maybe, Missing, known

# The guide's "typical" numbers end at 8, which is YOLOv5's own default (train.py).
_MOST_WORKERS = 8
# The main process needs a core for itself where there are more than two.
_CORES_FOR_MAIN = 1
_NOMINAL = 64
# What published figures are rounded down to: an update then sums YOLOv5's 64 images within an eighth.
_SIZES = (64, 56, 32, 28, 24, 20, 16, 12, 8, 6, 4, 2, 1)
_BYTES_PER_PIXEL = 3
# A cache may take half of what is free: the workers and their copies need the rest.
_CACHE_SHARE = 0.5
# What an image costs a YOLOv5 worker, in seconds of a core: four pictures are decoded for a mosaic. Measured
# with the real YOLOv5 on one machine: 12.2 ms for 640x480 and 177 ms for 3200x2400 at 640 pixels, 9.1 ms for
# 640x480 at 320. Linear in the picture's pixels, and in those of the training's size.
_COST_SECONDS, _COST_PER_MEGAPIXEL, _COST_AT_640 = 0.0012, 0.02236, 0.0041
_MOSAIC_IMGSZ = 640
# Cores of other machines are up to twice as fast, or half.
_CORE_SPREAD = 2.0
# Pictures so much larger than needed on their long side are worth resizing before.
_LARGE_RATIO = 2.0


@dataclass(frozen=True, slots=True)
class BatchStart:
    """A batch to start with; `safe` is the largest whose 95th percentile fits, `likely` whose median fits."""

    batch: int
    safe: int
    likely: int
    peak: Interval
    rests_on: str


class NoRoom(Missing):
    """No batch, because not even one image is sure to fit: 1 is what may be tried."""


@dataclass(frozen=True, slots=True)
class WorkersStart:
    """Workers to start with; `prepared` is how many images a second they can prepare, an estimate."""

    workers: int
    text: str
    prepared: Maybe[Interval] = Missing("the sizes of the images are not known")


@dataclass(frozen=True, slots=True)
class CacheStart:
    """Whether to begin with `--cache ram`, and the host memory it asks for in bytes."""

    ram: bool
    text: str
    need: Maybe[Interval] = Missing("the images are not known")


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """Where to begin, and what to watch then."""

    batch: Maybe[BatchStart]
    workers: WorkersStart
    cache: CacheStart
    watch: tuple[str, ...]
    seen: SeenRate | None = None


def starting_point(facts: StartingFacts) -> StartingPoint:
    """Return the settings to start with."""
    batch = _batch(facts)
    seen = max(facts.prior.rates, key=lambda rate: rate.images_per_second, default=None)
    size = batch.batch if isinstance(batch, BatchStart) else 1 if isinstance(batch, NoRoom) else None
    workers = _workers(facts, size, seen)
    cache = _cache(facts)
    return StartingPoint(batch, workers, cache, tuple(_watch(facts, batch, workers)), seen)


def _batch(facts: StartingFacts) -> Maybe[BatchStart]:
    gpu = facts.gpu
    if isinstance(gpu, Missing):
        return gpu
    usable = [seen for seen in facts.prior.memory if seen.batch_size > 0 and seen.peak_bytes > 0]
    # A peak with its validation is that of a whole run.
    measured = max(
        usable,
        key=lambda seen: (seen.has_validation, seen.batch_size, seen.peak_bytes),
        default=None,
    )
    return _batch_published(facts, gpu) if measured is None else _batch_measured(facts, gpu, measured)


def _batch_published(facts: StartingFacts, gpu: GpuFacts) -> Maybe[BatchStart]:
    largest = largest_batch(facts.model, facts.imgsz, gpu.total_bytes, taken_bytes=gpu.taken_bytes)
    if isinstance(largest, Missing):
        return largest
    if largest.safe < 1:
        return NoRoom("by published figures not even a batch of 1 is sure to fit on this GPU")
    batch = next(size for size in _SIZES if size <= largest.safe)
    peak = predicted_peak(facts.model, facts.imgsz, batch)
    if isinstance(peak, Missing):
        return peak
    basis = "published figures of this model with automatic mixed precision and SGD"
    return BatchStart(batch, largest.safe, largest.likely, peak, basis)


def _batch_measured(facts: StartingFacts, gpu: GpuFacts, seen: SeenMemory) -> Maybe[BatchStart]:
    """Return the batch from the peak that an earlier run held, at most twice that run's.

    By the model of gpumon.advice.memory, so that the advice to the run says the same of the same peaks.
    """
    peak, batch = seen.peak_bytes, seen.batch_size
    # Peaks with a validation and one without do not lie on one line.
    earlier = facts.prior.memory if seen.has_validation else ()
    expected, doubt = base_bytes(facts.model), base_deviation(facts.model)
    base, deviation, others = learned_base(batch, peak, expected, doubt, earlier)
    free = gpu.total_bytes - gpu.taken_bytes
    model = MemoryModel(
        batch,
        peak,
        base,
        (peak - base) / batch,
        (USABLE_RATIO if seen.has_validation else USABLE_UNVALIDATED_RATIO) * free,
        deviation,
        allowed_deviation=USABLE_DEVIATION * free,
    )
    safe = model.largest(safe=True)
    if safe < 1:
        return NoRoom(f"by what an earlier run held with a batch of {batch} not even 1 is sure to fit")
    # Above 64 an update sums more images: that more fits is said, not done.
    start = min(_NOMINAL, nominal_batch(safe, 0))
    basis = f"the peak that an earlier run held at a batch of {batch}"
    if others:
        basis += f", and those at {', '.join(map(str, others))}"
    return BatchStart(start, safe, max(safe, model.largest(safe=False)), model.bytes_at(start), basis)


def _workers(facts: StartingFacts, batch: int | None, seen: SeenRate | None) -> WorkersStart:
    machine = facts.machine
    cores = floor(machine.usable_cores)
    free = cores - _CORES_FOR_MAIN if cores > 2 else cores
    by_yolov5 = machine.cpu_count // max(1, machine.visible_gpus)
    # What was measured needs no rule of thumb; a run without workers says nothing of how many are enough.
    fastest = "" if seen is None else f"the fastest earlier run of this training had {seen.workers}"
    if seen is not None and seen.workers:
        bounds = [(seen.workers, fastest)]
    else:
        bounds = [(_MOST_WORKERS, "more than 8 hardly ever help before it is measured")]
    bounds += [(max(1, free), _core_words(facts)), (by_yolov5, "YOLOv5 cuts to the CPUs per visible GPU")]
    if batch is not None:
        # With one image a batch YOLOv5 starts no workers at all.
        bounds.append((batch if batch > 1 else 0, f"YOLOv5 cuts to the batch of {batch}"))
    workers, text = min(bounds, key=lambda bound: bound[0])
    if fastest and text != fastest:
        text += f"; {fastest}"
    return WorkersStart(workers, text, _prepared(facts, workers))


def usable_words(machine: MachineFacts) -> str:
    """Return the cores that may be used, as "1 core" or "7.5 cores"."""
    return f"{machine.usable_cores:g} {'core' if machine.usable_cores == 1 else 'cores'}"


def _core_words(facts: StartingFacts) -> str:
    machine = facts.machine
    limit = f" ({machine.limited_by})" if machine.limited_by else ""
    words = f"{usable_words(machine)} may be used{limit}"
    return f"{words}, one is for the main process" if machine.usable_cores > 2 else words


def image_cost_seconds(sizes: tuple[tuple[int, int], ...], imgsz: int) -> float:
    """Return what an image costs a YOLOv5 worker on average, in seconds of a core, with mosaic.

    From timings of the real YOLOv5 on one machine (the constants above). Raises ZeroDivisionError for none.
    """
    pixels = sum(width * height for width, height in sizes) / len(sizes)
    return _COST_SECONDS + _COST_PER_MEGAPIXEL * pixels / 1e6 + _COST_AT_640 * (imgsz / _MOSAIC_IMGSZ) ** 2


def _prepared(facts: StartingFacts, workers: int) -> Maybe[Interval]:
    data = facts.data
    if isinstance(data, Missing):
        return data
    if not data.sizes or workers < 1:
        return Missing("no size of an image could be read" if workers else "there are no workers")
    rate = min(float(workers), facts.machine.usable_cores) / image_cost_seconds(data.sizes, facts.imgsz)
    return Interval(rate, rate / _CORE_SPREAD, rate * _CORE_SPREAD)


def cache_need_bytes(data: DataFacts, imgsz: int) -> Interval:
    """Return the host memory that `--cache ram` asks for, from the sizes of the sample.

    Each image is kept decoded, with `imgsz` on its long side, and YOLOv5 wants a tenth more to be free
    (load_image and check_cache_ram, v7.0). The interval is that of the sample's mean, for 90 %. Raises
    ZeroDivisionError without a sample.
    """
    each = [
        _BYTES_PER_PIXEL * width * height * (imgsz / max(width, height)) ** 2 for width, height in data.sizes
    ]
    mean = sum(each) / len(each)
    deviation = (sum((one - mean) ** 2 for one in each) / max(1, len(each) - 1) / len(each)) ** 0.5
    low, high = max(0.0, mean - Z_90 * deviation), mean + Z_90 * deviation
    return Interval(*(CACHE_SAFETY * data.images * value for value in (mean, low, high)))


def _cache(facts: StartingFacts) -> CacheStart:
    data, free = facts.data, known(facts.machine.memory_available_bytes)
    if isinstance(data, Missing):
        return CacheStart(ram=False, text=data.reason)
    if not data.sizes:
        return CacheStart(ram=False, text="no size of an image could be read")
    need = cache_need_bytes(data, facts.imgsz)
    fits = data.is_whole and free is not None and need.high <= _CACHE_SHARE * free
    return CacheStart(ram=fits, text=_cache_words(data, need, free), need=need)


def _cache_words(data: DataFacts, need: Interval, free: int | None) -> str:
    if not data.is_whole:
        return "there are more images than were counted: not caching"
    if free is None:
        return "how much memory is free is not known"
    if need.high <= _CACHE_SHARE * free:
        return "the decoded images fit into half of the free memory; it helps where loading is the limit"
    if need.high <= free:
        return "the decoded images would take most of the free memory: only if loading turns out the limit"
    return "the decoded images do not fit into the free memory"


def _watch(facts: StartingFacts, batch: Maybe[BatchStart], workers: WorkersStart) -> list[str]:
    """Return what to look at once the training runs."""
    found = []
    if not isinstance(batch, Missing):
        found.append(
            "GPU memory after the first validation, which runs at twice the batch: it may be the peak"
        )
        if batch.likely > batch.batch:
            found.append(
                f"whether more fits: batches up to {batch.likely} are likely to, by the same figures"
            )
        if batch.safe > _NOMINAL:
            found.append(f"up to {batch.safe} is safe, but above {_NOMINAL} an update sums more images")
        found += _shm(facts, batch.batch, workers.workers)
    found.append("the share of time the GPU waits for data: above 5 % gpumon says which setting to change")
    data = known(facts.data)
    if data is not None and data.sizes:
        long_side = sum(max(size) for size in data.sizes) / len(data.sizes)
        if long_side >= _LARGE_RATIO * facts.imgsz:
            found.append(
                f"decoding: pictures are {long_side:.0f} pixels long on average and {facts.imgsz} are needed;"
                " copies resized once beforehand load faster than any setting makes them"
            )
    return found


def _shm(facts: StartingFacts, batch: int, workers: int) -> list[str]:
    free = known(facts.machine.shm_free_bytes)
    if free is None or workers < 1:
        return []
    machine = facts.machine
    cap = WorkerCap(workers, batch, machine.cpu_count, machine.visible_gpus)
    val_workers = validation_workers("yolov5", "", cap)
    need = shared_memory_need_bytes(workers, batch, facts.imgsz, val_workers=val_workers)
    if need.high <= free:
        return []
    return ["shared memory: these workers need more than is free (in Docker: --ipc=host or --shm-size)"]
