"""CPU time of the diagnosis of one sample, on traces with an hour of history.

`python -m tests.bench.diagnosis [TRACE...]` (names of tests/traces; a handful of different ones by default).
The samples of a trace are played again and again on a clock that goes on, for an hour and then for `SECONDS`
more, which are measured: as live, one judgement a second. Budget: 3 ms a sample, 0.3 % of a core.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from gpumon.advice.advise import report_of
from gpumon.diagnosis.diagnose import Diagnosis, examine
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import History
from gpumon.history.stats import mean, quantile
from gpumon.history.window import Window
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.lab.library import TRACES
from tests.lab.score_library import opened

T = TypeVar("T")

HOUR_SECONDS = 3700
SECONDS = 120
BUDGET_SECONDS = 0.003
# A wait with a clear cause, one without, many workers, epochs, a GPU, several ranks.
DEFAULT = (
    "too-few-workers-middle",
    "too-many-workers-middle",
    "local-disk-middle",
    "healthy-steady-spin",
    "validation-heavy-middle",
    "leak-middle",
    "idle-gpus-middle",
    "slow-rank-middle",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of each sample: of the diagnosis, and of advice and memory that follow from it."""

    diagnosis: tuple[float, ...]
    advice: tuple[float, ...]


def main(names: Sequence[str]) -> int:
    """Print a line for each trace; 1 where one is above the budget."""
    print(f"{'trace':<28} {'diagnosis':>9} {'median':>7} {'p95':>7} {'advice':>7}   ms of CPU a sample")
    above = False
    for name in names:
        with opened(name, TRACES) as trace:
            cost = measure(list(trace.samples()))
        above |= mean(cost.diagnosis) > BUDGET_SECONDS
        numbers = (
            mean(cost.diagnosis),
            quantile(cost.diagnosis, 0.5),
            quantile(cost.diagnosis, 0.95),
            mean(cost.advice),
        )
        print(f"{name:<28} {numbers[0] * 1e3:>9.2f} " + " ".join(f"{one * 1e3:>7.2f}" for one in numbers[1:]))
    return int(above)


def measure(samples: list[Sample], history_seconds: int = HOUR_SECONDS, seconds: int = SECONDS) -> Cost:
    """Return what each of the last `seconds` cost after so much history."""
    history = History()
    diagnosis_seconds, advice_seconds = [], []
    for place, sample in enumerate(again(samples, history_seconds + seconds)):
        history.append(sample)
        reading = sample.training()
        # What is judged once for each sample is judged from the moment on from which it is asked for again.
        if place < history_seconds - 200 or reading is None:
            continue
        window, pid = history.window(), reading.training.id.pid
        spent, diagnosed = timed(partial(_diagnose, window, pid))
        if diagnosed is None or place < history_seconds:
            continue
        diagnosis_seconds.append(spent)
        advice_seconds.append(timed(partial(report_of, *diagnosed))[0])
    return Cost(tuple(diagnosis_seconds), tuple(advice_seconds))


def again(samples: Sequence[Sample], count: int) -> Iterator[Sample]:
    """Yield samples from the first one of training on, again and again, a second apart."""
    begins = next(
        (
            place
            for place, sample in enumerate(samples)
            if (reading := sample.training()) is not None and reading.phase is Phase.TRAIN
        ),
        0,
    )
    played = samples[begins:]
    for index in range(count):
        sample = played[index % len(played)]
        moment = replace(sample.instant, unix_seconds=1.7e9 + index, monotonic_seconds=1000.0 + index)
        yield replace(sample, sequence=index, instant=moment)


def timed(do: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds of a call and its result."""
    began = time.process_time()
    result = do()
    return time.process_time() - began, result


def _diagnose(window: Window, pid: int) -> tuple[View, Diagnosis] | None:
    view = view_of(window, pid)
    return None if view is None else (view, examine(view))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or DEFAULT))
