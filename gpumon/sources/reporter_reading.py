"""What a reporter tells of its training, as rates and shares between two looks at its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known
from gpumon.reporter import wire
from gpumon.sources.reporter_file import CudaCounts, LoaderCounts, ReportCounts
from gpumon.sources.reporter_steps import NO_SCALER, StepsWatch

SOURCE = "reporter"
_NS = 1e9
_TWO_READINGS = Missing("needs two readings")
_TWO_BATCHES = Missing("needs two batches")
_SILENT = Missing("PyTorch's allocator in this training does not tell its figures")
_NO_TENSOR = Missing("no tensor was found in its batches")
_UNTOLD = Missing("the loader does not tell it")
_NO_END = Missing("no pass but the first was seen to end with a smaller batch")
_WINDOW_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class ReportedLoader:
    """One DataLoader of the training.

    `batches`, `samples` and `optimizer_steps` count since its first use. An epoch is a pass over the loader,
    or as many batches of a loader that repeats itself for ever (YOLOv5's); `epochs_begun` counts from 1 and
    knows nothing of epochs before a resume, `epoch_batch` is the number of batches delivered in it.
    `waited_seconds_total` went by in `next()`, the one that lasts left out, and `stepped_seconds_total`
    between two batches of a pass. `waiting_seconds` is how long the present `next()` lasts, 0 between two.
    `data_wait_ratio` is the share of the time since the last reading in which `next()` was running. Rates
    are per second of its loop over the last 10 s or the last batch, without what came between passes;
    `wait_seconds` and `step_seconds` are means per batch over the same stretch; `batch_bytes` are its
    images'. `last_step_seconds` is the mean of the steps with `last_samples` that passes ended with, the
    first left out, and `full_step_seconds` that of the others since the loader's first use; missing where no
    pass ended with fewer samples than others. With `is_in_background` another thread than the main one takes
    the batches: its waiting is not the training's.
    """

    serial: int
    workers: int
    batch_size: Maybe[int]
    batches_per_epoch: Maybe[int]
    prefetch_factor: Maybe[int]
    pin_memory: bool
    persistent_workers: bool
    is_in_background: bool
    batches: int
    samples: Maybe[int]
    optimizer_steps: int
    epochs_begun: int
    epoch_batch: int
    batch_samples: Maybe[int]
    image_height: Maybe[int]
    image_width: Maybe[int]
    batch_bytes: Maybe[int]
    waited_seconds_total: float
    stepped_seconds_total: float
    waiting_seconds: float
    used_seconds_ago: float
    data_wait_ratio: Maybe[Measure]
    batches_per_second: Maybe[Measure]
    samples_per_second: Maybe[Measure]
    wait_seconds: Maybe[Measure]
    step_seconds: Maybe[Measure]
    last_samples: Maybe[int] = _NO_END
    last_step_seconds: Maybe[Measure] = _NO_END
    full_step_seconds: Maybe[Measure] = _NO_END


@dataclass(frozen=True, slots=True)
class ReportedCudaMemory:
    """PyTorch's caching allocator on the training's device; peaks are the highest seen since its start.

    `retries` are allocations that succeeded only after the cache was given back.
    """

    device: int
    allocated_bytes: int
    reserved_bytes: int
    allocated_peak_bytes: int
    reserved_peak_bytes: int
    retries: int
    out_of_memory_errors: int
    read_seconds_ago: float


@dataclass(frozen=True, slots=True)
class ReporterReading:
    """A training by its own reporter: every number is a count or a time, nothing is sampled.

    `data_wait_ratio` is the share of the time since the last reading that the main thread spent in `next()`
    of any of its loaders. `loaders` stand in the order of their first use. `steps_skipped_ratio` is the share
    of the newest optimizer steps (at least 20) that a GradScaler skipped for gradients that were not finite.
    """

    loaders: tuple[ReportedLoader, ...]
    data_wait_ratio: Maybe[Measure]
    optimizer_steps: Maybe[int]
    optimizer_steps_per_second: Maybe[Measure]
    scaler_steps: Maybe[int]
    scaler_skips: Maybe[int]
    cuda_memory: Maybe[ReportedCudaMemory]
    steps_skipped_ratio: Maybe[float] = NO_SCALER

    @property
    def current(self) -> ReportedLoader | None:
        """The loader that was used last."""
        return min(self.loaders, key=lambda loader: loader.used_seconds_ago, default=None)

    @property
    def training(self) -> ReportedLoader | None:
        """The loader whose batches are trained on: of those that optimizer steps followed, the last used."""
        trained = [loader for loader in self.loaders if loader.optimizer_steps]
        return min(trained, key=lambda loader: loader.used_seconds_ago, default=None)


@dataclass(frozen=True, slots=True)
class Look:
    """A report and when it was read."""

    at_ns: int
    counts: ReportCounts


def compose(looks: tuple[Look, ...], steps: StepsWatch | None = None) -> ReporterReading:
    """Return the reading of the last look; the one before it and the oldest give rates their begin.

    `steps` has seen all looks so far.
    """
    look = looks[-1]
    counts = look.counts
    before = looks[-2] if len(looks) > 1 else None
    loaders = tuple(
        _loader(loader, look, [(at, _same(loader, at.counts)) for at in looks[:-1]])
        for loader in sorted(counts.loaders, key=lambda loader: loader.serial)
    )
    # Threads of their own prefetch: their waiting stops nobody.
    ratios = [known(loader.data_wait_ratio) for loader in loaders if not loader.is_in_background]
    waited = sum(ratio.value for ratio in ratios if ratio is not None)
    has_optimizer, has_scaler = counts.hooks & wire.HOOK_OPTIMIZER, counts.hooks & wire.HOOK_SCALER
    fused = Missing("a fused optimizer decides on the GPU whether a step is skipped")
    no_optimizer = Missing("torch's optimizers are not imported")
    return ReporterReading(
        loaders=loaders,
        data_wait_ratio=_TWO_READINGS if before is None or not ratios else _exact(min(1.0, waited)),
        optimizer_steps=counts.optimizer_steps if has_optimizer else no_optimizer,
        optimizer_steps_per_second=_steps_per_second(before, look) if has_optimizer else no_optimizer,
        scaler_steps=counts.scaler_steps if has_scaler else Missing("torch's GradScaler is not imported"),
        scaler_skips=fused
        if counts.fused_scaler_steps
        else (counts.scaler_skips if counts.scaler_steps else NO_SCALER),
        steps_skipped_ratio=fused
        if counts.fused_scaler_steps
        else (steps.skipped_ratio if steps is not None else _TWO_READINGS),
        cuda_memory=_SILENT if counts.is_cuda_silent else _cuda(counts.cuda, look.at_ns),
    )


def kept_looks(looks: tuple[Look, ...]) -> tuple[Look, ...]:
    """Return the looks that the next reading needs: those of the last 10 s and one before them."""
    begin = looks[-1].at_ns - _WINDOW_NS
    older = [look for look in looks if look.at_ns <= begin]
    return (*older[-1:], *(look for look in looks if look.at_ns > begin))


def _same(loader: LoaderCounts, counts: ReportCounts) -> LoaderCounts | None:
    """Return the earlier counts of a loader, None where it was not there or has begun anew."""
    for other in counts.loaders:
        if other.serial == loader.serial:
            is_earlier = other.batches <= loader.batches and other.loop_ns <= loader.loop_ns
            return other if is_earlier else None
    return None


def _exact(value: float) -> Measure:
    return Measure(value, Certainty.EXACT, SOURCE)


def _loader(
    loader: LoaderCounts, look: Look, earlier: list[tuple[Look, LoaderCounts | None]]
) -> ReportedLoader:
    epochs, batch = _epoch(loader)
    has_shape, has_image = loader.batch_samples > 0, loader.height > 0 and loader.width > 0
    rates = _Rates(loader, look, [other for _, other in earlier if other is not None])
    return ReportedLoader(
        serial=loader.serial,
        workers=loader.workers,
        batch_size=loader.batch_size or _UNTOLD,
        batches_per_epoch=loader.batches_per_pass or _UNTOLD,
        prefetch_factor=loader.prefetch_factor or _UNTOLD,
        pin_memory=bool(loader.bits & wire.LOADER_PINS),
        persistent_workers=bool(loader.bits & wire.LOADER_PERSISTENT),
        is_in_background=bool(loader.bits & wire.LOADER_IN_BACKGROUND),
        batches=loader.batches,
        samples=loader.samples if has_shape else _NO_TENSOR,
        optimizer_steps=loader.optimizer_steps,
        epochs_begun=epochs,
        epoch_batch=batch,
        batch_samples=loader.batch_samples if has_shape else _NO_TENSOR,
        image_height=loader.height if has_image else _NO_TENSOR,
        image_width=loader.width if has_image else _NO_TENSOR,
        batch_bytes=_batch_bytes(loader),
        waited_seconds_total=loader.wait_ns / _NS,
        stepped_seconds_total=loader.step_ns / _NS,
        waiting_seconds=_waiting_ns(loader, look.at_ns) / _NS,
        used_seconds_ago=0.0 if loader.is_waiting else _since(loader.left_ns, look.at_ns) / _NS,
        data_wait_ratio=_wait_ratio(loader, look, *(earlier[-1] if earlier else (None, None))),
        batches_per_second=rates.of(rates.batches),
        samples_per_second=rates.of(rates.samples) if has_shape else _NO_TENSOR,
        wait_seconds=rates.mean(rates.wait_ns, rates.batches),
        step_seconds=rates.mean(rates.step_ns, rates.steps),
        **_ends(loader),
    )


def _ends(loader: LoaderCounts) -> dict[str, Any]:
    """Return the fields on the steps with which passes ended."""
    full_ns, full = loader.step_ns - loader.last_ns, loader.steps - loader.last_steps
    if not 0 < loader.last_steps <= loader.steps or not loader.last_samples or full <= 0 or full_ns <= 0:
        return {}
    return {
        "last_samples": loader.last_samples,
        "last_step_seconds": _exact(loader.last_ns / loader.last_steps / _NS),
        "full_step_seconds": _exact(full_ns / full / _NS),
    }


def _batch_bytes(loader: LoaderCounts) -> Maybe[int]:
    """Return the bytes of a whole batch's images: the last one of an epoch may be smaller."""
    if not loader.image_bytes or not loader.batch_samples:
        return _NO_TENSOR
    is_last = _epoch(loader)[1] == loader.batches_per_pass
    samples = max(loader.batch_size, loader.batch_samples) if is_last else loader.batch_samples
    return loader.image_bytes * samples // loader.batch_samples


def _since(then_ns: int, now_ns: int) -> int:
    return max(0, now_ns - then_ns)


def _waiting_ns(loader: LoaderCounts, at_ns: int) -> int:
    return _since(loader.entered_ns, at_ns) if loader.is_waiting else 0


def _wait_ratio(
    loader: LoaderCounts, look: Look, before: Look | None, other: LoaderCounts | None
) -> Maybe[Measure]:
    """Return the share of the time between two looks inside `next()`, the one that lasts still included."""
    if before is None or look.at_ns <= before.at_ns:
        return _TWO_READINGS
    waited = loader.wait_ns + _waiting_ns(loader, look.at_ns)
    if other is not None:
        waited -= other.wait_ns + _waiting_ns(other, before.at_ns)
    elif loader.loop_ns > look.at_ns - before.at_ns:
        # Its place in the file is new, the loader is not: what it waited before the window is not known.
        return _TWO_READINGS
    return _exact(min(1.0, max(0.0, waited / (look.at_ns - before.at_ns))))


class _Rates:
    """Counts of a loader's loop between two of its batches, at most about 10 s apart."""

    def __init__(self, loader: LoaderCounts, look: Look, earlier: list[LoaderCounts]) -> None:
        begin = next((other for other in earlier if 0 < other.batches < loader.batches), None)
        self.batches = loader.batches - begin.batches if begin is not None else 0
        self.samples = loader.samples - begin.samples if begin is not None else 0
        self.wait_ns = loader.wait_ns - begin.wait_ns if begin is not None else 0
        self.step_ns = loader.step_ns - begin.step_ns if begin is not None else 0
        self.steps = loader.steps - begin.steps if begin is not None else 0
        # No news for longer than two batches take: the next one is late, and the rate falls.
        late_ns = _waiting_ns(loader, look.at_ns)
        if self.batches and late_ns > 2 * (self.wait_ns + self.step_ns) / self.batches:
            self.wait_ns += late_ns

    def of(self, count: int) -> Maybe[Measure]:
        """Return the count per second."""
        loop_ns = self.wait_ns + self.step_ns
        return _exact(count / loop_ns * _NS) if self.batches > 0 and loop_ns > 0 else _TWO_BATCHES

    @staticmethod
    def mean(nanoseconds: int, count: int) -> Maybe[Measure]:
        """Return the mean of so many, in seconds."""
        return _exact(nanoseconds / count / _NS) if count > 0 and nanoseconds >= 0 else _TWO_BATCHES


def _epoch(loader: LoaderCounts) -> tuple[int, int]:
    """Return the epochs begun and the batches delivered in the present one."""
    length = loader.batches_per_pass
    if length and loader.pass_batches > length:
        repeated = (loader.pass_batches - 1) // length
        return loader.passes + repeated, loader.pass_batches - repeated * length
    return loader.passes, loader.pass_batches


def _steps_per_second(before: Look | None, look: Look) -> Maybe[Measure]:
    if before is None or look.at_ns <= before.at_ns:
        return _TWO_READINGS
    steps = look.counts.optimizer_steps - before.counts.optimizer_steps
    return _exact(steps / (look.at_ns - before.at_ns) * _NS) if steps >= 0 else _TWO_READINGS


def _cuda(cuda: CudaCounts | None, at_ns: int) -> Maybe[ReportedCudaMemory]:
    if cuda is None:
        return Missing("the training has not initialised CUDA")
    return ReportedCudaMemory(
        device=cuda.device,
        allocated_bytes=cuda.allocated_bytes,
        reserved_bytes=cuda.reserved_bytes,
        allocated_peak_bytes=cuda.allocated_peak_bytes,
        reserved_peak_bytes=cuda.reserved_peak_bytes,
        retries=cuda.retries,
        out_of_memory_errors=cuda.out_of_memory_errors,
        read_seconds_ago=_since(cuda.read_ns, at_ns) / _NS,
    )
