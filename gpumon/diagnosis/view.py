"""A training as the rules see it: the steady samples of its last seconds, pooled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import hypot, sqrt
from typing import Any, TypeVar

from gpumon.history.phases import Seen, newest, newest_steady, training
from gpumon.history.stats import Z_90, Interval, mean, share_interval
from gpumon.history.window import Window
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known, number
from gpumon.model.process import ProcessReading, Role
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Phase, Setting

T = TypeVar("T")

# Windows that grow from 4 to 20 s; a first verdict after at most 8 s of steady samples.
FIRST_SECONDS = 4.0
VERDICT_SECONDS = 8.0
FULL_SECONDS = 20.0
# Epochs shorter than their burst never have a steady sample; after this much training take them all.
_ALL_BURST_SECONDS = 30.0
# What an exact second weighs: as the looks of a second at their highest rate.
_LOOKS_OF_A_SECOND = 50


@dataclass(frozen=True)
class View:
    """What the last steady seconds of a training say. Shares are means over `steady`.

    `steady` holds up to 20 s of training samples without bursts, also from before a validation that
    runs now. `only_bursts` says that there were none and all training samples stand in for them.
    """

    window: Window
    pid: int
    seen: tuple[Seen, ...]
    steady: tuple[Seen, ...]
    only_bursts: bool = False
    _computed: dict[Callable[[View], Any], Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, compute: Callable[[View], T]) -> T:
        """Return `compute(self)`, computed once: several rules ask for the same things."""
        computed = self._computed
        if compute in computed:
            found: T = computed[compute]
            return found
        found = computed[compute] = compute(self)
        return found

    @property
    def sample(self) -> Sample:
        """The newest sample."""
        return self.window.newest

    @property
    def reading(self) -> TrainingReading:
        """The newest reading of the training."""
        return self.seen[-1][1]

    @property
    def phase(self) -> Phase:
        """The present phase."""
        return self.reading.phase

    @cached_property
    def steady_seconds(self) -> float:
        """How many seconds the steady samples cover."""
        return sum(sample.interval_seconds for sample, _ in self.steady)

    @cached_property
    def looks(self) -> tuple[tuple[int, int], ...]:
        """(Waiting, all) looks at the main thread, one pair per steady sample whose wait was counted.

        Only those of the source that looked most: sources are never mixed. An estimate (as of another
        user's process, whose wait channel is hidden) has looks but no count.
        """
        by_source: dict[str, list[tuple[int, int]]] = {}
        for _, reading in self.steady:
            loader, measure = reading.loader, reading.loader.data_wait_ratio
            if isinstance(measure, Measure) and measure.certainty is Certainty.SAMPLED:
                pair = (min(loader.main_waiting_samples, loader.main_samples), loader.main_samples)
                by_source.setdefault(measure.source, []).append(pair)
        return tuple(max(by_source.values(), key=lambda pairs: sum(total for _, total in pairs), default=()))

    @cached_property
    def wait(self) -> Maybe[Interval]:
        """The share of time in which the loop waits for a batch, with its 90 % interval.

        By what the training itself told if it told most of the time, else by looks, else by estimates.
        """
        if not self.steady:
            return Missing("no steady training seen yet")
        found = [
            (measure, sample.interval_seconds)
            for sample, reading in self.steady
            if not isinstance(measure := reading.loader.data_wait_ratio, Missing)
        ]
        told = [pair for pair in found if pair[0].certainty is Certainty.EXACT]
        if told and 2 * len(told) >= len(found):
            return _mean_of_told(told)
        if any(total for _, total in self.looks):
            return _doubted(share_interval(self.looks), [measure for measure, _ in found])
        measures = [measure for measure, _ in found]
        return _mean_of(measures) if measures else _reason(self.steady[-1][1].loader.data_wait_ratio)

    @cached_property
    def workers(self) -> Maybe[int]:
        """Train workers of one rank: those seen, else as many as its settings say."""
        seen = known(self.reading.loader.workers)
        if seen is not None:
            return seen
        setting = self.setting("workers")
        if isinstance(setting, int) and setting >= 0:
            return setting
        return _reason(self.reading.loader.workers)

    @cached_property
    def ranks(self) -> int:
        """Processes that each have a loader of their own."""
        return max(1, self.reading.training.world_size)

    def setting(self, name: str) -> int | float | str | bool | None:
        """Return the value of a setting, or None where it is not set or not known."""
        setting = known(getattr(self.reading.training.settings, name))
        return setting.value if isinstance(setting, Setting) else None

    def pooled(self, read: Callable[[TrainingReading], Maybe[float]]) -> float | None:
        """Return the mean of a number over the steady samples that know it, or None."""
        values: list[float] = []
        for _, reading in self.steady:
            found = read(reading)
            # Not asked of `number` where it is one: these are hundreds of readings at each sample.
            value = found if type(found) is float else number(found)
            if value is not None:
                values.append(value)
        return mean(values) if values else None

    @cached_property
    def idle(self) -> float | None:
        """Share of time in which workers wait for an index: the prefetch queue is full."""
        return self.pooled(lambda reading: reading.loader.worker_idle_ratio)

    @cached_property
    def worker_cpu(self) -> float | None:
        """Cores per worker."""
        return self.pooled(lambda reading: reading.loader.worker_cpu_ratio)

    @cached_property
    def worker_queue(self) -> float | None:
        """Share of time in which a worker could run but had no core."""
        return self.pooled(lambda reading: reading.loader.worker_run_queue_wait_ratio)

    @cached_property
    def busy(self) -> float | None:
        """Busy share of the workers, from what they wait for, else from the cores they use or want.

        Facts: a worker that only computes has cpu + run-queue wait above 0.85; one that waits for a
        disk does not, so below that the second way knows nothing.
        """
        if self.idle is not None:
            return min(1.0, max(0.0, 1.0 - self.idle))
        if self.worker_cpu is None:
            return None
        wanted = self.worker_cpu + (self.worker_queue or 0.0)
        return min(1.0, wanted) if wanted > 0.85 else None

    @cached_property
    def queue_per_cpu(self) -> float | None:
        """Run-queue wait of the workers per time on a core: the inflation by contention."""
        if self.worker_queue is None or not self.worker_cpu:
            return None
        return self.worker_queue / self.worker_cpu

    @cached_property
    def gpu_busy(self) -> float | None:
        """Mean busy ratio of the GPUs of the training over the steady samples."""
        values = [
            value
            for sample, reading in self.steady
            for gpu in reading.gpus(sample.gpus)
            if (value := number(gpu.gpu_busy_ratio)) is not None
        ]
        return mean(values) if values else None

    @property
    def gpus(self) -> tuple[GpuReading, ...]:
        """The GPUs that the training could use: a virtual one is there for simulated trainings only."""
        simulated = self.reading.training.simulated
        return tuple(gpu for gpu in self.sample.gpus if gpu.simulated is simulated)

    @property
    def on_gpu(self) -> bool:
        """Tell whether the training computes on a GPU, as far as is known."""
        device = self.setting("device")
        return bool(self.reading.gpu_uuids) or (str(device).strip().lower() != "cpu" and bool(self.gpus))

    @property
    def waiter(self) -> str:
        """The name, in a sentence, of what waits for data."""
        return "the GPU" if self.on_gpu else "the training"

    @cached_property
    def main_cpu(self) -> float | None:
        """Cores of the main process of one rank."""
        values = [
            process.cpu_busy_ratio
            for _, reading in self.steady
            for process in reading.processes
            if process.role is Role.MAIN and not isinstance(process.cpu_busy_ratio, Missing)
        ]
        return mean(values) if values else None

    @cached_property
    def main_queue(self) -> float | None:
        """Share of time in which the main process of one rank waits for a core."""
        values = [
            process.run_queue_wait_ratio
            for _, reading in self.steady
            for process in reading.processes
            if process.role is Role.MAIN and not isinstance(process.run_queue_wait_ratio, Missing)
        ]
        return mean(values) if values else None

    @cached_property
    def own_cpu(self) -> float | None:
        """Cores of all processes of the training."""
        totals = [sum(values) for _, reading in self.steady if (values := _known_cpu(reading.processes))]
        return mean(totals) if totals else None

    @cached_property
    def rate(self) -> float | None:
        """Images per second over the steady samples."""
        rate = self.pooled(lambda reading: _value(reading.progress.images_per_second))
        return rate or None


def view_of(window: Window, pid: int) -> View | None:
    """Return the view of the training with that main PID, or None where no sample shows it."""
    seen = window.of_training(pid)
    return view_from(window, pid, seen) if seen else None


def view_from(window: Window, pid: int, seen: tuple[Seen, ...]) -> View:
    """Return the view of the training with that main PID, which these samples of the window show."""
    chosen = newest_steady(seen, FULL_SECONDS)
    only_bursts = False
    if not chosen:
        everything = training(seen)
        if sum(sample.interval_seconds for sample, _ in everything) >= _ALL_BURST_SECONDS:
            chosen, only_bursts = newest(everything, FULL_SECONDS), True
    return View(window, pid, seen, chosen, only_bursts)


def _mean_of(measures: Sequence[Measure]) -> Interval:
    value = min(1.0, max(0.0, mean([measure.value for measure in measures])))
    # Chance evens out over the seconds, an estimate's own bounds do not.
    errors = [measure.standard_error or 0.0 for measure in measures]
    half = Z_90 * sqrt(sum(error * error for error in errors)) / len(errors)
    low = mean([measure.value if measure.low is None else measure.low for measure in measures])
    high = mean([measure.value if measure.high is None else measure.high for measure in measures])
    return Interval(value, max(0.0, min(low, value) - half), min(1.0, max(high, value) + half))


def _doubted(looks: Interval, measures: Sequence[Measure]) -> Interval:
    """Return the share of looks with what their measures leave in doubt besides chance.

    The states of threads tell nothing of a wait in which the main thread is runnable: their bounds say how
    much that may be, and it does not even out over the seconds as chance does.
    """
    bounds = [
        (m.value - m.low, m.high - m.value) for m in measures if m.low is not None and m.high is not None
    ]
    if 2 * len(bounds) < len(measures):
        return looks
    below, above = mean([low for low, _ in bounds]), mean([high for _, high in bounds])
    low = looks.value - hypot(looks.value - looks.low, below)
    return Interval(
        looks.value, max(0.0, low), min(1.0, looks.value + hypot(looks.high - looks.value, above))
    )


def _mean_of_told(told: Sequence[tuple[Measure, float]]) -> Interval:
    """Return the share that exact numbers of stretches of time give; its interval says how they differ.

    Each is the truth about its own second and one draw of what the next ones will be, so a second counts
    as many looks of which that share waited: also of seconds that are all alike the interval has a width.
    """
    seconds = sum(span for _, span in told)
    if seconds <= 0:
        return _mean_of([measure for measure, _ in told])
    value = sum(min(1.0, max(0.0, measure.value)) * span for measure, span in told) / seconds
    blocks = []
    for measure, span in told:
        total = max(1, round(_LOOKS_OF_A_SECOND * span))
        blocks.append((min(total, max(0, round(measure.value * total))), total))
    looks = share_interval(blocks)
    return Interval(value, max(0.0, min(looks.low, value)), min(1.0, max(looks.high, value)))


def _known_cpu(processes: tuple[ProcessReading, ...]) -> list[float]:
    # Hundreds of them in a view: asked for directly.
    return [value for process in processes if not isinstance(value := process.cpu_busy_ratio, Missing)]


def _value(measure: Maybe[Measure]) -> Maybe[float]:
    value = number(measure)
    return Missing("not known") if value is None else value


def _reason(value: object) -> Missing:
    return value if isinstance(value, Missing) else Missing("not read")
