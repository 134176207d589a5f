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
    workers, `image_bytes` what is read for one image. `rates` are batches a second, one for each sample. With
    `has_channels` False what the kernel waits for cannot be seen, as of another user's processes.
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
    image_bytes: float | None = None
    rates: tuple[float, ...] = ()
    has_disks: bool = True
    has_channels: bool = True

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
            pressure=PressureReading(memory_some_ratio=maybe(self.memory_stall)),
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
        return replace(super().reading(index), cgroup=cgroup)

    def loader(self, index: int) -> LoaderReading:
        """Return the loader in one second, with the states of each worker."""
        loader = super().loader(index)
        rate = self.rates[index % len(self.rates)] if self.rates else self.batch_rate
        hidden = not self.has_channels
        return replace(
            loader,
            batch_size=self.batch_size,
            batches_per_second=UNKNOWN if rate is None else Measure(rate, Certainty.EXACT, "made up"),
            image_read_bytes=UNKNOWN
            if self.image_bytes is None
            else Measure(self.image_bytes, Certainty.SAMPLED, "made up"),
            worker_states=tuple(self.states(number) for number in range(self.workers)),
            worker_idle_ratio=UNKNOWN if hidden else loader.worker_idle_ratio,
            worker_remote_ratio=UNKNOWN if hidden else loader.worker_remote_ratio,
            worker_lock_ratio=UNKNOWN if hidden else loader.worker_lock_ratio,
            worker_sleeping_ratio=UNKNOWN if hidden else loader.worker_sleeping_ratio,
        )

    def states(self, number: int) -> ThreadStates:
        """Return what the looks at one worker found."""
        polling, disk = round(LOOKS * (self.idle or 0.0)), round(LOOKS * self.disk)
        remote, lock = round(LOOKS * self.remote), round(LOOKS * self.lock)
        sleeping = round(LOOKS * self.sleeping)
        return ThreadStates(
            ProcessId(PID + 1 + number, 2),
            PID + 1 + number,
            samples=LOOKS,
            running=max(0, LOOKS - polling - disk - remote - lock - sleeping),
            polling=polling,
            futex_untimed=lock,
            disk=disk,
            remote=remote,
            sleeping=sleeping,
        )

    def processes(self) -> tuple[ProcessReading, ...]:
        """Return main and workers, with what each worker reads."""

        def each(total: float | None) -> Maybe[float]:
            return UNKNOWN if total is None else total / self.workers

        return tuple(
            replace(
                process,
                read_bytes_per_second=each(self.read),
                read_characters_per_second=each(self.characters),
            )
            if process.role is Role.TRAIN_WORKER
            else process
            for process in super().processes()
        )


def maybe(value: float | None) -> Maybe[float]:
    """Return a number, or what stands for one that cannot be had."""
    return UNKNOWN if value is None else value
