"""What the rules about a waiting loop share: thresholds, evidence, and what the workers wait for."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence
from gpumon.model.measure import Missing, known, number

# XProf's input-pipeline analyser and PyTorch's profiler plugin: above 5 % of the step the input is a
# bottleneck, above 20 % (XProf) a severe one.
STARVED_RATIO = 0.05
SEVERE_RATIO = 0.20


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


def wait_evidence(wait: Interval) -> Evidence:
    """Return the wait as evidence."""
    text = f"{wait_words(wait)} of the time the training loop waits for a batch"
    if wait.low > SEVERE_RATIO:
        text += ", clearly above the 20 % that count as severe"
    return Evidence("data_wait_ratio", wait.value, STARVED_RATIO, wait.low, wait.high, text)


def starved_since(view: View) -> float:
    """Return since when the loop waits."""
    return since_series(view, "data_wait_ratio", lambda wait: wait > STARVED_RATIO)


@dataclass(frozen=True, slots=True)
class WorkerWaits:
    """Shares of time of the workers outside the CPU, and how busy the busiest disk is."""

    disk: float
    remote: float
    lock: float
    sleeping: float
    device_busy: float | None


def worker_waits(view: View) -> WorkerWaits:
    """Return what the workers wait for; a share that is not known counts as none."""
    return WorkerWaits(
        disk=view.pooled(lambda reading: reading.loader.worker_disk_ratio) or 0.0,
        remote=view.pooled(lambda reading: reading.loader.worker_remote_ratio) or 0.0,
        lock=view.pooled(lambda reading: reading.loader.worker_lock_ratio) or 0.0,
        sleeping=view.pooled(lambda reading: reading.loader.worker_sleeping_ratio) or 0.0,
        device_busy=_busiest_disk(view),
    )


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


def _busiest_disk(view: View) -> float | None:
    values = [
        max(disk.disk_busy_ratio for disk in disks)
        for sample, _ in view.steady
        if (disks := known(sample.host.disks))
    ]
    return number(sum(values) / len(values)) if values else None
