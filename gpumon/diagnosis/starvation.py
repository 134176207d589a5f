"""What the rules about a waiting loop share: thresholds, evidence, and how the workers spend their time."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.cores import Cores
from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.storage import storage_of
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import as_long_words, percent, wait_words
from gpumon.diagnosis.workers import cores_per_process, mean_by_worker
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence
from gpumon.model.measure import Missing, known

# XProf's input-pipeline analyser and PyTorch's profiler plugin: above 5 % of the step the input is a
# bottleneck, above 20 % (XProf) a severe one.
STARVED_RATIO = 0.05
SEVERE_RATIO = 0.20
WAIT_METRIC = "data_wait_ratio"
# Chosen: workers of starved loaders were seen to idle 0 to 4 % of the time. Near the balance a worker now and
# then finds its queue full, so a light wait allows more (docs/rules/starved-too-few-workers.md).
_IDLE_RATIO, _IDLE_RATIO_LIGHT = 0.15, 0.30
# Chosen: an untimed futex was seen 38 % of the time where workers share a lock, D 62 % where a disk is slow.
OUTSIDE_RATIO = 0.20
# Workers that run, or queue to run, for less than this do something else than computing.
COMPUTING_RATIO = 0.5
# Chosen: workers queue for a core where they wait for one at least 20 % as long as they run on it.
QUEUE_PER_CPU = 0.20
# Looks, and seconds on a core, are counted apart: their sum is wrong by a few hundredths.
_LEAST_UNEXPLAINED = 0.05


def starved(view: View) -> Interval | Silent | NotJudged:
    """Return the wait where its 90 % interval lies above 5 %, else why there is no starvation to explain."""
    if view.steady and view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    wait = view.wait
    if isinstance(wait, Missing):
        return NotJudged(f"the wait for data is not known: {wait.reason}")
    if wait.low <= STARVED_RATIO:
        return Silent(f"the wait for data is {wait_words(wait)}")
    return wait


def starved_workers(view: View) -> Interval | Silent | NotJudged:
    """Return the wait as `starved` does, where there are workers that could be at fault."""
    return Silent("no workers") if view.workers == 0 else starved(view)


def wait_evidence(wait: Interval) -> Evidence:
    """Return the wait as evidence. Whether it is severe is for its course to say (wait_level)."""
    text = f"{wait_words(wait)} of the time the training loop waits for a batch"
    return Evidence(WAIT_METRIC, wait.value, STARVED_RATIO, wait.low, wait.high, text)


def starved_words(view: View, wait: Interval) -> str:
    """Return how every sentence about a waiting loop begins."""
    return f"{view.waiter} waits {wait_words(wait)} of each step for data: "


def queue_evidence(view: View, queue_per_cpu: float, threshold_per_cpu: float) -> Evidence:
    """Return how long workers wait for a core, as evidence; both ratios are per time on one."""
    return Evidence(
        "worker_run_queue_wait_ratio",
        view.worker_queue or 0.0,
        threshold_per_cpu * (view.worker_cpu or 0.0),
        text=f"workers wait for a core {as_long_words(queue_per_cpu)} as they run on one",
    )


def starved_since(view: View) -> float:
    """Return since when the loop waits."""
    return since_series(view, WAIT_METRIC, lambda wait: wait > STARVED_RATIO)


def idle_allowed(wait: Interval) -> float:
    """Return how much workers may idle that are called busy."""
    return _IDLE_RATIO if wait.value >= SEVERE_RATIO else _IDLE_RATIO_LIGHT


@dataclass(frozen=True, slots=True)
class WorkerTime:
    """What a worker does with its time, in shares of it, as a mean over all of them.

    `computing` is on a core and waiting for one; `disk`, `remote`, `lock` and `sleeping` are waits outside
    the CPU. A share that is not known counts as none. Short waits for a fast disk are hardly ever seen in
    state D (a look at a thread takes as long), but the scheduler counts them as off the CPU: of workers that
    do fetch from storage, time that nothing else explains is `disk`.
    """

    computing: float
    disk: float
    remote: float
    lock: float
    sleeping: float


def worker_time(view: View) -> WorkerTime:
    """Return what the workers do with their time."""
    return view.once(_worker_time)


def contended(view: View) -> bool | None:
    """Tell whether workers that compute have to wait for a core; None where it is not known."""
    queue = view.queue_per_cpu
    if queue is None:
        return None
    return queue >= QUEUE_PER_CPU and worker_time(view).computing >= COMPUTING_RATIO


def waits_for_storage(share: float, wait: Interval, cores: Cores | None) -> bool:
    """Tell whether a share of the workers' time that they wait for storage is what the loop waits for.

    Above 20 % it is. Below, where it makes up for at least half of the loop's wait and no whole core is left
    for a further worker, which would wait meanwhile.
    """
    if share > OUTSIDE_RATIO:
        return True
    no_core = cores is None or cores.idle is None or cores.idle < 1.0
    return no_core and share >= max(_LEAST_UNEXPLAINED, wait.value / 2)


def busy_workers_words(view: View) -> str:
    """Return "2 of 2 workers are busy 98 %", from each worker's own states where they are known."""
    workers = known(view.workers)
    busy = view.busy
    share = "" if busy is None else f" {percent(busy)}"
    states = view.steady[-1][1].loader.worker_states if view.steady else ()
    if len(states) > 1 and busy is not None:
        busy_now = sum(1 for state in states if state.polling * 2 <= state.samples)
        return f"{busy_now} of {len(states)} workers are busy{share}"
    if workers is None:
        return f"the workers are busy{share}"
    return "its worker is busy" + share if workers == 1 else f"its {workers} workers are busy{share}"


def workers_words(view: View) -> str:
    """Return "its 2 workers", or "its worker"."""
    workers = known(view.workers)
    if workers is None:
        return "its workers"
    workers *= view.ranks
    return "its worker" if workers == 1 else f"its {workers} workers"


def _worker_time(view: View) -> WorkerTime:
    lock = view.pooled(lambda reading: reading.loader.worker_lock_ratio) or 0.0
    if not lock:
        # Where system calls cannot be read every futex counts as one with a timeout. Workers of torch wait in
        # none of those themselves: each has an index queue of its own.
        lock = mean_by_worker(view, lambda state: state.futex_timed) or 0.0
    computing = min(1.0, (view.worker_cpu or 0.0) + (view.worker_queue or 0.0))
    if lock > OUTSIDE_RATIO:
        # Who waits for threads of its own (OpenCV's, OpenMP's) is in a futex, too, and computes.
        inner = max(0.0, (cores_per_process(view) or 0.0) - (view.worker_cpu or 0.0))
        computing, lock = min(1.0, computing + min(inner, lock)), max(0.0, lock - inner)
    disk = view.pooled(lambda reading: reading.loader.worker_disk_ratio) or 0.0
    remote = view.pooled(lambda reading: reading.loader.worker_remote_ratio) or 0.0
    sleeping = view.pooled(lambda reading: reading.loader.worker_sleeping_ratio) or 0.0
    if view.idle is not None and view.worker_cpu is not None:
        unexplained = 1.0 - view.idle - computing - lock - remote - sleeping
        if unexplained > max(disk, _LEAST_UNEXPLAINED) and storage_of(view).is_fetched:
            disk = unexplained
    return WorkerTime(computing, disk, remote, lock, sleeping)
