"""The share of time in which a training waits for its loader, by the best source, and what others say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gpumon.frameworks.loader_wait_account import account_of, by_frames, by_states, proportion
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ThreadStates
from gpumon.model.training import Phase
from gpumon.sources.interpreter_reading import InterpreterReading
from gpumon.sources.reporter_reading import ReporterReading

NO_WORKERS = "0 workers: loading happens in the main thread, which /proc cannot tell from computing"
NOT_OURS = "another user's process: run gpumon as that user or root to see what it waits for"
NOT_ASKED = Missing("its interpreter is not looked into")
_BY_STATE = "state of the main thread"
PAUSED = Missing("paused: its main thread is stopped")
NO_LOOKS = Missing("no looks at its threads yet")
# Without wait channels a sleep is only a sleep: the largest error of such estimates was 0.18 to 0.20.
_STATE_ONLY_ERROR = 0.2
_LOADS_IN_MAIN = Missing(NO_WORKERS)
_TRAINING = (Phase.TRAIN, Phase.UNKNOWN)
# A 90 % interval by a standard error.
_Z_90 = 1.645
# The mean error of thread states is 0.03 and its largest 0.2: less is no contradiction.
_DISAGREE_RATIO = 0.2
# Where more looks than these had to wait for a core, they found the thread blocked too often
# (docs/adr/0003-late-looks.md).
_LATE_RATIO = 0.2
# Up to one standard error apart, the kernel's account weighs the looks in full; from two on not at all.
_ERRORS_DOUBTED = 2.0


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait with the looks behind it; `note` tells of a source that says something else."""

    ratio: Maybe[Measure]
    samples: int = 0
    waiting: int = 0
    note: str = ""


def best_wait(
    by_state: Wait,
    looks: Maybe[InterpreterReading],
    report: Maybe[ReporterReading],
    *,
    has_workers: bool = False,
) -> Wait:
    """Return the wait by the best source: the training's own word, its frames, the states of its threads.

    Sources are never averaged: where the states of threads differ much, the note says so. `has_workers`
    tells that the rank has DataLoader workers.
    """
    if by_state.ratio == PAUSED:
        return by_state
    told = wait_by_report(report)
    seen = wait_by_frames(looks, has_workers=has_workers)
    best = next((wait for wait in (told, seen) if not isinstance(wait.ratio, Missing)), None)
    if best is None:
        if by_state.ratio == _LOADS_IN_MAIN and isinstance(seen.ratio, Missing) and seen.ratio != NOT_ASKED:
            # Only the frames could tell: why they do not is what helps.
            return replace(by_state, ratio=Missing(f"{NO_WORKERS}; {seen.ratio.reason}"))
        return by_state
    lower = [wait for wait in (seen, by_state) if wait is not best]
    notes = [text for wait in lower if (text := _contradiction(best.ratio, wait.ratio))]
    return Wait(best.ratio, best.samples, best.waiting, "; ".join(notes))


def wait_by_report(report: Maybe[ReporterReading]) -> Wait:
    """Return the wait that the training itself told."""
    return Wait(report if isinstance(report, Missing) else report.data_wait_ratio)


def wait_by_frames(looks: Maybe[InterpreterReading], *, has_workers: bool = False) -> Wait:
    """Return the share of looks that found the main thread inside a DataLoader's `__next__`.

    A program without such a loader has none: that it has one is known from its workers, or once it was seen.
    A second without a wait is a number like any other then, or only those with one would count.

    Of the phase that most looks found: waiting for validation's loader says nothing of the training's.
    Looks that found no stack may have been either, which widens the error. The looks that waited are
    counted as they weigh: by the kernel's account as far as that can be relied on, else alike.
    """
    if isinstance(looks, Missing):
        return Wait(looks)
    if not (has_workers or looks.has_loader or looks.train or looks.waiting):
        return Wait(Missing("no DataLoader of torch was seen in its frames yet"))
    phases = _TRAINING if looks.phase in _TRAINING else (looks.phase,)
    found = [seen for seen in looks.phases if seen.phase in phases]
    samples = sum(seen.looks for seen in found)
    if not samples:
        return Wait(NO_LOOKS)
    ratio, error = proportion(sum(seen.waiting for seen in found), samples)
    weight = _account_weight(looks)
    if weight and looks.blocked_ratio is not None and samples == looks.looks:
        # The kernel's account is of the whole time: with several phases in it, it is of none of them.
        blocked = (sum(seen.blocked for seen in found), sum(seen.blocked_waiting for seen in found))
        running = (samples - blocked[0], sum(seen.waiting for seen in found) - blocked[1])
        weighed = by_frames(looks.blocked_ratio, blocked, running)
        ratio, error = (
            weight * one + (1 - weight) * other for one, other in zip(weighed, (ratio, error), strict=True)
        )
    error += looks.unread / (looks.unread + looks.looks) / 2
    return Wait(Measure(ratio, Certainty.SAMPLED, looks.source, error), samples, round(ratio * samples))


def wait_by_state(
    main: ThreadStates | None,
    workers: Sequence[ThreadStates],
    worker_count: Maybe[int],
    *,
    pin_thread: bool | None,
    has_wait_channels: bool,
) -> Wait:
    """Return the wait by the states of the main thread, where there are workers to wait for.

    With a pinning thread the main thread waits in a futex with a timeout, without one in poll and, while
    a batch is handed over, on a Unix socket. The looks are weighed by the kernel's account of the thread's
    time where there is one (see loader_wait_account). The interval is then what the account leaves in doubt:
    it does not even out over many readings, as the rest of `standard_error` does.
    """
    if main is not None and main.samples and alive(main) < main.samples / 2:
        return Wait(PAUSED, main.samples)
    if worker_count == 0:
        return Wait(_LOADS_IN_MAIN, main.samples if main else 0)
    ratio = _ratio_by_state(main, workers, worker_count, pin_thread, has_wait_channels=has_wait_channels)
    if main is None:
        return Wait(ratio)
    waiting = sum(_waiting(main, pin_thread))
    if isinstance(ratio, Measure) and ratio.certainty is Certainty.SAMPLED:
        waiting = round(ratio.value * main.samples)
    return Wait(ratio, main.samples, waiting)


def sees_waits(states: Iterable[ThreadStates]) -> bool:
    """Tell whether the kernel lets us see what these threads wait for."""
    return any(s.polling or s.futex_timed or s.futex_untimed or s.remote for s in states) or all(
        not s.sleeping for s in states
    )


def slowest(waits: Mapping[int, Wait]) -> tuple[Maybe[int], Maybe[Measure], Maybe[float]]:
    """Return the rank that waits most, its wait, and the spread between all ranks."""
    known = {rank: wait.ratio for rank, wait in waits.items() if isinstance(wait.ratio, Measure)}
    if len(known) < 2:
        missing = Missing("it has one rank" if len(waits) < 2 else "fewer than two ranks can be looked at")
        return missing, missing, missing
    rank = max(known, key=lambda one: known[one].value)
    values = [measure.value for measure in known.values()]
    return rank, known[rank], max(values) - min(values)


def alive(state: ThreadStates) -> int:
    """Return the looks at a thread that was not stopped."""
    return state.samples - state.stopped


def mean(values: Iterable[float | None]) -> Maybe[float]:
    """Return the mean of what is known."""
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found else Missing("not read")


def _account_weight(looks: InterpreterReading) -> float:
    """Return how far the kernel's account of the blocked time weighs the looks, 0..1.

    Where looks and account agree, the account takes most of the chance out of the looks. Where they do not,
    one of them is wrong. Late looks find the thread blocked too often. Else it is the account: it takes
    interrupts that a disk raises for blocked time, and misses how often a batch that is handed over blocks.
    """
    surplus, error = looks.blocked_surplus_ratio, looks.blocked_surplus_error
    is_late = looks.late > _LATE_RATIO * (looks.looks + looks.unread)
    if is_late and surplus >= 0:
        return 1.0
    return min(max(_ERRORS_DOUBTED - abs(surplus) / error, 0.0), 1.0) if error else 0.0


def _contradiction(best: Maybe[Measure], other: Maybe[Measure]) -> str:
    if isinstance(best, Missing) or isinstance(other, Missing):
        return ""
    apart = abs(best.value - other.value)
    errors = math.hypot(best.standard_error or 0.0, other.standard_error or 0.0)
    if apart <= max(_DISAGREE_RATIO, 3 * errors):
        return ""
    return f"data wait: {best.source} says {best.value:.0%}, {other.source} {other.value:.0%}"


def _waiting(main: ThreadStates, pin_thread: bool | None) -> tuple[int, int]:
    """Return the looks that found it waiting for the pinning thread, and for a worker itself."""
    if pin_thread is None:
        return main.futex_timed, main.polling + main.receiving
    return (main.futex_timed, 0) if pin_thread else (0, main.polling + main.receiving)


def _ratio_by_state(
    main: ThreadStates | None,
    workers: Sequence[ThreadStates],
    worker_count: Maybe[int],
    pin_thread: bool | None,
    *,
    has_wait_channels: bool,
) -> Maybe[Measure]:
    if isinstance(worker_count, Missing):
        return worker_count
    if main is None or main.samples == 0:
        return NO_LOOKS
    if not has_wait_channels:
        return _ratio_by_sleep(main, workers)
    pinned, handed_over = _waiting(main, pin_thread)
    waiting, account = pinned + handed_over, account_of(main)
    if account is None:
        ratio, error = proportion(waiting, alive(main))
        return Measure(ratio, Certainty.SAMPLED, _BY_STATE, error)
    found = by_states(account, alive(main) - main.running, waiting, handed_over)
    around, error = _Z_90 * found.doubt, math.hypot(found.chance, found.doubt)
    low, high = max(found.ratio - around, 0.0), min(found.ratio + around, 1.0)
    return Measure(found.ratio, Certainty.SAMPLED, _BY_STATE, error, low, high)


def _ratio_by_sleep(main: ThreadStates, workers: Sequence[ThreadStates]) -> Maybe[Measure]:
    ratio, error = proportion(main.sleeping, alive(main))
    busy = mean((s.running + s.disk) / alive(s) for s in workers if alive(s))
    if ratio > 0.1 and (isinstance(busy, Missing) or busy < 0.5):
        # The main thread sleeps and so do the workers: a slow dataset, a pause, or a hang.
        return Missing(NOT_OURS)
    return Measure(
        ratio,
        Certainty.ESTIMATED,
        "sleep of the main thread while workers are busy (another user's process)",
        low=max(ratio - _STATE_ONLY_ERROR, 0.0),
        high=min(ratio + max(_STATE_ONLY_ERROR, 1.645 * error), 1.0),
    )
