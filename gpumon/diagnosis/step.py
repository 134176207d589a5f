"""A training step as its GPU sees it: busy, waiting for a batch, and the gap that is neither."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from gpumon.diagnosis.rule import NotJudged
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.history.stats import Z_90, Interval, mean
from gpumon.model.measure import Maybe, Measure, Missing, known, number
from gpumon.model.reading import TrainingReading


@dataclass(frozen=True, slots=True)
class Step:
    """Shares of a step, its length in seconds, and the images that one GPU takes of it.

    `gap` is the share in which the GPU idles although a batch is there. NVML counts a moment with one small
    kernel as busy, so the true gap is rather longer.
    """

    wait: Interval
    busy: float
    gap: Interval
    seconds: float | None
    images: int | None

    @property
    def is_starved(self) -> bool:
        """Whether the loop surely waits for data more than what counts as a bottleneck."""
        return self.wait.low > STARVED_RATIO


def step_of(view: View) -> Step | NotJudged:
    """Return the step of a training on a GPU, or why it is not known."""
    return view.once(_step)


def _step(view: View) -> Step | NotJudged:
    if view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    if not view.on_gpu:
        return NotJudged("the training does not compute on a GPU")
    wait = view.wait
    if isinstance(wait, Missing):
        return NotJudged(f"the wait for data is not known: {wait.reason}")
    idle = [1.0 - busy for busy in _busy_by_second(view)]
    if not idle:
        return NotJudged("how busy its GPU is is not known")
    share = mean(idle)
    return Step(wait, 1.0 - share, _gap(idle, wait), _seconds(view), _images(view))


def _busy_by_second(view: View) -> list[float]:
    found = []
    for sample, reading in view.steady:
        ratios = [
            ratio for gpu in reading.gpus(sample.gpus) if (ratio := number(gpu.gpu_busy_ratio)) is not None
        ]
        if ratios:
            found.append(mean(ratios))
    return found


def _gap(idle: list[float], wait: Interval) -> Interval:
    """Return the idle share less the wait, each end by the ends of both."""
    share = mean(idle)
    spread = mean([(value - share) ** 2 for value in idle]) / max(1, len(idle) - 1)
    half = Z_90 * sqrt(spread)
    value = min(1.0, max(0.0, share - wait.value))
    low = max(0.0, share - half - wait.high)
    return Interval(value, min(low, value), min(1.0, max(value, share + half - wait.low)))


def _seconds(view: View) -> float | None:
    """Return the length of a step: by the batches of rank 0, else by the images of all ranks."""
    rate = view.pooled(_batch_rate)
    if rate:
        return 1.0 / rate
    batch = _batch(view)
    return batch * view.ranks / view.rate if batch and view.rate else None


def _batch_rate(reading: TrainingReading) -> Maybe[float]:
    rate = reading.loader.batches_per_second
    return rate.value if isinstance(rate, Measure) else rate


def _images(view: View) -> int | None:
    """Return the images of one GPU: of a rank's batch, shared by the GPUs of one process."""
    gpus = max(1, len(view.reading.gpu_uuids) // view.ranks)
    batch = _batch(view)
    return max(1, batch // gpus) if batch else None


def _batch(view: View) -> int | None:
    """Return the images of a rank's batch."""
    batch = known(view.reading.loader.batch_size)
    if batch is not None:
        return batch if batch > 0 else None
    total = view.setting("batch_size")
    if isinstance(total, bool) or not isinstance(total, int) or total <= 0:
        return None
    return total // view.ranks
