"""What is sampled a few times a second, over the last seconds: the number of one second alone jumps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from math import hypot, sqrt
from typing import TYPE_CHECKING

from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known
from gpumon.tui.widgets.frame import Frame

if TYPE_CHECKING:
    from gpumon.model.reading import LoaderReading

# At 20 looks a second the error of one second is 11 points, that of ten seconds 3.5.
_SECONDS = 10.0
_Z_90 = 1.645
_POWER_SECONDS, _POWER_COLUMNS = 60.0, 6


def recent_wait(frame: Frame) -> Maybe[Measure]:
    """Return the share waited for data over the last 10 s, each second weighed by its looks.

    A wait that is not sampled, or that is missing now, is returned as it is.
    """
    training = frame.training
    if training is None:
        return Missing("no training is attached")
    newest = training.loader.data_wait_ratio
    if isinstance(newest, Missing) or newest.certainty is not Certainty.SAMPLED:
        return newest
    waits = ((loader.data_wait_ratio, loader.main_samples) for loader in recent_loaders(frame))
    return _weighed(newest, waits)


def recent_wait_by_state(frame: Frame) -> Maybe[Measure]:
    """Return what the states of threads alone say of the wait over the last 10 s, each second alike."""
    training = frame.training
    if training is None:
        return Missing("no training is attached")
    newest = training.loader.data_wait_ratio_by_state
    if isinstance(newest, Missing) or newest.certainty is not Certainty.SAMPLED:
        return newest
    return _weighed(newest, ((loader.data_wait_ratio_by_state, 1) for loader in recent_loaders(frame)))


def recent_busy(frame: Frame) -> float | None:
    """Return the share of the last 10 s in which the workers did not wait for an index.

    This is what "busy" means of workers everywhere: one that waits for a disk or for a core is busy, and
    how much CPU it uses is another number. None where it is not known now.
    """
    training = frame.training
    if training is None or known(training.loader.worker_idle_ratio) is None:
        return None
    idle = [
        found for loader in recent_loaders(frame) if (found := known(loader.worker_idle_ratio)) is not None
    ]
    return min(1.0, max(0.0, 1.0 - sum(idle) / len(idle)))


def recent_loaders(frame: Frame) -> Iterator[LoaderReading]:
    """Yield what was read of the loader in the last 10 s of this phase, newest first."""
    training = frame.training
    if training is None:
        return
    newest = frame.window.newest
    for sample in islice(reversed(frame.window.samples), 100):
        if newest.instant.monotonic_seconds - sample.instant.monotonic_seconds >= _SECONDS:
            return
        reading = sample.training(training.training.id.pid)
        if reading is None or reading.phase is not training.phase:
            return
        yield reading.loader


def recent_power(frame: Frame) -> Maybe[float]:
    """Return the watts that the GPUs of the training draw together, over the last minute."""
    training = frame.training
    if training is None:
        return Missing("no training is attached")
    from gpumon.model.cost import power_of

    now = power_of(training, frame.report.sample.gpus)
    watts = 0.0
    for uuid in training.gpu_uuids:
        columns = frame.window.series(
            "gpu_power_watts", uuid, columns=_POWER_COLUMNS, span_seconds=_POWER_SECONDS
        )
        means = [column.mean for column in columns if column is not None]
        if not means:
            return now
        watts += sum(means) / len(means)
    return now if isinstance(now, Missing) else watts


def _weighed(newest: Measure, waits: Iterable[tuple[Maybe[Measure], int]]) -> Measure:
    """Return the mean of waits with their weights, and its error; `newest` where no weight is known."""
    weights = 0
    waited = variance = doubts = 0.0
    for wait, weight in waits:
        if isinstance(wait, Missing) or wait.certainty is not Certainty.SAMPLED:
            continue
        weights += weight
        waited += weight * wait.value
        # Chance evens out over the seconds, what its interval leaves in doubt does not.
        doubt = 0.0 if wait.low is None or wait.high is None else (wait.high - wait.low) / 2 / _Z_90
        doubts += weight * doubt
        variance += weight**2 * max((wait.standard_error or 0.0) ** 2 - doubt**2, 0.0)
    if not weights:
        return newest
    error = hypot(sqrt(variance), doubts) / weights if newest.standard_error is not None else None
    return replace(newest, value=waited / weights, standard_error=error, low=None, high=None)
