"""Host memory of a training that grows: when it will be full, and whether it comes to rest.

Forked workers share the pages of the main process until they write to them, and counting references
writes: so memory grows through the first epoch with the size of the data set and the number of workers, and
comes to rest when all pages are copied (pytorch issue 13246). A resumed training has a first epoch of its
own. While `--cache ram` decodes the images, before the first batch, the main process grows by them. How many
they are is not known before batches are counted: the pace is all there is. Counted is PSS, each shared page
once: by RSS the shared pages would count for every worker.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.own_epochs import has_ended_epoch
from gpumon.diagnosis.view import View
from gpumon.history.stats import theil_sen
from gpumon.model.measure import known, number
from gpumon.model.process import Role
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Phase

OWN_ROLES = frozenset({Role.MAIN, Role.RANK, Role.TRAIN_WORKER, Role.VAL_WORKER})
# Sums over processes are made at so many moments of the samples: over all 180 of 64 processes they would
# take 2 ms. PSS is read every 5 s at best.
_MOMENTS = 12
_LEAST_SECONDS = 60.0
# Images come evenly, and a container may be full of them within a minute.
_LEAST_CACHING_SECONDS = 20.0
# Less than this share of what may be held is no growth to speak of.
_LEAST_RISE = 0.01
# Half of the pace of before: it comes to rest.
_FLATTENING = 0.5
# `--cache ram` by its name, and True in a script.
_RAM = frozenset({"ram", "true"})
# Before v7.0 YOLOv5 did not look whether the images fit (check_cache_ram).
_UNCHECKED = ("v5", "v6")


@dataclass(frozen=True, slots=True)
class HostGrowth:
    """Growth of the host memory of a training's processes, in bytes and seconds.

    `free_bytes` is what host and cgroup have left. `left_seconds` is the time until growth is expected to
    end: that of the first epoch, in which pages are copied, else of the run; None where not known.
    `is_caching` tells that `--cache ram` fills memory before the first batch.
    """

    bytes_per_second: float
    watched_seconds: float
    free_bytes: float
    is_flattening: bool
    is_first_epoch: bool
    left_seconds: float | None
    is_caching: bool = False

    @property
    def full_in_seconds(self) -> float:
        """When host or cgroup are full at this pace."""
        return self.free_bytes / self.bytes_per_second

    @property
    def fills(self) -> bool:
        """Whether memory is full before growth is expected to end; as much time again where not known."""
        left = self.watched_seconds if self.left_seconds is None else self.left_seconds
        return not self.is_flattening and self.full_in_seconds < left


def host_growth_of(view: View) -> HostGrowth | None:
    """Return how the training's host memory grows, or None where it is not seen to."""
    return view.once(_growth)


def own_bytes(reading: TrainingReading) -> int | None:
    """Return what its processes hold, each shared page counted once; None where not known of all."""
    held = [known(row.memory_pss_bytes) for row in reading.processes if row.role in OWN_ROLES]
    found = [pss for pss in held if pss is not None]
    return sum(found) if found and len(found) == len(held) else None


def _growth(view: View) -> HostGrowth | None:
    is_caching = _is_caching(view)
    room = _room(view, has_host=not (is_caching and _looks_at_host(view)))
    newest = own_bytes(view.reading)
    if room is None or newest is None:
        return None
    may_hold, free = room
    least = _LEAST_RISE * may_hold
    first = own_bytes(view.seen[0][1])
    if first is not None and newest - first < least:
        return None  # the usual case: it rests
    points = _points(view, Phase.START if is_caching else Phase.TRAIN)
    least_seconds = _LEAST_CACHING_SECONDS if is_caching else _LEAST_SECONDS
    if len(points) < _MOMENTS // 2 or points[-1][0] - points[0][0] < least_seconds:
        return None
    if points[-1][1] - points[0][1] < least:
        return None
    places, values = [place for place, _ in points], [value for _, value in points]
    slope = theil_sen(places, values)
    if slope.low <= 0:
        return None
    half = len(points) // 2
    older = theil_sen(places[: half + 1], values[: half + 1]).value
    newer = theil_sen(places[half:], values[half:]).value
    is_first, left = (False, None) if is_caching else _until_rest(view)
    return HostGrowth(
        bytes_per_second=slope.value,
        watched_seconds=places[-1] - places[0],
        free_bytes=free,
        is_flattening=newer < _FLATTENING * older,
        is_first_epoch=is_first,
        left_seconds=left,
        is_caching=is_caching,
    )


def _is_caching(view: View) -> bool:
    return view.phase is Phase.START and str(view.setting("cache")).strip().lower() in _RAM


def _looks_at_host(view: View) -> bool:
    """Tell whether the framework looks by itself whether the images fit into the machine.

    It looks at the machine, not at the limit of a container, and each rank for itself.
    """
    version = known(view.reading.training.framework_version) or ""
    return view.ranks == 1 and not version.startswith(_UNCHECKED)


def _points(view: View, phase: Phase) -> list[tuple[float, float]]:
    """Return moments of a phase, and what all processes held then; only of one number of processes."""
    training = [pair for pair in view.seen if pair[1].phase is phase]
    count = len(view.reading.processes)
    step = max(1, (len(training) - 1) // (_MOMENTS - 1))
    chosen = training[::-1][: step * _MOMENTS : step][::-1]
    points: list[tuple[float, float]] = []
    for sample, reading in chosen:
        # A worker more or less is no growth.
        held = own_bytes(reading) if len(reading.processes) == count else None
        if held is not None:
            points.append((sample.instant.monotonic_seconds, float(held)))
    return points


def _room(view: View, *, has_host: bool) -> tuple[float, float] | None:
    """Return the most that may be held and what is left of it, of host or cgroup, whichever has less left."""
    found: list[tuple[float, float]] = []
    memory, cgroup = known(view.sample.host.memory), known(view.reading.cgroup)
    if memory is not None and has_host:
        found.append((float(memory.memory_total_bytes), float(memory.memory_available_bytes)))
    if cgroup is not None:
        limit, used = known(cgroup.memory_limit_bytes), known(cgroup.memory_used_bytes)
        if limit and used is not None:
            found.append((float(limit), float(max(0, limit - used))))
    return min(found, key=lambda one: one[1]) if found else None


def _until_rest(view: View) -> tuple[bool, float | None]:
    """Return whether this is the first epoch of the process, and how long it (else the run) still takes."""
    progress = view.reading.progress
    epoch, left = known(progress.epoch), known(progress.eta_seconds)
    if epoch is None or has_ended_epoch(view):
        return False, left
    batch, batches = number(progress.batch), number(progress.batches)
    pace = number(view.reading.loader.batches_per_second)
    if batch is None or not batches or not pace:
        return True, left
    return True, max(0.0, batches - batch) / pace
