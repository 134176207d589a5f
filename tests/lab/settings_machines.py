"""The machines of the model runs, and what gpumon would read of a training on one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from gpumon.model.host import CgroupReading
from gpumon.model.measure import Certainty, Measure
from gpumon.model.reading import LoaderReading, TrainingReading
from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import GIB
from tests.lab.settings_pipeline import TARGETS_PER_IMAGE, Load, Ran
from tests.lab.settings_scenario import Cell
from tests.unit.synthetic_training import Scene

GPU_BYTES = 24 * GIB
_MEMORY_BYTES = 256 * GIB
# COCO's train2017: 15 images are left of all of the batches here.
IMAGES = 118_287
# Of one epoch's last step (Lotus, IISWC'24: steps differ by 5 to 15 %), and of the many full ones before it.
_LAST_ERROR, _FULL_ERROR = 0.10, 0.015


@dataclass(frozen=True, slots=True)
class Host:
    """A machine with logical `cores`, and what a training there may use of them.

    `physical_cores` is given where each has two threads, of which the second adds `second_thread`.
    """

    name: str
    cores: int
    physical_cores: int | None = None
    second_thread: float = 0.25
    affinity: int | None = None
    quota: float | None = None

    @property
    def allowed(self) -> int:
        """The logical cores that a training may run on: a quota is no matter of these."""
        return self.affinity or self.cores

    def load(self, cpu_seconds: float, off_cpu_seconds: float, gpu: GpuCost) -> Load:
        """Return a training there."""
        return Load(
            self.allowed,
            cpu_seconds,
            off_cpu_seconds,
            gpu,
            physical_cores=self.physical_cores,
            second_thread=self.second_thread,
            quota_cores=self.quota,
        )


def hosts() -> tuple[Host, ...]:
    """Return all machines. Second threads add 10 to 40 % to the first ones; the advice takes 25 %."""
    return (
        Host("8 cores", 8),
        Host("16 cores", 16),
        Host("64 cores", 64),
        Host("8 cores, 16 threads, +10 %", 16, physical_cores=8, second_thread=0.10),
        Host("8 cores, 16 threads, +40 %", 16, physical_cores=8, second_thread=0.40),
        Host("8 of 64 cores by affinity", 64, affinity=8),
        Host("a quota of 8, 32 cores, 64 threads", 64, physical_cores=32, quota=8.0),
    )


@dataclass(frozen=True)
class ModelScene(Scene):
    """A training of a model run; `last_seconds` is the step with the images that are left of an epoch.

    `throttled` is the share of the periods in which its quota was used up.
    """

    throttled: float = 0.0
    full_seconds: float = 0.0
    last_seconds: float = 0.0

    def loader(self, index: int) -> LoaderReading:
        """Return the loader in one second, with the last steps of the epochs so far."""
        seconds = self.last_seconds, self.full_seconds
        last, full = (
            Measure(value, Certainty.SAMPLED, "simulated", error * value)
            for value, error in zip(seconds, (_LAST_ERROR, _FULL_ERROR), strict=True)
        )
        return replace(
            super().loader(index),
            batch_size=self.batch_size,
            last_batch_size=IMAGES % self.batch_size,
            step_seconds=full,
            last_step_seconds=last,
        )

    def reading(self, index: int) -> TrainingReading:
        """Return the training in one second, with the periods of its quota."""
        cgroup = CgroupReading(2, "/box", cpu_quota_cores=self.quota, cpu_throttled_ratio=self.throttled)
        return replace(super().reading(index), cgroup=cgroup)


def scene_of(  # noqa: PLR0917 - what a scene is made of, in its order
    host: Host, load: Load, cell: Cell, ran: Ran, gpu_bytes: int, draw: int = 0
) -> ModelScene:
    """Return what gpumon would see of a model run in a cell that holds so much of the GPU's memory.

    `draw` counts the draws of what the last step of an epoch takes.
    """
    command = ("python", "train.py", "--workers", str(cell.workers), "--batch-size", str(cell.batch_size))
    left = IMAGES % cell.batch_size
    deviation = Random(f"{host.name} {load} {cell} {draw}").gauss(0.0, _LAST_ERROR)  # noqa: S311 - reproducible
    return ModelScene(
        wait=ran.wait_ratio,
        workers=cell.workers,
        idle=ran.idle_ratio,
        cpu=ran.cpu_ratio,
        queue=ran.queue_ratio,
        remote=ran.off_cpu_ratio,
        cores=host.cores,
        physical_cores=host.physical_cores,
        affinity=host.affinity,
        quota=host.quota,
        main_cpu=ran.main_cpu_ratio,
        gpu_busy=ran.gpu_busy_ratio,
        gpu_total=GPU_BYTES,
        gpu_own=gpu_bytes,
        rate=ran.images_per_second,
        batch_rate=ran.images_per_second / cell.batch_size,
        command=command,
        batch_size=cell.batch_size,
        memory_total=_MEMORY_BYTES,
        memory_available=200 * GIB,
        worker_pss=GIB // 2,
        # Half of the memory is what a /dev/shm has where nobody says otherwise (Linux's tmpfs).
        shm_total=_MEMORY_BYTES // 2,
        shm_free=_MEMORY_BYTES // 2 - GIB,
        throttled=ran.throttled_ratio,
        full_seconds=_step_seconds(load, cell.batch_size),
        last_seconds=_step_seconds(load, left) * max(0.5, 1.0 + deviation),
    )


def _step_seconds(load: Load, images: int) -> float:
    return load.main_cpu_seconds + load.gpu.mean_seconds(images, images * TARGETS_PER_IMAGE)
