"""The cores a training may use, how busy they are, and what limits them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpumon.diagnosis.view import View
from gpumon.history.stats import mean
from gpumon.model.measure import Maybe, Missing, known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample

# Time that a hypervisor takes is looked up core by core: the newest seconds are enough.
_STEAL_SAMPLES = 5


class CoreLimit(str, Enum):
    """What keeps a training from more cores."""

    HOST = "host"
    AFFINITY = "affinity"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of one training, all ranks.

    `usable` is the smallest of `host`, affinity and quota. `busy_ratio` is how much of them is in use by
    anybody, `idle` how many are not. `demand` is what the training runs and would run: cores in use plus
    tasks waiting for one. `others` are the cores of the host that other programs take, time that a
    hypervisor takes included (`stolen`); `others_ratio` is the share of the cores this training competes for
    that they take: of those it may run on where its affinity says which, else of the host.
    """

    usable: float
    limit: CoreLimit
    busy_ratio: float | None
    idle: float | None
    demand: float | None
    others: float | None
    others_ratio: float | None
    host: float
    stolen: float


# kubernetes-mixin's alert CPUThrottlingHigh: a quarter of the periods. Measured when throttled: 97 %.
THROTTLED_RATIO = 0.25


@dataclass(frozen=True, slots=True)
class Quota:
    """The CPU quota of the training's cgroup, in cores, and the share of its periods that were cut short."""

    cores: float
    throttled_ratio: float

    @property
    def stops(self) -> bool:
        """Whether it stops the training often enough to count."""
        return self.throttled_ratio >= THROTTLED_RATIO


def cores_of(view: View) -> Cores | None:
    """Return the cores of a training, or None where not even their number is known."""
    return view.once(_cores)


def quota_of(view: View) -> Maybe[Quota | None]:
    """Return the CPU quota, None where there is none, or why it or its throttling is not known."""
    return view.once(_quota)


def is_throttled(view: View) -> bool:
    """Tell whether a CPU quota is what keeps the training from the cores, as far as is known."""
    quota = quota_of(view)
    return isinstance(quota, Quota) and quota.stops


def limit_words(cores: Cores) -> str:
    """Return what limits the cores, for a sentence: "8 cores", "its CPU quota of 0.6 cores"."""
    count = f"{cores.usable:g}"
    noun = "core" if cores.usable == 1 else "cores"
    if cores.limit is CoreLimit.QUOTA:
        return f"its CPU quota of {count} {noun}"
    if cores.limit is CoreLimit.AFFINITY:
        return f"the {count} {noun} it may run on"
    return f"{count} {noun}"


def are_words(cores: Cores) -> str:
    """Return the verb that fits `limit_words`."""
    return "is" if cores.limit is CoreLimit.QUOTA or cores.usable == 1 else "are"


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
    busy, stolen = _mean_host_busy(view), _stolen(view) * host_cores
    own = view.own_cpu
    everybody = min(host_cores, busy * host_cores + stolen) if busy is not None else None
    others = max(0.0, everybody - own) if everybody is not None and own is not None else None
    return Cores(
        usable=usable,
        limit=limit,
        busy_ratio=_busy_ratio(usable, host_cores, everybody, own),
        idle=_idle(usable, host_cores, everybody, own),
        demand=_demand(view),
        others=others,
        others_ratio=_others_ratio(limit, usable, host_cores, others, own),
        host=host_cores,
        stolen=stolen,
    )


def _quota(view: View) -> Maybe[Quota | None]:
    cgroup = view.reading.cgroup
    if isinstance(cgroup, Missing):
        return cgroup
    quota = cgroup.cpu_quota_cores
    if quota is None or isinstance(quota, Missing):
        return quota
    throttled = view.pooled(_throttled)
    if throttled is None:
        reason = cgroup.cpu_throttled_ratio
        return reason if isinstance(reason, Missing) else Missing("not read")
    return Quota(quota, throttled)


def _throttled(reading: TrainingReading) -> Maybe[float]:
    return reading.cgroup if isinstance(reading.cgroup, Missing) else reading.cgroup.cpu_throttled_ratio


def _mean_host_busy(view: View) -> float | None:
    samples = [sample for sample, _ in view.steady] or [view.sample]
    values = [value for sample in samples if (value := number(sample.host.cpu_busy_ratio)) is not None]
    return mean(values) if values else None


def _stolen(view: View) -> float:
    """Return the mean share of time that the hypervisor took from the cores; none where it is not known."""
    samples: list[Sample] = [sample for sample, _ in view.steady[-_STEAL_SAMPLES:]]
    shares = [core.cpu_steal_ratio for sample in samples for core in known(sample.host.cores) or ()]
    return mean(shares) if shares else 0.0


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


def _others_ratio(
    limit: CoreLimit, usable: float, host: float, others: float | None, own: float | None
) -> float | None:
    if others is None or own is None:
        return None
    if limit is CoreLimit.AFFINITY:
        # Which of the host's cores others are on is not known: at most what this training leaves of its own.
        return min(others, max(0.0, usable - own)) / usable
    return min(1.0, others / host)


def _demand(view: View) -> float | None:
    workers, cpu = known(view.workers), view.worker_cpu
    if workers is None or cpu is None:
        return None
    wanted = workers * (cpu + (view.worker_queue or 0.0)) + (view.main_cpu or 0.0)
    return wanted * view.ranks
