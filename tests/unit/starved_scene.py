"""A training that waits for data, as a window of made-up samples: what Scene leaves out about the cause."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpumon.model.host import CgroupReading, CoreReading, HostReading, MemoryReading, PressureReading
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId, ProcessReading, Role, ThreadStates
from gpumon.model.reading import LoaderReading, TrainingReading
from tests.unit.synthetic_training import GIB, LOOKS, PID, Scene

UNKNOWN = Missing("made to be missing")


@dataclass(frozen=True)
class StarvedScene(Scene):
    """A scene with its cgroup, its disks, its pressure and the states of each worker.

    `throttled` is None where the kernel does not count it, `read` and `characters` are bytes a second of all
    workers, `image_bytes` what is read for one image. `waits` and `works` are, second by second and over
    again, the wait and by what factor the workers get more done. With `has_channels` False what threads wait
    for in the kernel cannot be seen, as of another user's processes; with `reads_calls` False a lock looks
    like any futex. `inner_cpu` are the cores that other threads of a worker use, `main_queue` is how much the
    main process waits for a core.
    """

    wait: float | None = 0.41
    workers: int = 2
    idle: float | None = 0.02
    cpu: float | None = 0.96
    queue: float | None = 0.01
    main_cpu: float = 0.5
    gpu_busy: float | None = 0.58
    throttled: float | None = 0.0
    memory_limit: int | None = None
    memory_used: int = GIB
    stolen: float = 0.0
    read: float | None = 0.0
    characters: float | None = 20e6
    memory_stall: float | None = 0.0
    io_stall: float | None = 0.0
    image_bytes: float | None = None
    waits: tuple[float, ...] = ()
    works: tuple[float, ...] = ()
    has_disks: bool = True
    has_channels: bool = True
    reads_calls: bool = True
    inner_cpu: float = 0.0
    main_queue: float = 0.0

    def host(self) -> HostReading:
        """Return the machine, with what a hypervisor takes of each core."""
        host = super().host()
        busy = host.cpu_busy_ratio
        cores = tuple(
            CoreReading(core, busy if isinstance(busy, float) else 0.0, 0.0, self.stolen)
            for core in range(self.cores)
        )
        return replace(
            host,
            cores=cores,
            memory=MemoryReading(self.memory_total, self.memory_available, 0, 0, 0),
            pressure=PressureReading(
                memory_some_ratio=maybe(self.memory_stall), io_some_ratio=maybe(self.io_stall)
            ),
            disks=host.disks if self.has_disks else UNKNOWN,
        )

    def reading(self, index: int) -> TrainingReading:
        """Return the training in one second, with its cgroup."""
        cgroup = CgroupReading(
            2,
            "/box",
            cpu_quota_cores=self.quota,
            cpu_throttled_ratio=maybe(self.throttled),
            memory_limit_bytes=self.memory_limit,
            memory_used_bytes=self.memory_used,
        )
        work = self.works[index % len(self.works)] if self.works else 1.0
        reading = super().reading(index)
        return replace(
            reading,
            cgroup=cgroup,
            processes=tuple(self.reads_of(process, work) for process in reading.processes),
        )

    def loader(self, index: int) -> LoaderReading:
        """Return the loader in one second, with the states of each worker."""
        loader = super().loader(index)
        if self.waits:
            wait = self.waits[index % len(self.waits)]
            loader = replace(
                loader,
                data_wait_ratio=Measure(wait, Certainty.SAMPLED, "proc", 0.1),
                main_waiting_samples=round(wait * LOOKS),
            )
        if not self.reads_calls:
            loader = replace(loader, worker_lock_ratio=0.0)
        if not self.has_channels:
            loader = replace(
                loader,
                worker_idle_ratio=UNKNOWN,
                worker_remote_ratio=UNKNOWN,
                worker_lock_ratio=UNKNOWN,
                worker_sleeping_ratio=UNKNOWN,
            )
        image = self.image_bytes
        return replace(
            loader,
            batch_size=self.batch_size,
            image_read_bytes=UNKNOWN if image is None else Measure(image, Certainty.SAMPLED, "made up"),
            worker_states=tuple(self.states(number) for number in range(self.workers)),
        )

    def states(self, number: int) -> ThreadStates:
        """Return what the looks at one worker found."""
        polling, disk, remote, lock, sleeping = (
            round(LOOKS * share)
            for share in (self.idle or 0.0, self.disk, self.remote, self.lock, self.sleeping)
        )
        return ThreadStates(
            ProcessId(PID + 1 + number, 2),
            PID + 1 + number,
            samples=LOOKS,
            running=max(0, LOOKS - polling - disk - remote - lock - sleeping),
            polling=polling,
            futex_timed=0 if self.reads_calls else lock,
            futex_untimed=lock if self.reads_calls else 0,
            disk=disk,
            remote=remote,
            sleeping=sleeping,
        )

    def reads_of(self, process: ProcessReading, work: float) -> ProcessReading:
        """Return a process with what it reads: a worker its share of what all of them do."""
        if process.role is not Role.TRAIN_WORKER:
            return replace(process, run_queue_wait_ratio=self.main_queue)
        fetched, characters = (
            UNKNOWN if total is None else work * total / self.workers
            for total in (self.read, self.characters)
        )
        cpu = process.cpu_busy_ratio
        if isinstance(cpu, float):
            process = replace(process, cpu_busy_ratio=cpu + self.inner_cpu)
        return replace(process, read_bytes_per_second=fetched, read_characters_per_second=characters)


def maybe(value: float | None) -> Maybe[float]:
    """Return a number, or what stands for one that cannot be had."""
    return UNKNOWN if value is None else value
