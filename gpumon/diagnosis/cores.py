"""The cores a training may use, how busy they are, and what limits them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpumon.diagnosis.view import View
from gpumon.history.stats import mean
from gpumon.model.measure import known, number


class CoreLimit(str, Enum):
    """What keeps a training from more cores."""

    HOST = "host"
    AFFINITY = "affinity"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of one training, all ranks.

    `usable` is the smallest of host, affinity and quota. `busy_ratio` is how much of them is in use by
    anybody, `idle` how many are not. `demand` is what the training runs and would run: cores in use plus
    tasks waiting for one.
    """

    usable: float
    limit: CoreLimit
    busy_ratio: float | None
    idle: float | None
    demand: float | None
    others: float | None


def cores_of(view: View) -> Cores | None:
    """Return the cores of a training, or None where not even their number is known."""
    return view.once(_cores)


def _cores(view: View) -> Cores | None:
    host = known(view.sample.host.cores)
    cgroup = known(view.reading.cgroup)
    candidates = [
        (float(len(host)) if host else None, CoreLimit.HOST),
        (number(view.reading.affinity_cores), CoreLimit.AFFINITY),
        (number(known(cgroup.cpu_quota_cores)) if cgroup else None, CoreLimit.QUOTA),
    ]
    found = [(cores, limit) for cores, limit in candidates if cores is not None and cores > 0]
    # min takes the first of equals: an affinity to all cores is no limit.
    usable, limit = min(found, key=lambda pair: pair[0]) if found else (None, CoreLimit.HOST)
    stated = number(view.reading.usable_cores)
    if stated is not None and stated > 0 and (usable is None or stated < usable):
        usable = stated
    if usable is None:
        return None
    host_cores = float(len(host)) if host else usable
    busy = _mean_host_busy(view)
    own = view.own_cpu
    everybody = busy * host_cores if busy is not None else None
    others = max(0.0, everybody - own) if everybody is not None and own is not None else None
    return Cores(
        usable=usable,
        limit=limit,
        busy_ratio=_busy_ratio(usable, host_cores, everybody, own),
        idle=_idle(usable, host_cores, everybody, own),
        demand=_demand(view),
        others=others,
    )


def limit_words(cores: Cores) -> str:
    """Return what limits the cores, for a sentence: "8 cores", "its CPU quota of 0.6 cores"."""
    count = f"{cores.usable:g}"
    noun = "core" if cores.usable == 1 else "cores"
    if cores.limit is CoreLimit.QUOTA:
        return f"its CPU quota of {count} {noun}"
    if cores.limit is CoreLimit.AFFINITY:
        return f"the {count} {noun} it may run on"
    return f"{count} {noun}"


def _mean_host_busy(view: View) -> float | None:
    samples = [sample for sample, _ in view.steady] or [view.sample]
    values = [value for sample in samples if (value := number(sample.host.cpu_busy_ratio)) is not None]
    return mean(values) if values else None


def _busy_ratio(usable: float, host: float, everybody: float | None, own: float | None) -> float | None:
    ratios = []
    if everybody is not None and usable >= host:
        ratios.append(everybody / host)
    if own is not None:
        ratios.append(own / usable)
    return min(1.0, max(ratios)) if ratios else None


def _idle(usable: float, host: float, everybody: float | None, own: float | None) -> float | None:
    free = []
    if everybody is not None:
        free.append(host - everybody)
    if own is not None:
        free.append(usable - own)
    return max(0.0, min(free)) if free else None


def _demand(view: View) -> float | None:
    workers, cpu = known(view.workers), view.worker_cpu
    if workers is None or cpu is None:
        return None
    wanted = workers * (cpu + (view.worker_queue or 0.0)) + (view.main_cpu or 0.0)
    return wanted * view.ranks
