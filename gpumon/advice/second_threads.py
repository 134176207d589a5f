"""What a core does for two threads at once, where it has a second one (hyperthreads, SMT).

The kernel counts time on either thread as time on a core, but who shares a core is slower: an image takes its
worker more of that time. So workers beyond the physical cores bring less each, and it takes one for almost
every thread before the cores are full.
"""

from __future__ import annotations

from gpumon.diagnosis.cores import CoreLimit, cores_of
from gpumon.diagnosis.view import View
from gpumon.model.measure import known, number

# What a second thread of a core adds to the first: 0.1 to 0.4, taken as 0.25.
SECOND_THREAD, SECOND_THREAD_LEAST, SECOND_THREAD_MOST = 0.25, 0.10, 0.40


def done_by(threads: float, physical_cores: float | None, second_thread: float = SECOND_THREAD) -> float:
    """Return what so many running threads do, in cores with one thread each.

    They take a core each as long as there is one. `physical_cores` is None where it is not known, or where no
    core has two threads.
    """
    if physical_cores is None or threads <= physical_cores:
        return threads
    return physical_cores + second_thread * (threads - physical_cores)


def thread_speed(
    threads: float, cores: float, physical_cores: float, second_thread: float = SECOND_THREAD
) -> float:
    """Return how fast one of so many threads runs on so many (logical) cores, 1 for one that has its core.

    More threads than cores take turns, which is another matter than sharing.
    """
    running = min(threads, cores)
    return done_by(running, physical_cores, second_thread) / running if running > physical_cores else 1.0


def rank_cores(view: View) -> tuple[float | None, float | None]:
    """Return the (logical) cores that a rank could have, and how many physical ones these are, if known.

    A quota is of time: who runs for a part of it has all of the machine for that part, so that its threads
    have physical cores of their own as long as the machine has.
    """
    cores = cores_of(view)
    if cores is None:
        return None, None
    host = known(view.sample.host.cores)
    all_cores = float(len(host)) if host else cores.usable
    left = all_cores - (cores.others or 0.0)
    available = cores.usable if cores.usable < 1.0 else max(1.0, min(cores.usable, left))
    seen = number(view.sample.host.physical_cores)
    if seen is None or not 0 < seen <= all_cores:
        return available / view.ranks, None
    spread = max(available, left) if cores.limit is CoreLimit.QUOTA else available
    return available / view.ranks, spread * seen / all_cores / view.ranks
