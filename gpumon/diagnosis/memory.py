"""GPU memory of a training: its peak, its limit, and the probability of running out.

Model: facts on allocation. PyTorch's caching allocator gives nothing back, so what NVML shows is a
high-water mark. For exchangeable peaks per step the number of new records in the next m steps after n
is about ln((n + m) / n) (record theory); a record exceeds the last one by an exponential amount of mean
g. So P(out of memory) = 1 - exp(-ln((n + m) / n) * exp(-H / g)) with H the headroom. An estimate, not
yet calibrated on real GPUs: shown as a word with its number. Memory that grows steadily is judged by its
pace instead (gpumon.diagnosis.growth).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log

from gpumon.diagnosis.flushes import flushes_of
from gpumon.diagnosis.growth import Growth, growth_of, memory_of_the_hour
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_of_words, percent
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Maybe, Missing, known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.suggestion import OomRisk, RiskLevel
from gpumon.model.training import Phase

# Mean step between records, as a share of the device: the prior, worth this many observed records.
_RECORD_STEP = 0.015
_PRIOR_RECORDS = 4
# A rise by less than this share of the device is jitter of the driver, not a record.
_LEAST_RISE = 0.001
# facts: the first validation runs at twice the batch; +0.5 where less than 0.3 of the batch's own memory
# is left for it.
_UNVALIDATED_RISK, _UNVALIDATED_SHARE = 0.5, 0.3
# --multi-scale draws 21 sizes; the largest needs 2.25 times the memory of the activations.
_SIZES, _LARGEST_AREA = 21, 2.25
_ELEVATED, _HIGH = 0.05, 0.30
# facts, 3.3: at least even odds after one flush of the allocator, 0.8 after two.
_FLUSHED_RISKS = (0.0, 0.5, 0.8)
# Samples in which peak and other tenants are looked for process by process; what was before is known as
# a sum. Looking through all 180 would cost 30 ms with 8 GPUs and 64 processes.
_LOOKED_THROUGH = 20


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Memory on the fullest GPU of the training, in bytes.

    `peak` is the most the training held there; `limit` what it could hold: total minus what the driver
    keeps and others use. `steps_done` and `steps_left` count training steps, None where not known.
    `growth` is set where the peak rises steadily; `flushes` are the allocator's, of the last minutes.
    """

    total: int
    peak: int
    limit: int
    validated: bool
    steps_done: int | None
    steps_left: int | None
    risk: Maybe[OomRisk]
    growth: Growth | None = None
    flushes: int = 0


def memory_of(view: View) -> Maybe[GpuMemory]:
    """Return the memory of a training on its fullest GPU, or Missing with the reason."""
    return view.once(_memory)


def _memory(view: View) -> Maybe[GpuMemory]:
    gpus = view.reading.gpus(view.sample.gpus)
    if not gpus:
        return Missing("the training uses no GPU" if not view.on_gpu else "its GPUs are not known")
    held: list[tuple[int, int, int]] = []
    reason = "the memory of its GPUs is not known"
    for gpu in gpus:
        if known(gpu.gpu_mig_mode):
            reason = "the GPU is divided by MIG: the size of this training's slice is not known"
            continue
        total = known(gpu.gpu_memory_total_bytes)
        peak, others = _held_on(view, gpu.uuid)
        if total is None or peak is None:
            continue
        limit = total - (known(gpu.gpu_memory_reserved_bytes) or 0) - others
        held.append((limit - peak, total, peak))
    if not held:
        return Missing(reason)
    headroom, total, peak = min(held)
    done, left = _steps(view.reading)
    validated = _validated(view)
    growth = growth_of(view, total, max(0, headroom)) if validated else None
    limit = headroom + peak
    flushes = flushes_of(view, limit)
    memory = GpuMemory(total, peak, limit, validated, done, left, Missing("not judged"), growth, flushes)
    return replace(memory, risk=_risk(view, memory))


def batch_bytes(memory: GpuMemory) -> float:
    """Return about what one batch takes of the peak: all but context, weights and optimizer (0.8)."""
    return 0.8 * memory.peak


def growth_words(growth: Growth) -> str:
    """Return "at this pace it is full in about 4 min"."""
    minutes = growth.full_in_seconds / 60
    if minutes < 1.5:
        return f"at this pace it is full in about {growth.full_in_seconds:.0f} s"
    if minutes < 90:
        return f"at this pace it is full in about {minutes:.0f} min"
    return f"at this pace it is full in about {minutes / 60:.0f} h"


def level_of(probability: float) -> RiskLevel:
    """Return the word for a probability."""
    if probability < _ELEVATED:
        return RiskLevel.LOW
    return RiskLevel.ELEVATED if probability < _HIGH else RiskLevel.HIGH


def _risk(view: View, memory: GpuMemory) -> Maybe[OomRisk]:
    if view.phase is Phase.START:
        return Missing("no training step seen yet")
    done = memory.steps_done
    left = memory.steps_left
    # Only the quotient counts: as many steps again where it is not known how many there are.
    records = log(2.0) if done is None or left is None else log((done + left) / done)
    headroom = max(0, memory.limit - memory.peak)
    step = _record_step(view, memory)
    probability = 1.0 - exp(-records * exp(-headroom / step))
    if _has_validation_ahead(view, memory) and headroom < _UNVALIDATED_SHARE * batch_bytes(memory):
        probability += _UNVALIDATED_RISK
    if view.setting("multi_scale") and done and headroom < (_LARGEST_AREA - 1) * batch_bytes(memory):
        unseen = (1 - 1 / _SIZES) ** done
        probability = max(probability, unseen)
    if memory.growth is not None:
        probability = max(probability, memory.growth.probability)
    probability = max(probability, _FLUSHED_RISKS[min(memory.flushes, 2)])
    probability = min(1.0, max(0.0, probability))
    return OomRisk(probability, level_of(probability), _risk_words(memory, probability, left))


def _has_validation_ahead(view: View, memory: GpuMemory) -> bool:
    """Tell whether the first validation is known to be still to come: by its epoch, or by results.csv."""
    if memory.validated or memory.steps_left == 0:
        return False
    reading = view.reading
    return known(reading.progress.epoch) is not None or known(reading.training.run_dir) is not None


def _risk_words(memory: GpuMemory, probability: float, left: int | None) -> str:
    odds = "below 1 %" if probability < 0.01 else f"about {percent(probability)}"
    peak = f"peak {bytes_of_words(memory.peak, memory.limit)}"
    if memory.growth is not None:
        return f"{odds}: memory grows, {growth_words(memory.growth)}; {peak}"
    if memory.flushes:
        flushed = "once" if memory.flushes == 1 else f"{memory.flushes} times"
        return f"{odds}: the allocator gave memory back {flushed} near the limit; {peak}"
    until = "until the end of the run" if left is not None else "in as many steps again"
    seen = "validation included" if memory.validated else "no validation seen yet"
    return f"{odds} {until}; {peak}, {seen}"


def _record_step(view: View, memory: GpuMemory) -> float:
    # The rises of the high-water mark within the last hour, shrunk to the prior. Before the first
    # validation they are the start itself and say nothing about what comes.
    prior = _RECORD_STEP * memory.total
    if not memory.validated:
        return prior
    rises: list[float] = []
    highest: float | None = None
    for column in memory_of_the_hour(view):
        if column is None:
            continue
        if highest is None:
            highest = column.high
        elif column.high > highest:
            if column.high - highest > _LEAST_RISE * memory.total:
                rises.append(column.high - highest)
            highest = column.high
    return (_PRIOR_RECORDS * prior + sum(rises)) / (_PRIOR_RECORDS + len(rises))


def _held_on(view: View, uuid: str) -> tuple[int | None, int]:
    """Return the most that the training and the most that others held on a GPU."""
    members = frozenset(member.id.pid for member in view.reading.training.members)
    peak: int | None = None
    others = 0
    for sample, reading in view.seen[-_LOOKED_THROUGH:]:
        gpu = _gpu(sample, uuid)
        own = None if gpu is None else _used_on(gpu, reading, members)
        if gpu is None or own is None:
            continue
        peak = own if peak is None else max(peak, own)
        others = max(others, (known(gpu.gpu_memory_used_bytes) or 0) - own)
    return _peak_before(view, peak), others


def _peak_before(view: View, peak: int | None) -> int | None:
    if peak is None:
        return None
    # What was before is known only as the sum over the GPUs: of use where there is one.
    now = known(view.reading.gpu_memory_used_bytes)
    if now and len(view.reading.gpu_uuids) == 1:
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
    if processes:
        own = [
            value
            for process in processes
            if process.pid in members and (value := known(process.gpu_memory_used_bytes)) is not None
        ]
        if own:
            return sum(own)
    total = known(reading.gpu_memory_used_bytes)
    if total is not None and reading.gpu_uuids:
        return total // len(reading.gpu_uuids)
    # No accounting by process (WSL, some containers): take the GPU to be the training's alone.
    return known(gpu.gpu_memory_used_bytes) if not processes else None


def _gpu(sample: Sample, uuid: str) -> GpuReading | None:
    for gpu in sample.gpus:
        if gpu.uuid == uuid:
            return gpu
    return None


def _validated(view: View) -> bool:
    progress = view.reading.progress
    if (known(progress.epoch) or 0) >= 1 or progress.epoch_results >= 1:
        return True
    phases = [reading.phase for _, reading in view.seen]
    # A validation that is over: one that still runs may yet grow.
    return any(
        phase is Phase.VALIDATE and phases[index + 1] is not Phase.VALIDATE
        for index, phase in enumerate(phases[:-1])
    )


def _steps(reading: TrainingReading) -> tuple[int | None, int | None]:
    progress = reading.progress
    epoch, epochs = known(progress.epoch), known(progress.epochs)
    batch, batches = number(progress.batch), number(progress.batches)
    if epoch is None or not batches:
        if epoch is not None and epochs:
            # Epochs count as well as steps: only the quotient of done and left is used.
            return max(1, epoch), max(0, epochs - epoch)
        return None, None
    done = int(epoch * batches + (batch or 0))
    left = max(0, int(epochs * batches) - done) if epochs else None
    return max(1, done), left
