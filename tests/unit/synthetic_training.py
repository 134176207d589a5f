"""A training as a window of made-up samples: every number is a field, the defaults are healthy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from gpumon.frameworks.losses import not_finite_ratio
from gpumon.history.history import window_of
from gpumon.history.window import Window
from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverReading, DriverState, GpuProcess, GpuReading
from gpumon.model.host import (
    CgroupReading,
    CoreReading,
    DiskReading,
    HostReading,
    MemoryReading,
    SharedMemoryReading,
)
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.model.reading import LoaderReading, LossesReading, ProgressReading, TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Member, Phase, Setting, Settings, Training

T = TypeVar("T")
PID = 4000
GIB = 1024**3
LOOKS = 20


@dataclass(frozen=True)
class Scene:
    """What a training does for `seconds`; shares as in LoaderReading. `phases` overrides the phase.

    With `sees_loading` the wait is known without workers too, as from frames.
    """

    seconds: int = 20
    wait: float | None = 0.0
    workers: int = 4
    sees_loading: bool = False
    idle: float | None = 0.6
    cpu: float | None = 0.35
    queue: float | None = 0.01
    disk: float = 0.0
    remote: float = 0.0
    lock: float = 0.0
    sleeping: float = 0.0
    device_busy: float = 0.05
    cores: int = 8
    physical_cores: int | None = None
    affinity: int | None = None
    quota: float | None = None
    others_cpu: float = 0.0
    main_cpu: float = 0.95
    gpu: bool = True
    gpu_busy: float | None = 0.95
    gpu_total: int = 12 * GIB
    gpu_own: int | None = 5 * GIB
    gpu_others: int = 0
    gpu_mig: bool = False
    rate: float | None = 100.0
    batch_rate: float | None = 6.0
    framework: str = "yolov5"
    command: tuple[str, ...] = ("python", "train.py", "--workers", "4", "--batch-size", "16")
    batch_size: int = 16
    imgsz: int = 640
    weights: str = "yolov5s.pt"
    multi_scale: bool = False
    ranks: int = 1
    device: str = "0"
    epoch: int = 2
    epochs: int = 100
    batch: int = 500
    batches: int = 1000
    shm_total: int = 8 * GIB
    shm_free: int = 7 * GIB
    shm_needed: float | None = None
    memory_total: int = 64 * GIB
    memory_available: int = 48 * GIB
    worker_pss: int = GIB // 2
    losses: tuple[float, ...] | None = (0.05, 0.03, 0.02)
    val_losses: tuple[float, ...] = ()
    skipped: float | None = None
    phases: tuple[Phase, ...] = field(default=())

    def window(self) -> Window:
        """Return the window after the scene."""
        return window_of(self.samples())

    def samples(self, start: float = 1000.0) -> tuple[Sample, ...]:
        """Return its samples, one a second."""
        return tuple(self.sample(index, start) for index in range(self.seconds))

    def sample(self, index: int, start: float = 1000.0) -> Sample:
        """Return the sample of one second."""
        gpus = (self.gpu_reading(),) if self.gpu else ()
        return Sample(
            sequence=index,
            instant=Instant(1.7e9 + index, start + index),
            interval_seconds=1.0,
            hostname="box",
            driver=DriverReading(DriverState.OK if self.gpu else DriverState.ABSENT),
            gpus=gpus,
            host=self.host(),
            trainings=(self.reading(index),),
        )

    def own_cpu(self) -> float:
        """Cores of the training."""
        return self.ranks * (self.main_cpu + self.workers * (self.cpu or 0.0))

    def host(self) -> HostReading:
        """Return the machine."""
        busy = min(1.0, (self.own_cpu() + self.others_cpu) / self.cores)
        return HostReading(
            cpu_busy_ratio=busy,
            cores=tuple(CoreReading(core, busy, 0.0, 0.0) for core in range(self.cores)),
            memory=MemoryReading(self.memory_total, self.memory_available, 0, 0, 0),
            disks=(DiskReading("nvme0n1", 1e6, 0.0, self.device_busy),),
            physical_cores=_maybe(self.physical_cores),
        )

    def gpu_reading(self) -> GpuReading:
        """Return the GPU of the training."""
        own = self.gpu_own
        held = () if own is None else (GpuProcess(PID, own),)
        return GpuReading(
            index=0,
            uuid="GPU-0",
            name="RTX 3060",
            gpu_busy_ratio=_maybe(self.gpu_busy),
            gpu_memory_used_bytes=(own or 0) + self.gpu_others,
            gpu_memory_reserved_bytes=0,
            gpu_memory_total_bytes=self.gpu_total,
            processes=held,
            gpu_mig_mode=self.gpu_mig,
        )

    def reading(self, index: int) -> TrainingReading:
        """Return the training in one second."""
        phase = self.phases[index] if index < len(self.phases) else Phase.TRAIN
        return TrainingReading(
            training=self.training(),
            phase=phase,
            phase_source="process tree",
            progress=ProgressReading(
                epoch=self.epoch,
                epochs=self.epochs,
                batch=self.batch,
                batches=self.batches,
                images_per_second=_measure(self.rate),
                losses=self.all_losses(),
                losses_not_finite_ratio=not_finite_ratio(self.all_losses()),
                steps_skipped_ratio=_maybe(self.skipped),
            ),
            loader=self.loader(index),
            processes=self.processes(),
            cgroup=CgroupReading(2, "/box", cpu_quota_cores=self.quota),
            usable_cores=float(min(self.cores, self.affinity or self.cores, self.quota or self.cores)),
            affinity_cores=self.affinity or self.cores,
            gpu_uuids=("GPU-0",) if self.gpu else (),
            gpu_memory_used_bytes=_maybe(self.gpu_own) if self.gpu else Missing("no GPU"),
        )

    def all_losses(self) -> tuple[LossesReading, ...]:
        """Return the losses of the bar, and of the validation where there are any."""
        names = ("box_loss", "obj_loss", "cls_loss")
        found = []
        if self.losses is not None:
            found.append(LossesReading("log", self.epoch, tuple(zip(names, self.losses, strict=True))))
        if self.val_losses:
            values = tuple(zip((f"val/{name}" for name in names), self.val_losses, strict=True))
            found.append(LossesReading("results.csv", self.epoch - 1, values, is_validation=True))
        return tuple(found)

    def loader(self, index: int) -> LoaderReading:
        """Return the loader in one second: the looks that found it waiting are spread evenly."""
        missing = Missing("the main thread cannot be seen")
        waiting = 0
        if self.wait is not None:
            waiting = int((index + 1) * LOOKS * self.wait) - int(index * LOOKS * self.wait)
        shm_needed: Maybe[Measure] = _measure(self.shm_needed)
        return LoaderReading(
            data_wait_ratio=missing
            if self.wait is None or (self.workers == 0 and not self.sees_loading)
            else Measure(waiting / LOOKS, Certainty.SAMPLED, "proc", 0.1),
            main_samples=LOOKS if self.wait is not None else 0,
            main_waiting_samples=waiting,
            workers=self.workers,
            worker_idle_ratio=_maybe(self.idle),
            worker_cpu_ratio=_maybe(self.cpu),
            worker_run_queue_wait_ratio=_maybe(self.queue),
            worker_disk_ratio=self.disk,
            worker_remote_ratio=self.remote,
            worker_lock_ratio=self.lock,
            worker_sleeping_ratio=self.sleeping,
            batches_per_second=_measure(self.batch_rate),
            shm=SharedMemoryReading(self.shm_total, self.shm_free),
            shm_needed_bytes=shm_needed,
        )

    def processes(self) -> tuple[ProcessReading, ...]:
        """Return main and workers."""
        main = ProcessReading(
            ProcessId(PID, 1), 1, Role.MAIN, "python", self.command, "me", "R", cpu_busy_ratio=self.main_cpu
        )
        workers = tuple(
            ProcessReading(
                ProcessId(PID + 1 + index, 2),
                PID,
                Role.TRAIN_WORKER,
                "pt_data_worker",
                self.command,
                "me",
                "R",
                cpu_busy_ratio=_maybe(self.cpu),
                memory_pss_bytes=self.worker_pss,
            )
            for index in range(self.workers)
        )
        return (main, *workers)

    def training(self) -> Training:
        """Return who it is."""
        return Training(
            id=ProcessId(PID, 1),
            framework=self.framework,
            name="train.py",
            command=self.command,
            command_is_exact=True,
            command_directory="/data/yolov5",
            user_id=1000,
            settings=Settings(
                batch_size=Setting(self.batch_size, "argv"),
                workers=Setting(self.workers, "argv"),
                imgsz=Setting(self.imgsz, "argv"),
                device=Setting(self.device if self.gpu else "cpu", "argv"),
                weights=Setting(self.weights, "argv"),
                multi_scale=Setting(self.multi_scale, "argv"),
            ),
            members=(
                Member(ProcessId(PID, 1), 1, Role.MAIN),
                *(Member(ProcessId(PID + 1 + n, 2), PID, Role.TRAIN_WORKER) for n in range(self.workers)),
            ),
            run_dir="/data/yolov5/runs/train/exp",
            framework_version="v7.0",
            world_size=self.ranks,
        )


HEALTHY = Scene()
STARVED = Scene(
    wait=0.41, workers=2, idle=0.02, cpu=0.96, queue=0.01, main_cpu=0.59, gpu_busy=0.58, rate=90.0
)


def _maybe(value: T | None) -> Maybe[T]:
    return Missing("made to be missing") if value is None else value


def _measure(value: float | None) -> Maybe[Measure]:
    return Missing("made to be missing") if value is None else Measure(value, Certainty.EXACT, "made up")
