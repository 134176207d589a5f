"""What each interval of a watch showed: sums over all its samples, not its last second."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor, hypot

from gpumon.history.block import Block
from gpumon.history.stats import Z_90, wilson
from gpumon.history.tally import Tally
from gpumon.model.clock import Instant
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known, number
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.report import Report
from gpumon.model.training import Phase

_NO_STEADY = Missing("no steady training in this interval")


@dataclass(frozen=True, slots=True)
class GpuInterval:
    """A GPU in an interval: its mean busy ratio over time, and the most memory seen in any sample of it."""

    uuid: str
    gpu_busy_ratio: Maybe[float]
    gpu_memory_peak_bytes: Maybe[int]
    gpu_memory_total_bytes: Maybe[int]


@dataclass(frozen=True, slots=True)
class TrainingInterval:
    """A training in an interval; `reading` is its newest.

    `phases` are the seconds of each phase, the longest first. Speed and wait are of `steady_seconds`:
    training without the burst after a start, a validation or a checkpoint, in which batches are ready that
    were loaded meanwhile. GPU ratios are means over the GPUs it uses, the peak is of the fullest of them,
    with everything that other processes hold on it; `training_gpu_memory_peak_bytes` is its own share.
    """

    reading: TrainingReading
    seen_seconds: float
    steady_seconds: float
    phases: tuple[tuple[Phase, float], ...]
    images_per_second: Maybe[Measure]
    data_wait_ratio: Maybe[Measure]
    gpu_busy_ratio: Maybe[float]
    gpu_memory_peak_bytes: Maybe[int]
    gpu_memory_total_bytes: Maybe[int]
    training_gpu_memory_peak_bytes: Maybe[int]

    @property
    def phase(self) -> Phase:
        """The phase that took most of the interval."""
        return self.phases[0][0]


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time that ends with `report`: what its samples showed together."""

    report: Report
    began: Instant
    seconds: float
    samples: int
    gpus: tuple[GpuInterval, ...]
    trainings: tuple[TrainingInterval, ...]


@dataclass
class _OpenGpu:
    newest: GpuReading
    busy_seconds: float = 0.0
    seconds: float = 0.0
    peak_bytes: int | None = None

    def add(self, gpu: GpuReading, seconds: float) -> None:
        self.newest = gpu
        busy, used = number(gpu.gpu_busy_ratio), known(gpu.gpu_memory_used_bytes)
        if busy is not None:
            self.busy_seconds += busy * seconds
            self.seconds += seconds
        if used is not None:
            self.peak_bytes = max(used, self.peak_bytes or 0)

    def interval(self) -> GpuInterval:
        gpu = self.newest
        return GpuInterval(
            gpu.uuid,
            self.busy_seconds / self.seconds if self.seconds else _reason(gpu.gpu_busy_ratio),
            _reason(gpu.gpu_memory_used_bytes) if self.peak_bytes is None else self.peak_bytes,
            gpu.gpu_memory_total_bytes,
        )


@dataclass
class _Source:
    """Measures of one source: seconds, their standard errors, and the newest for how they are known."""

    newest: Measure
    seconds: float = 0.0
    error_seconds: float = 0.0
    error_root: float = 0.0

    def add(self, measure: Measure, seconds: float) -> None:
        self.newest = measure
        self.seconds += seconds
        error = (measure.standard_error or 0.0) * seconds
        self.error_seconds += error
        self.error_root = hypot(self.error_root, error)


@dataclass
class _OpenTraining:
    tally: Tally
    reading: TrainingReading
    phases: dict[Phase, float] = field(default_factory=dict)
    rates: dict[str, _Source] = field(default_factory=dict)
    waits: dict[str, _Source] = field(default_factory=dict)


class Intervals:
    """Makes intervals of one report after the other. One thread owns it.

    Intervals lie on absolute multiples of monotonic time, so the first one may be shorter; a stepped clock
    moves none.
    """

    def __init__(self, every_seconds: float) -> None:
        """Make intervals of that length."""
        self._every_seconds = every_seconds
        self._number: int | None = None
        self._report: Report | None = None
        self._began: Instant | None = None
        self._seconds = 0.0
        self._samples = 0
        self._gpus: dict[str, _OpenGpu] = {}
        self._trainings: dict[ProcessId, _OpenTraining] = {}

    def read(self, report: Report) -> Interval | None:
        """Take in the next report; return the interval that is over, if one is."""
        sample = report.sample
        place = floor(sample.instant.monotonic_seconds / self._every_seconds)
        closed = None
        if place != self._number:
            closed = self.open()
            self._begin(place, sample.instant)
        self._report = report
        self._samples += 1
        self._seconds += sample.interval_seconds
        for gpu in sample.gpus:
            self._gpus.setdefault(gpu.uuid, _OpenGpu(gpu)).add(gpu, sample.interval_seconds)
        for reading in sample.trainings:
            if reading.ended is None or reading.training.id in self._trainings:
                self._add(report, reading)
        return closed

    def open(self) -> Interval | None:
        """Return the interval that is not over yet, as it stands; None without a sample."""
        if self._report is None or self._began is None or not self._samples:
            return None
        gpus = {uuid: gpu.interval() for uuid, gpu in self._gpus.items()}
        return Interval(
            self._report,
            self._began,
            self._seconds,
            self._samples,
            tuple(gpus.values()),
            tuple(
                _training(each, block, gpus)
                for each in self._trainings.values()
                if each.phases and (block := each.tally.open()) is not None and block.number == self._number
            ),
        )

    def _begin(self, place: int, now: Instant) -> None:
        self._number, self._began = place, now
        self._seconds, self._samples = 0.0, 0
        self._gpus = {}
        # The tally stays: whether training is steady depends on what was before.
        self._trainings = {
            identity: _OpenTraining(each.tally, each.reading)
            for identity, each in self._trainings.items()
            if each.phases and each.reading.ended is None
        }

    def _add(self, report: Report, reading: TrainingReading) -> None:
        seconds = report.sample.interval_seconds
        each = self._trainings.get(reading.training.id)
        if each is None:
            each = self._trainings[reading.training.id] = _OpenTraining(Tally(self._every_seconds), reading)
        each.reading = reading
        each.tally.add(report.sample, reading)
        if reading.ended is not None:
            return
        each.phases[reading.phase] = each.phases.get(reading.phase, 0.0) + seconds
        if reading.phase is Phase.TRAIN:
            for sources, measure in (
                (each.rates, reading.progress.images_per_second),
                (each.waits, reading.loader.data_wait_ratio),
            ):
                if not isinstance(measure, Missing):
                    way = measure.source.split(",", 1)[0]
                    sources.setdefault(way, _Source(measure)).add(measure, seconds)


def _training(each: _OpenTraining, block: Block, gpus: dict[str, GpuInterval]) -> TrainingInterval:
    used = [gpus[uuid] for uuid in each.reading.gpu_uuids if uuid in gpus]
    busy = [ratio for gpu in used if (ratio := known(gpu.gpu_busy_ratio)) is not None]
    fullest = max(used, key=_fullness, default=None)
    no_gpu = Missing("the GPU that it uses is not known")
    return TrainingInterval(
        reading=each.reading,
        seen_seconds=block.seen_seconds,
        steady_seconds=block.steady_seconds,
        phases=tuple(sorted(each.phases.items(), key=lambda phase: -phase[1])),
        images_per_second=_rate(each, block),
        data_wait_ratio=_wait(each, block),
        gpu_busy_ratio=sum(busy) / len(busy)
        if busy
        else (_reason(used[0].gpu_busy_ratio) if used else no_gpu),
        gpu_memory_peak_bytes=no_gpu if fullest is None else fullest.gpu_memory_peak_bytes,
        gpu_memory_total_bytes=no_gpu if fullest is None else fullest.gpu_memory_total_bytes,
        training_gpu_memory_peak_bytes=_reason(each.reading.gpu_memory_used_bytes)
        if block.memory_peak_bytes is None
        else block.memory_peak_bytes,
    )


def _rate(each: _OpenTraining, block: Block) -> Maybe[Measure]:
    """Return the mean speed. Its error is that of one reading: readings are means that overlap."""
    if not block.rate_seconds:
        return _nothing(each.reading.progress.images_per_second, block)
    source = max(each.rates.values(), key=lambda one: one.seconds)
    seconds = block.rate_seconds
    return _mean(source, block.images / seconds, block.images_low / seconds, block.images_high / seconds)


def _wait(each: _OpenTraining, block: Block) -> Maybe[Measure]:
    """Return the share waited for data.

    Its standard error is that of the readings, which are apart, and no less than what the number of looks
    allows (Wilson's interval, as for every share): no wait in 80 looks is not no wait.
    """
    if not block.wait_seconds:
        return _nothing(each.reading.loader.data_wait_ratio, block)
    source = max(each.waits.values(), key=lambda one: one.seconds)
    seconds = block.wait_seconds
    value = block.waited_seconds / seconds
    found = _mean(source, value, block.waited_low_seconds / seconds, block.waited_high_seconds / seconds)
    if found.certainty is not Certainty.SAMPLED:
        return found
    looks = round(block.looks)
    by_looks = wilson(round(value * looks), looks).half_width / Z_90 if looks else 0.0
    error = max(by_looks, source.error_root / source.seconds)
    return Measure(value, found.certainty, found.source, error, found.low, found.high)


def _mean(source: _Source, value: float, low: float, high: float) -> Measure:
    has_error = source.newest.standard_error is not None
    has_bounds = low < value or high > value
    return Measure(
        value,
        source.newest.certainty,
        source.newest.source,
        source.error_seconds / source.seconds if has_error else None,
        low if has_bounds else None,
        high if has_bounds else None,
    )


def _nothing(newest: Maybe[Measure], block: Block) -> Missing:
    return newest if isinstance(newest, Missing) and block.steady_seconds else _NO_STEADY


def _reason(value: Maybe[float] | Maybe[int]) -> Missing:
    return value if isinstance(value, Missing) else Missing("not read in this interval")


def _fullness(gpu: GpuInterval) -> float:
    peak, total = known(gpu.gpu_memory_peak_bytes), known(gpu.gpu_memory_total_bytes)
    return -1.0 if peak is None or not total else peak / total
