"""What gpumon saw against what was: errors of the wait, of the rate, and of the place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gpumon.model.measure import Measure
from tests.bench.accuracy_probe import Second
from tests.real import truth

WINDOW_SECONDS = 10
_COVERED_ERRORS = 2.5
_Z_90 = 1.645


@dataclass(frozen=True, slots=True)
class Window:
    """Ten seconds: the wait as it was, by frames and by states of threads, each with its standard error."""

    real: float
    by_frames: float
    error: float
    by_state: float | None
    state_error: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """All windows of one training. `rate_errors` are relative, of the windows whose batches were counted.

    `count_errors` are batches that a window's count is off by. `cpu` is what looking took, in cores.
    """

    name: str
    windows: tuple[Window, ...]
    rate_errors: tuple[float, ...]
    count_errors: tuple[int, ...]
    cpu: float
    unread: int
    places: tuple[bool, ...] = field(default=())

    @property
    def frame_error(self) -> float:
        """Mean absolute error of the wait by frames."""
        return mean(abs(window.by_frames - window.real) for window in self.windows)

    @property
    def frame_bias(self) -> float:
        """Error of the wait by frames over all windows together."""
        return mean(window.by_frames - window.real for window in self.windows)

    @property
    def state_error(self) -> float:
        """Mean absolute error of the wait by states; not a number where they cannot tell."""
        return mean(
            abs(window.by_state - window.real) for window in self.windows if window.by_state is not None
        )

    @property
    def states_covered(self) -> int:
        """Windows whose truth lies within 2.5 of the errors that were stated for the wait by states."""
        return sum(
            abs(window.by_state - window.real) <= _COVERED_ERRORS * window.state_error
            for window in self.windows
            if window.by_state is not None
        )

    @property
    def covered(self) -> int:
        """Windows whose truth lies within 2.5 of the standard errors that were stated."""
        return sum(
            abs(window.by_frames - window.real) <= _COVERED_ERRORS * window.error for window in self.windows
        )


def judge(name: str, seconds: Sequence[Second], waits: list[truth.LoaderWait], cpu: float) -> Judged:
    """Compare windows of ten seconds with the truth."""
    windows, rates, counts = [], [], []
    for first in range(0, len(seconds) - WINDOW_SECONDS, WINDOW_SECONDS):
        part = seconds[first : first + WINDOW_SECONDS + 1]
        start, end = part[0], part[-1]
        real = truth.data_wait_ratio(waits, start.seconds, end.seconds)
        measures = [second.by_frames for second in part[1:] if second.by_frames is not None]
        seen, error = pooled(measures)
        states = [second.by_state for second in part[1:] if second.by_state is not None]
        state, state_error = pooled(states) if states else (None, 0.0)
        windows.append(Window(real, seen, error, state, state_error))
        if start.delivered is not None and end.delivered is not None and _is_one_iterator(part):
            batches = truth.batches_delivered(waits, start.counted_seconds, end.counted_seconds)
            counted = end.delivered - start.delivered
            counts.append(counted - batches)
            # One batch is what the ends of a window cut off by chance.
            rates.append(max(0.0, abs(counted - batches) - 1) / max(batches, 1))
    unread = sum(second.unread for second in seconds)
    return Judged(name, tuple(windows), tuple(rates), tuple(counts), cpu, unread)


def pooled(measures: Sequence[Measure]) -> tuple[float, float]:
    """Return the mean of measures and its standard error.

    Chance evens out over them; what an interval of 90 % around each leaves in doubt does not.
    """
    doubts = [
        (measure.high - measure.low) / 2 / _Z_90
        if measure.low is not None and measure.high is not None
        else 0.0
        for measure in measures
    ]
    chances = [
        max((measure.standard_error or 0.0) ** 2 - doubt**2, 0.0)
        for measure, doubt in zip(measures, doubts, strict=True)
    ]
    error = math.hypot(math.sqrt(sum(chances)) / len(measures), mean(doubts))
    return mean(measure.value for measure in measures), error


def _is_one_iterator(part: Sequence[Second]) -> bool:
    return all(
        one.address == other.address and (one.delivered or 0) <= (other.delivered or 0)
        for one, other in pairwise(part)
    )


def mean(values: Iterable[float]) -> float:
    """Return the mean of numbers, not a number of none."""
    found = list(values)
    return sum(found) / len(found) if found else math.nan
