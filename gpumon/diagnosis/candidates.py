"""The likeliest causes where no rule is certain, and the signal that would tell two of them apart."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.cores import CoreLimit, Cores, cores_of, quota_of
from gpumon.diagnosis.pace import pace_drop
from gpumon.diagnosis.starvation import WorkerTime, worker_time
from gpumon.diagnosis.storage import storage_of
from gpumon.diagnosis.view import View
from gpumon.model.measure import Missing, known


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cause by its id, how much speaks for it (0..1), and the signal that proves or refutes it."""

    id: str
    weight: float
    signal: str


_SIGNALS = {
    "starved-cpu-quota": "in how many periods its CPU quota stops it",
    "starved-neighbours": "what other programs take of the cores",
    "starved-too-many-workers": "whether the rate rises with fewer workers",
    "starved-cpu-exhausted": "how long the workers wait for a core",
    "starved-lock": "which lock the workers wait for",
    "starved-remote-storage": "whether the local disks are idle meanwhile",
    "starved-page-cache": "whether memory had held what is read",
    "starved-local-disk": "how busy the disk is",
    "starved-slow-samples": "how much single batches differ",
    "starved-too-few-workers": "whether cores are idle",
    "host-overhead": "what the main process runs between two steps",
}
# The runner-up of a cause keeps this share of its weight: no signal excludes it altogether.
_DOUBT = 0.25
# Workers that idle less than that are busy.
_LEAST_IDLE = 0.05


def candidates(view: View) -> tuple[Candidate, ...]:
    """Return the causes of a data wait, the likeliest first. Weights are shares of time, not odds."""
    if view.workers == 0:
        own = known(view.wait)
        loading = own.value if own is not None else 0.5
        return (
            Candidate("starved-no-workers", loading, "how long the main process takes to prepare a batch"),
            Candidate("host-overhead", 1 - loading, _SIGNALS["host-overhead"]),
        )
    return view.once(_with_workers)


def _with_workers(view: View) -> tuple[Candidate, ...]:
    busy = view.busy if view.busy is not None else 0.5
    time, cores = worker_time(view), cores_of(view)
    outside = min(1.0, time.disk + time.remote + time.lock)
    idle = 1.0 - busy
    weights = {
        **_of_cores(view, cores, max(0.0, busy - outside - time.sleeping)),
        **_of_storage(view, time),
        "starved-lock": min(1.0, 2 * time.lock),
        "starved-slow-samples": _of_slow_samples(view, idle),
        "host-overhead": max(0.0, idle - 0.3),
    }
    # Whose workers idle has enough of them.
    weights["starved-too-few-workers"] *= 1.0 - _ramp(idle, 0.15, 0.5) * (1.0 - _DOUBT)
    weights["starved-too-few-workers"] += time.sleeping
    weights["starved-remote-storage"] += _DOUBT * time.sleeping
    found = [Candidate(name, min(1.0, weight), _SIGNALS[name]) for name, weight in weights.items()]
    return tuple(sorted(found, key=lambda candidate: -candidate.weight))


def _of_cores(view: View, cores: Cores | None, computing: float) -> dict[str, float]:
    """Split the time in which workers compute, or want to, among who keeps a core from them, if anybody."""
    queue = view.queue_per_cpu
    short = _ramp(cores.busy_ratio, 0.80, 0.95) if cores and cores.busy_ratio is not None else 0.5
    if queue is not None and cores and cores.limit is CoreLimit.AFFINITY:
        # How busy its cores are is known by its own use alone; who queues for them does find them taken.
        short = max(short, _ramp(queue, 0.05, 0.25))
    found = {}
    quota = quota_of(view)
    limited = 0.0 if quota is None or isinstance(quota, Missing) else _ramp(quota.throttled_ratio, 0.05, 0.45)
    others = _ramp(cores.others_ratio, 0.10, 0.40) if cores and cores.others_ratio is not None else 0.0
    workers = (known(view.workers) or 0) * view.ranks
    many = _ramp(queue, 0.25, 0.75) if queue is not None and cores and workers > cores.usable else 0.0
    left = computing * short
    for name, share in (
        ("starved-cpu-quota", limited),
        ("starved-neighbours", others),
        ("starved-too-many-workers", many),
    ):
        found[name] = left * share
        left *= 1.0 - share * (1.0 - _DOUBT)
    found["starved-cpu-exhausted"] = left
    found["starved-too-few-workers"] = computing * max(1.0 - short, _DOUBT)
    return found


def _of_storage(view: View, time: WorkerTime) -> dict[str, float]:
    if time.disk + time.remote < 0.02:
        return {"starved-local-disk": 0.0, "starved-page-cache": 0.0, "starved-remote-storage": 0.0}
    storage = storage_of(view)
    here = 0.5 if storage.device_busy_ratio is None else _ramp(storage.device_busy_ratio, 0.0, 0.2)
    lost = 1.0 - _DOUBT if storage.is_thrown_out else _DOUBT
    wait = view.wait
    # A share of the workers' time that makes up for the wait is likely its cause, however small it is.
    part = 0.0 if isinstance(wait, Missing) or wait.value <= 0 else min(1.0, time.disk / wait.value)
    disk = min(1.0, max(2 * time.disk, part)) if time.disk >= 0.05 else 2 * time.disk
    return {
        "starved-local-disk": disk * here * (1.0 - lost),
        "starved-page-cache": disk * here * lost,
        "starved-remote-storage": min(1.0, 2 * time.remote) + disk * (1.0 - here),
    }


def _of_slow_samples(view: View, idle: float) -> float:
    if idle < _LEAST_IDLE:
        return 0.0
    drop = pace_drop(view)
    uneven = 0.5 if drop is None else _ramp(drop, 0.0, 0.2)
    return (idle if idle < 0.5 else 1.0 - idle) * (_DOUBT + uneven * (1.0 - _DOUBT)) * 2


def _ramp(value: float, low: float, high: float) -> float:
    """Return 0 up to `low`, 1 from `high`, and in between in proportion."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
