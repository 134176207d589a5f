"""A training in which nothing moves: for how long, and how that shows.

Three ways: its main process is stopped by a signal; none of its processes uses a core; or the loop stands at
the same batch while the workers rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from gpumon.diagnosis.view import View
from gpumon.history.columns import Bucket
from gpumon.history.phases import Seen
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import known, number
from gpumon.model.process import ProcessReading, Role
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Phase

# Idle workers wake once in 5 s for about 0.1 ms, a clock tick is 10 ms; the main process has threads that
# draw its progress bar and flush TensorBoard.
_RESTING_WORKER_CORES = 0.015
_RESTING_MAIN_CORES = 0.03
_WORKING_CORES = 0.003
_GPU_BUSY_RATIO = 0.05
_LOOP_ROLES = frozenset({Role.MAIN, Role.RANK})
_WORKER_ROLES = frozenset({Role.TRAIN_WORKER, Role.VAL_WORKER})
STOPPED_STATES = ("T", "t")
# An hour by ten seconds: how fast batches came before, and when the workers last did anything. Those that
# wait for an index use a hundred times less.
_SPAN_SECONDS = 3600.0
_COLUMNS = 360


class Stillness(str, Enum):
    """How a training stands still."""

    STOPPED = "stopped"
    ASLEEP = "asleep"
    NO_BATCH = "no batch"


@dataclass(frozen=True, slots=True)
class Standstill:
    """How, and for how many of the last seconds in full samples, without a break up to now.

    `is_longer` tells that it is so in all of them: it may have begun before.
    """

    how: Stillness
    seconds: float
    is_longer: bool = False


def standstill_of(view: View) -> Standstill | None:
    """Return how the training stands still, or None where it moves."""
    return view.once(_standstill)


def step_seconds(view: View) -> float:
    """Return the shortest mean time of a batch within the last hour; 0 where none was seen.

    The rate is one over a while, so it does not fall to 0 in a standstill but goes down slowly.
    """
    columns = _series(view, "batches_per_second")
    rate = max((column.mean for column in columns if column is not None), default=0.0)
    return 1.0 / rate if rate > 0 else 0.0


def last_work_unix_seconds(view: View) -> float | None:
    """Return the Unix time at which workers were last seen at work within an hour, to 10 s, or None.

    For standstills longer than the full samples reach back.
    """
    width = _SPAN_SECONDS / _COLUMNS
    for back, column in enumerate(reversed(_series(view, "worker_cpu_ratio"))):
        if column is not None and column.mean > _WORKING_CORES:
            return view.sample.instant.unix_seconds - back * width
    return None


def _series(view: View, metric: str) -> tuple[Bucket | None, ...]:
    return view.window.series(metric, str(view.pid), columns=_COLUMNS, span_seconds=_SPAN_SECONDS)


def _standstill(view: View) -> Standstill | None:
    tests: tuple[tuple[Stillness, Callable[[Seen], bool]], ...] = (
        (Stillness.STOPPED, _is_stopped),
        (Stillness.ASLEEP, _is_asleep(view)),
        (Stillness.NO_BATCH, _has_no_batch(view)),
    )
    for how, holds in tests:
        seconds = _seconds(view, holds)
        if seconds > 0:
            oldest = view.seen[0]
            return Standstill(how, seconds, is_longer=holds(oldest))
    return None


def _seconds(view: View, holds: Callable[[Seen], bool]) -> float:
    """Return for how long it holds up to now; a single sample between others may say otherwise."""
    seconds = missed = 0.0
    for pair in reversed(view.seen):
        if holds(pair):
            seconds += missed + pair[0].interval_seconds
            missed = 0.0
        elif missed:
            break
        else:
            missed = pair[0].interval_seconds
    return seconds


def _is_stopped(pair: Seen) -> bool:
    main = next((row for row in pair[1].processes if row.role is Role.MAIN), None)
    return main is not None and main.state in STOPPED_STATES


def _is_asleep(view: View) -> Callable[[Seen], bool]:
    """Return the test whether nothing of the training moved and its batch was the newest one then too."""
    place = _place(view.reading)
    return lambda pair: _place(pair[1]) == place and _sleeps(pair)


def _place(reading: TrainingReading) -> tuple[int | None, int | None]:
    return known(reading.progress.epoch), known(reading.progress.batch)


def _sleeps(pair: Seen) -> bool:
    """Tell whether no process of the training uses a core or waits for a disk, and its GPUs idle."""
    sample, reading = pair
    found = False
    for row in reading.processes:
        if row.role in _LOOP_ROLES or row.role in _WORKER_ROLES:
            if not _rests(row):
                return False
            found = found or row.role in _LOOP_ROLES
    if not found:
        return False
    return not any(
        (number(gpu.gpu_busy_ratio) or 0.0) > _GPU_BUSY_RATIO and not _has_others(reading, gpu)
        for gpu in reading.gpus(sample.gpus)
    )


def _has_others(reading: TrainingReading, gpu: GpuReading) -> bool:
    """Tell whether programs outside the training use a GPU: they may be what keeps it busy."""
    own = {member.id.pid for member in reading.training.members}
    return any(process.pid not in own for process in known(gpu.processes) or ())


def _has_no_batch(view: View) -> Callable[[Seen], bool]:
    """Return the test whether the loop stood at the newest batch, and no worker prepared another.

    Of a single rank the main process must rest too: what it does on a core may be work of its own.
    """
    place = _place(view.reading)
    resting = _WORKER_ROLES if view.ranks > 1 else _WORKER_ROLES | _LOOP_ROLES

    def holds(pair: Seen) -> bool:
        reading = pair[1]
        if None in place or _place(reading) != place or reading.phase is not Phase.TRAIN:
            return False
        return all(_rests(row) for row in reading.processes if row.role in resting)

    return holds


def _rests(row: ProcessReading) -> bool:
    """Tell whether a process uses no core to speak of, and waits for no disk."""
    cores = number(row.cpu_busy_ratio)
    most = _RESTING_MAIN_CORES if row.role in _LOOP_ROLES else _RESTING_WORKER_CORES
    return cores is not None and cores <= most and row.state != "D"
