"""The likeliest causes where no rule is certain, and the signal that would tell two of them apart."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.starvation import worker_waits
from gpumon.diagnosis.view import View
from gpumon.history.stats import Interval
from gpumon.model.measure import known

_QUEUE_PER_CPU = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cause by its id, how much speaks for it (0..1), and the signal that proves or refutes it."""

    id: str
    weight: float
    signal: str


def candidates(view: View) -> tuple[Candidate, ...]:
    """Return the causes of a data wait, the likeliest first. Weights are shares of time, not odds."""
    if view.workers == 0:
        own = known(view.wait)
        loading = own.value if own is not None else 0.5
        return (
            Candidate("starved-no-workers", loading, "how long the main process takes to prepare a batch"),
            Candidate("host-overhead", 1 - loading, "what the main process runs between two steps"),
        )
    waits, cores = worker_waits(view), cores_of(view)
    busy = view.busy if view.busy is not None else 0.5
    idle = 1.0 - busy
    taken = cores.busy_ratio if cores and cores.busy_ratio is not None else 0.5
    queue = view.queue_per_cpu or 0.0
    outside = min(1.0, waits.disk + waits.remote + waits.lock)
    saturated = waits.device_busy if waits.device_busy is not None else 0.5
    found = [
        Candidate("starved-too-few-workers", busy * (1 - taken) * (1 - outside), "whether cores are idle"),
        Candidate(
            "starved-cpu-exhausted",
            busy * taken * (1 - outside),
            "how long the workers wait for a core",
        ),
        Candidate(
            "starved-too-many-workers",
            busy * taken * min(1.0, queue / (2 * _QUEUE_PER_CPU)) * 0.9,
            "whether the rate rises with fewer workers",
        ),
        Candidate("starved-local-disk", min(1.0, waits.disk * (1 + saturated)), "how busy the disk is"),
        Candidate(
            "starved-remote-storage", min(1.0, 2 * waits.remote), "whether the local disk is idle meanwhile"
        ),
        Candidate("starved-lock", min(1.0, 2 * waits.lock), "which lock the workers wait for"),
        Candidate("starved-slow-samples", idle if idle < 0.5 else 1 - idle, "how much single batches differ"),
        Candidate("host-overhead", max(0.0, idle - 0.3), "what the main process runs between two steps"),
    ]
    return tuple(sorted(found, key=lambda candidate: -candidate.weight))


def likeliest_two(view: View, wait: Interval) -> tuple[Candidate, Candidate]:
    """Return the two likeliest causes, of which one is compute-bound where the wait is near 5 %."""
    first, second = candidates(view)[:2]
    if wait.low <= 0.05:
        return Candidate("compute-bound", 0.5, "a longer look at the wait"), first
    return first, second
