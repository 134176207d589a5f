"""What a rank gets of cores that other programs take, too, with so many workers.

The kernel shares full cores among the threads that want one, or among sessions and cgroups first. By thread
more workers get more: with R threads of others and r of its own on C cores a training has C r / (R + r) of
them. By group they get no more than now. Which of both holds, and what others will do, is not to be seen.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from gpumon.advice.throughput import Pipeline, cpu_factor
from gpumon.diagnosis.cores import CoreLimit, Cores, cores_of
from gpumon.diagnosis.rules.starved_neighbours import BUSY_RATIO, FEW_OTHERS_RATIO
from gpumon.diagnosis.starvation import QUEUE_PER_CPU
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words
from gpumon.history.stats import Interval


def shared_cores(view: View, pipeline: Pipeline, workers: int) -> Interval | None:
    """Return the cores that a rank gets with so many workers (not fewer than now) beside other programs.

    The low end is what it has now, by group; the high end what it would have by thread, or what others do
    not take now if that is more; the point is the (geometric) middle of group and thread. None where others
    leave cores, or nothing is known of them.
    """
    cores = cores_of(view)
    if cores is None or pipeline.cores is None or not _are_taken(view, cores):
        return None
    each = pipeline.cpu + pipeline.queue
    used = pipeline.cpu * pipeline.workers + pipeline.main_cpu
    wanted = each * pipeline.workers + pipeline.main_cpu
    if used <= 0.0 or pipeline.cpu <= 0.0:
        return None
    # A worker that could run has a core for this share of the time: all of them and C say how many want one.
    usable = cores.usable / view.ranks
    all_threads = max(wanted, usable * each / pipeline.cpu)
    more = each * max(0, workers - pipeline.workers)
    by_thread = min(usable, used * (1.0 + more / wanted) * all_threads / (all_threads + more))
    return Interval(sqrt(used * by_thread), used, max(by_thread, pipeline.cores))


def as_shared(gain: Interval, pipeline: Pipeline, shared: Interval, saved: Interval) -> Interval:
    """Return the factor on the rate as far as other programs leave the cores for it.

    `shared` are the cores that the rank gets, `saved` those that a larger batch no longer takes.
    """

    def most(cores: float, spared: float) -> float:
        allowed = cpu_factor(replace(pipeline, cores=cores), saved=spared)
        return gain.high if allowed is None else allowed

    high = min(gain.high, most(shared.high, saved.high))
    value = min(gain.value, most(shared.value, saved.value), high)
    return Interval(value, min(gain.low, most(shared.low, saved.low), value), high)


def taken_words(view: View) -> str:
    """Return what others take of the cores, for a sentence: "other programs take 1.8 cores of 2"."""
    cores = cores_of(view)
    if cores is None or cores.others is None or cores.others_ratio is None:
        return ""
    if cores.limit is CoreLimit.AFFINITY:
        taken = cores_words(cores.others_ratio * cores.usable)
        return f"other programs take {taken} of the {cores.usable:g} that it may run on"
    return f"other programs take {cores_words(cores.others)} of {cores.host:g}"


def _are_taken(view: View, cores: Cores) -> bool:
    """Tell whether workers queue for cores that others fill with them."""
    queue, own = view.queue_per_cpu, view.own_cpu
    if queue is None or queue < QUEUE_PER_CPU or own is None:
        return False
    if cores.others is None or cores.others_ratio is None or cores.others_ratio < FEW_OTHERS_RATIO:
        return False
    # As in the rule: how full the cores are that its affinity leaves it, the queue for them says.
    return cores.limit is CoreLimit.AFFINITY or (cores.others + own) / cores.host > BUSY_RATIO
