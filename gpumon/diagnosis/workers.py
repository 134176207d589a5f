"""What each DataLoader worker did: the evidence, worker by worker, behind a mean over all of them."""

from __future__ import annotations

from collections.abc import Callable

from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.history.stats import mean
from gpumon.model.measure import number
from gpumon.model.process import Role, ThreadStates

# Looks at many workers are taken from fewer seconds: the cost of a judgement has a bound.
_MOST_ENTRIES = 160
# More workers than that are told by their least and their most.
_MOST_NAMED = 4


def shares_by_worker(view: View, count: Callable[[ThreadStates], int]) -> tuple[float, ...]:
    """Return, for each train worker of the newest steady sample, the share of looks that `count` counts.

    The workers are those of all ranks in the order of their PIDs; looks at stopped ones are left out.
    """
    if not view.steady:
        return ()
    newest = sorted(state.id.pid for state in view.steady[-1][1].loader.worker_states)
    if not newest:
        return ()
    hits, totals = dict.fromkeys(newest, 0), dict.fromkeys(newest, 0)
    for _, reading in view.steady[-max(1, _MOST_ENTRIES // len(newest)) :]:
        for state in reading.loader.worker_states:
            pid = state.id.pid
            if pid in hits:
                hits[pid] += count(state)
                totals[pid] += state.samples - state.stopped
    return tuple(hits[pid] / totals[pid] for pid in newest if totals[pid] > 0)


def mean_by_worker(view: View, count: Callable[[ThreadStates], int]) -> float | None:
    """Return the mean of `shares_by_worker`, None where no worker was looked at."""
    shares = shares_by_worker(view, count)
    return mean(shares) if shares else None


def cores_per_process(view: View) -> float | None:
    """Return the cores that one worker process uses, all its threads together; None where not known."""
    found: list[float] = []
    newest = max(1, _MOST_ENTRIES // max(1, len(view.reading.processes)))
    for _, reading in view.steady[-newest:]:
        rows = [process for process in reading.processes if process.role is Role.TRAIN_WORKER]
        found += [cores for row in rows if (cores := number(row.cpu_busy_ratio)) is not None]
    return mean(found) if found else None


def each_words(shares: tuple[float, ...]) -> str:
    """Return shares of workers for the end of a sentence, as " (worker by worker 61 % and 63 %)", or ""."""
    if len(shares) < 2:
        return ""
    if len(shares) <= _MOST_NAMED:
        words = [percent(share) for share in shares]
        return f" (worker by worker {', '.join(words[:-1])} and {words[-1]})"
    return f" ({percent(min(shares))} to {percent(max(shares))} of each of {len(shares)} workers)"
