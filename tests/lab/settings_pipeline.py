"""A model run: workers that share cores, in-order delivery, a GPU; for machines that are not there.

An event simulation, not gpumon's own formula: service times are random, cores are shared by whoever wants
them (processor sharing), a batch is delivered in its turn, and each worker is two batches ahead, as PyTorch's
DataLoader does it. The main thread spins on a core while it waits for the GPU, as CUDA's default is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.lab.gpu_cost import GpuCost
from tests.lab.settings_scenario import Cell

_AHEAD = 2
_TARGETS_PER_IMAGE = 7
# Lotus (IISWC'24) saw 5 to 15 % between batches.
_SPREAD_RATIO = 0.12
_WARM_BATCHES = 60
_BATCHES = 360


@dataclass(frozen=True, slots=True)
class Load:
    """A training on a machine: what an image costs a worker on a core and off it, and the GPU."""

    cores: int
    cpu_seconds: float
    off_cpu_seconds: float
    gpu: GpuCost
    main_cpu_seconds: float = 0.002


@dataclass(frozen=True, slots=True)
class Ran:
    """What came out; ratios are shares of time: of main waiting, and of a worker on average."""

    images_per_second: float
    wait_ratio: float
    gpu_busy_ratio: float
    main_cpu_ratio: float
    idle_ratio: float
    cpu_ratio: float
    queue_ratio: float
    off_cpu_ratio: float


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
        self._main_cpu = self._gpu = 0.0
        self._spent = dict.fromkeys(("time", "wait", "gpu", "main", "idle", "cpu", "queue", "off"), 0.0)
        for batch in range(_AHEAD * cell.workers):
            self._issue(batch)

    def result(self) -> Ran:
        while self._turn <= self._warm + _BATCHES:
            self._take()
            step, share = self._next()
            self._pass(step, share)
        spent, count = self._spent, self._cell.workers
        time = spent["time"]
        return Ran(
            _BATCHES * self._cell.batch_size / time,
            spent["wait"] / time,
            spent["gpu"] / time,
            spent["main"] / time,
            *(spent[name] / time / count for name in ("idle", "cpu", "queue", "off")),
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
        if self._main_cpu <= 0 and self._gpu <= 0 and self._turn in self._done:
            self._done.remove(self._turn)
            self._issue(self._turn + _AHEAD * len(self._workers))
            self._turn += 1
            images = self._cell.batch_size
            self._main_cpu = self._load.main_cpu_seconds
            self._gpu = self._load.gpu.seconds(images, images * _TARGETS_PER_IMAGE, 1.0, self._random)

    def _next(self) -> tuple[float, float]:
        """Return the time until something happens, and the share of a core that who wants one gets."""
        wanting = [worker for worker in self._workers if worker.batch is not None and worker.off_cpu <= 0]
        active = len(wanting) + (self._main_cpu > 0 or self._gpu > 0)
        share = min(1.0, self._load.cores / active) if active else 1.0
        ends = [worker.cpu / share for worker in wanting]
        ends += [worker.off_cpu for worker in self._workers if worker.off_cpu > 0]
        if self._main_cpu > 0:
            ends.append(self._main_cpu / share)
        elif self._gpu > 0:
            ends.append(self._gpu)
        return min(ends), share

    def _pass(self, step: float, share: float) -> None:
        counts = self._turn > self._warm
        self._pass_main(step, share, counts=counts)
        for worker in self._workers:
            if worker.batch is None:
                self._add("idle", step, counts=counts)
            elif worker.off_cpu > 0:
                worker.off_cpu = _less(worker.off_cpu, step)
                self._add("off", step, counts=counts)
            else:
                worker.cpu = _less(worker.cpu, step * share)
                self._add("cpu", step * share, counts=counts)
                self._add("queue", step * (1 - share), counts=counts)
                if worker.cpu <= 0:
                    self._done.add(worker.batch)
                    worker.batch = None
                    self._begin(worker)

    def _pass_main(self, step: float, share: float, *, counts: bool) -> None:
        self._add("time", step, counts=counts)
        if self._main_cpu > 0:
            self._main_cpu = _less(self._main_cpu, step * share)
            self._add("main", step * share, counts=counts)
        elif self._gpu > 0:
            self._gpu = _less(self._gpu, step)
            self._add("gpu", step, counts=counts)
            self._add("main", step * share, counts=counts)
        else:
            self._add("wait", step, counts=counts)

    def _add(self, name: str, seconds: float, *, counts: bool) -> None:
        if counts:
            self._spent[name] += seconds


def _less(left: float, step: float) -> float:
    """Return what is left, exactly nothing where only rounding is."""
    rest = left - step
    return rest if rest > 1e-12 else 0.0
