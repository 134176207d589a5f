"""A model run: workers that share cores, in-order delivery, a GPU; for machines that are not there.

An event simulation, not gpumon's own formula: service times are random, cores are shared by whoever wants
them (processor sharing), a batch is delivered in its turn, and each worker is two batches ahead, as PyTorch's
DataLoader does it. The main thread needs a core to launch what the GPU computes, and spins on one while it
waits for that, as CUDA's default is. The second thread of a core adds a part of what the first one does, and
the kernel counts time on either as time on a core. A CPU quota is for each tenth of a second; who has used it
up does not run until the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.lab.gpu_cost import GpuCost
from tests.lab.settings_scenario import Cell

_AHEAD = 2
TARGETS_PER_IMAGE = 7
# Lotus (IISWC'24) saw 5 to 15 % between batches.
_SPREAD_RATIO = 0.12
_WARM_BATCHES = 60
_BATCHES = 360
# As many threads as t times the cores take turns, and do 1 / (1 + c * (t - 1)) of what the cores do. From the
# only rates at hand, those of the tuning guide (12 workers and 6 on 8 cores, 110 and 120 images/s, as
# guide_table.py prints). The advice has its point from there, too: whether it is right no model run says.
_CROWDING = 0.18
# The kernel's default (Documentation/scheduler/sched-bwc.rst).
_QUOTA_PERIOD_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Load:
    """A training on a machine: what an image costs a worker on a core and off it, and the GPU.

    It may run on so many (logical) `cores`. Of these `physical_cores` have a second thread that adds
    `second_thread` of what one alone does; None where no core has one. `quota_cores` is that of its cgroup.
    """

    cores: int
    cpu_seconds: float
    off_cpu_seconds: float
    gpu: GpuCost
    main_cpu_seconds: float = 0.002
    physical_cores: int | None = None
    second_thread: float = 0.25
    quota_cores: float | None = None

    def done(self, running: float) -> float:
        """Return what so many running threads do, in cores with one thread each."""
        physical = self.cores if self.physical_cores is None else self.physical_cores
        return running if running <= physical else physical + self.second_thread * (running - physical)


@dataclass(frozen=True, slots=True)
class Ran:
    """What came out; ratios are shares of time: of main waiting, and of a worker on average.

    `throttled_ratio` is the share of the periods in which the quota was used up.
    """

    images_per_second: float
    wait_ratio: float
    gpu_busy_ratio: float
    main_cpu_ratio: float
    idle_ratio: float
    cpu_ratio: float
    queue_ratio: float
    off_cpu_ratio: float
    throttled_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class _Share:
    """What a thread that wants a core gets: the share of time on one, and of what one alone does."""

    on_core: float
    done: float


@dataclass(slots=True)
class _Quota:
    """What is left of a CPU quota in the present period, and of the period; a period has `cores` of it."""

    cores: float
    left: float = 0.0
    seconds: float = 0.0
    periods: int = 0
    stopped: int = 0

    def begin(self) -> None:
        """Begin the next period where the present one is over."""
        if self.seconds <= 0:
            self.left, self.seconds = self.cores * _QUOTA_PERIOD_SECONDS, _QUOTA_PERIOD_SECONDS
            self.periods += 1

    def use(self, running: float, step: float) -> None:
        """Let so many threads run for that time."""
        if self.left > 0:
            self.left = _less(self.left, running * step)
            self.stopped += self.left <= 0
        self.seconds = _less(self.seconds, step)


@dataclass(slots=True)
class _Worker:
    """One worker: its batches to come, and what is left of the present one."""

    todo: list[int] = field(default_factory=list)
    batch: int | None = None
    off_cpu: float = 0.0
    cpu: float = 0.0


def simulate(load: Load, cell: Cell, seed: int = 1) -> Ran:
    """Run a training in a cell with at least one worker."""
    return _Run(load, cell, Random(seed)).result()  # noqa: S311 - a reproducible draw


class _Run:
    def __init__(self, load: Load, cell: Cell, random: Random) -> None:
        self._load, self._cell, self._random = load, cell, random
        self._workers = [_Worker() for _ in range(cell.workers)]
        self._done: set[int] = set()
        self._turn = 0
        # What is prefetched at the start must be used up.
        self._warm = max(_WARM_BATCHES, 2 * _AHEAD * cell.workers)
        self._main_cpu = self._launching = self._gpu = 0.0
        self._quota = None if load.quota_cores is None else _Quota(load.quota_cores)
        self._spent = dict.fromkeys(("time", "wait", "gpu", "main", "idle", "cpu", "queue", "off"), 0.0)
        for batch in range(_AHEAD * cell.workers):
            self._issue(batch)

    def result(self) -> Ran:
        while self._turn <= self._warm + _BATCHES:
            self._take()
            step, share = self._next()
            self._pass(step, share)
        spent, count, quota = self._spent, self._cell.workers, self._quota
        time = spent["time"]
        idle, cpu, waiting, off = (spent[name] / time / count for name in ("idle", "cpu", "queue", "off"))
        return Ran(
            _BATCHES * self._cell.batch_size / time,
            spent["wait"] / time,
            spent["gpu"] / time,
            spent["main"] / time,
            idle,
            cpu,
            waiting,
            off,
            quota.stopped / quota.periods if quota is not None else 0.0,
        )

    def _issue(self, batch: int) -> None:
        worker = self._workers[batch % len(self._workers)]
        worker.todo.append(batch)
        self._begin(worker)

    def _begin(self, worker: _Worker) -> None:
        if worker.batch is None and worker.todo:
            worker.batch = worker.todo.pop(0)
            images = self._cell.batch_size
            worker.off_cpu = images * self._load.off_cpu_seconds * self._factor()
            worker.cpu = images * self._load.cpu_seconds * self._factor()

    def _factor(self) -> float:
        return max(0.2, self._random.gauss(1.0, _SPREAD_RATIO))

    def _take(self) -> None:
        """Let main take its next batch, if it is free and the batch is there."""
        if self._main_cpu + self._launching + self._gpu <= 0 and self._turn in self._done:
            self._done.remove(self._turn)
            self._issue(self._turn + _AHEAD * len(self._workers))
            self._turn += 1
            images = self._cell.batch_size
            self._main_cpu = self._load.main_cpu_seconds
            seconds = self._load.gpu.seconds(images, images * TARGETS_PER_IMAGE, 1.0, self._random)
            self._launching = min(seconds, self._load.gpu.launch_seconds)
            self._gpu = seconds - self._launching

    def _next(self) -> tuple[float, _Share]:
        """Return the time until something happens, and what who wants a core gets until then."""
        wanting = [worker for worker in self._workers if worker.batch is not None and worker.off_cpu <= 0]
        mains = self._main_cpu or self._launching
        active = len(wanting) + (mains > 0 or self._gpu > 0)
        running = min(active, self._load.cores)
        ends = [worker.off_cpu for worker in self._workers if worker.off_cpu > 0]
        if mains <= 0 < self._gpu:
            ends.append(self._gpu)
        if self._quota is not None:
            self._quota.begin()
            ends.append(self._quota.seconds)
            running = running if self._quota.left > 0 else 0
            ends += [self._quota.left / running] if running else []
        share = _Share(1.0, 1.0)
        if active:
            crowded = 1.0 + _CROWDING * max(0.0, active / self._load.cores - 1.0)
            share = _Share(running / active, self._load.done(running) / active / crowded)
        if share.done > 0:
            ends += [worker.cpu / share.done for worker in wanting]
            ends += [mains / share.done] if mains > 0 else []
        step = min(ends)
        if self._quota is not None:
            self._quota.use(running, step)
        return step, share

    def _pass(self, step: float, share: _Share) -> None:
        counts = self._turn > self._warm
        self._pass_main(step, share, counts=counts)
        for worker in self._workers:
            if worker.batch is None:
                self._add("idle", step, counts=counts)
            elif worker.off_cpu > 0:
                worker.off_cpu = _less(worker.off_cpu, step)
                self._add("off", step, counts=counts)
            else:
                worker.cpu = _less(worker.cpu, step * share.done)
                self._add("cpu", step * share.on_core, counts=counts)
                self._add("queue", step * (1 - share.on_core), counts=counts)
                if worker.cpu <= 0:
                    self._done.add(worker.batch)
                    worker.batch = None
                    self._begin(worker)

    def _pass_main(self, step: float, share: _Share, *, counts: bool) -> None:
        self._add("time", step, counts=counts)
        if self._main_cpu > 0:
            self._main_cpu = _less(self._main_cpu, step * share.done)
        elif self._launching > 0:
            # A kernel or the gap to the next one: NVML counts it as busy.
            self._launching = _less(self._launching, step * share.done)
            self._add("gpu", step, counts=counts)
        elif self._gpu > 0:
            self._gpu = _less(self._gpu, step)
            self._add("gpu", step, counts=counts)
        else:
            self._add("wait", step, counts=counts)
            return
        self._add("main", step * share.on_core, counts=counts)

    def _add(self, name: str, seconds: float, *, counts: bool) -> None:
        if counts:
            self._spent[name] += seconds


def _less(left: float, step: float) -> float:
    """Return what is left, exactly nothing where only rounding is."""
    rest = left - step
    return rest if rest > 1e-12 else 0.0
