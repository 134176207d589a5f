"""What the main process does once a step, whatever its batch: a larger batch leaves that to the workers.

On full cores W workers and the main process share C of them: X (a + m / B) = C, where an image takes its
worker a seconds of a core and a step takes the main process m. From B to B' images the rate grows as
(a + m / B) / (a + m / B').
"""

from __future__ import annotations

from gpumon.advice.throughput import Pipeline, cpu_factor, sharing
from gpumon.diagnosis.step import Step, step_of
from gpumon.diagnosis.view import View
from gpumon.history.stats import Interval, mean
from gpumon.model.measure import number
from gpumon.model.process import Role

_NONE = Interval(0.0, 0.0, 0.0)
# CPU seconds that a batch costs its worker besides its images, as it is collated and handed over: 4.2 and
# 5.9 ms where one worker was busy all the time (tests/lab/settings_handing.py prints them). The mean of both
# is the point, the larger one the upper end; the lower end has none, as one batch alone does not show it.
HANDING_SECONDS, HANDING_SECONDS_MOST = 0.0050, 0.0059


def step_work(view: View) -> Interval:
    """Return the cores of one rank that go into work done once a step, with a 90 % interval.

    At least what its main process uses beyond spinning while the GPU computes, as CUDA does by default. Who
    spins is on a core, or queues for one, all that time: where the main process is so for less, the point has
    all that it uses, else the least, for launches and spinning look alike from outside. What it does for each
    image (pinning, copying) counts as done once a step. Point and upper end have what a batch costs its
    worker, too. Nothing where its CPU time is not known. Source: schedstat of the main process, NVML's
    utilisation.
    """
    return view.once(_step_work)


def saved_cores(view: View, now: int, then: int) -> Interval:
    """Return the cores that are left to others from a batch of `now` images to `then`, at the present rate.

    Both batches are those of one rank, `then` not smaller.
    """
    work, share = step_work(view), max(0.0, 1.0 - now / then)
    return Interval(work.value * share, work.low * share, work.high * share)


def prepared(pipeline: Pipeline, workers: int, saved: float = 0.0) -> float:
    """Return what that many workers (not fewer than now) prepare and the cores allow, as a factor.

    `saved` are the cores that a step no longer takes besides its images: who queues for a core has them then.
    """
    work = pipeline.workers * pipeline.busy - min(saved, pipeline.workers * pipeline.queue)
    ready = workers / max(work * sharing(pipeline, workers), 1e-9)
    allowed = cpu_factor(pipeline, saved=saved)
    return ready if allowed is None else min(ready, allowed)


def _step_work(view: View) -> Interval:
    main, wait = view.main_cpu, view.wait
    if main is None or not view.on_gpu:
        return _NONE
    waits = wait.value if isinstance(wait, Interval) else 0.0
    busy = 1.0 - waits if view.gpu_busy is None else view.gpu_busy
    least = max(0.0, main - busy)
    may_spin = main + _main_queue(view) >= busy
    step = step_of(view)
    seconds = step.seconds if isinstance(step, Step) else None
    batches = 1.0 / seconds if seconds else 0.0
    value = (least if may_spin else main) + HANDING_SECONDS * batches
    return Interval(value, least, max(value, main + HANDING_SECONDS_MOST * batches))


def _main_queue(view: View) -> float:
    """Return the share of time in which the main process could run and had no core."""
    found = [
        queue
        for _, reading in view.steady
        for process in reading.processes
        if process.role is Role.MAIN and (queue := number(process.run_queue_wait_ratio)) is not None
    ]
    return mean(found) if found else 0.0
