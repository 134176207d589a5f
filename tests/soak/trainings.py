"""The trainings of the soak: made once when they start, and cheap to read every second."""

from __future__ import annotations

from dataclasses import replace
from math import sin

from gpumon.model.gpu import GpuProcess, GpuReading
from gpumon.model.process import ProcessId, ProcessReading
from gpumon.model.reading import LossesReading, ProgressReading, TrainingReading
from gpumon.model.training import Ended, Phase, Training
from tests.soak.week import Stay
from tests.unit.synthetic_training import GIB, PID, STARVED, Scene

# Above the largest PID that a kernel gives (4194304, proc(5)): no real process can be meant by a key.
FIRST_PID = 10_000_000
_PIDS_EACH = 32
# How many different seconds a training has; its numbers repeat after them.
_SECONDS = 16
_EPOCH_SECONDS = 600.0
_VALIDATES_AFTER, _SAVES_AFTER = 540.0, 590.0
_STARTS_SECONDS = 20.0
_GROWS_BYTES_PER_SECOND = 400_000
_BATCHES = 3200
_LOSSES = ("box_loss", "obj_loss", "cls_loss")

_SCENES = {
    "starved": STARVED,
    "healthy": Scene(),
    "no workers": Scene(
        wait=0.5, workers=0, sees_loading=True, idle=None, cpu=None, gpu_busy=0.48, rate=40.0
    ),
    "slow disk": Scene(wait=0.4, idle=0.03, cpu=0.2, disk=0.7, device_busy=0.97, gpu_busy=0.55, rate=60.0),
    "memory grows": Scene(gpu_own=3 * GIB),
    "small batch": Scene(batch_size=4, gpu_own=2 * GIB, gpu_busy=0.45, rate=70.0),
    "nan": Scene(losses=(float("nan"), 0.03, 0.02), val_losses=(0.05, 0.03, 0.02)),
    "two ranks": Scene(ranks=2, workers=3, batch_size=32),
    "small /dev/shm": Scene(shm_total=GIB // 16, shm_free=GIB // 160, shm_needed=GIB / 12),
    "memory full": Scene(gpu_own=11 * GIB, gpu_others=GIB // 2),
}


class Run:
    """One training that goes by, as it is read from outside."""

    def __init__(self, stay: Stay, cores: int) -> None:
        """Start it; `cores` are those of the machine."""
        self.stay = stay
        self.grows = stay.kind == "memory grows"
        self._scene = replace(_SCENES[stay.kind], cores=cores)
        self.pid = FIRST_PID + stay.number * _PIDS_EACH
        self.gpu_uuid = f"GPU-{stay.gpu}"
        readings = [self._scene.reading(second) for second in range(_SECONDS)]
        self.training = self._named(readings[0].training)
        processes = tuple(map(self._member, readings[0].processes))
        self._readings = tuple(
            replace(reading, training=self.training, processes=processes, gpu_uuids=(self.gpu_uuid,))
            for reading in readings
        )
        self._gpus: tuple[GpuReading, ...] = ()

    def used_bytes(self, elapsed_seconds: float) -> int:
        """Return the GPU memory that it holds."""
        grown = (elapsed_seconds - self.stay.begin_seconds) * _GROWS_BYTES_PER_SECOND if self.grows else 0
        return (self._scene.gpu_own or 0) + int(grown)

    def on_gpu(self, idle: GpuReading, elapsed_seconds: float) -> GpuReading:
        """Return its GPU with it on it."""
        if not self._gpus:
            held = (GpuProcess(self.pid, self.used_bytes(elapsed_seconds)),)
            busy = self._scene.gpu_busy or 0.0
            self._gpus = tuple(
                replace(
                    idle,
                    gpu_busy_ratio=min(1.0, max(0.0, busy + 0.03 * sin(second))),
                    gpu_memory_used_bytes=self.used_bytes(elapsed_seconds) + self._scene.gpu_others,
                    gpu_power_watts=90.0 + 100.0 * busy,
                    gpu_temperature_celsius=50.0 + 25.0 * busy,
                    processes=held,
                )
                for second in range(_SECONDS)
            )
        reading = self._gpus[int(elapsed_seconds) % _SECONDS]
        if self.grows:
            used = self.used_bytes(elapsed_seconds)
            held = (GpuProcess(self.pid, used),)
            reading = replace(reading, gpu_memory_used_bytes=used, processes=held)
        return reading

    def reading(self, elapsed_seconds: float) -> TrainingReading:
        """Return it at that second of the soak."""
        age = elapsed_seconds - self.stay.begin_seconds
        epoch, within = divmod(age, _EPOCH_SECONDS)
        reading = self._readings[int(elapsed_seconds) % _SECONDS]
        phase = Phase.TRAIN
        if age < _STARTS_SECONDS:
            phase = Phase.START
        elif within >= _SAVES_AFTER:
            phase = Phase.CHECKPOINT
        elif within >= _VALIDATES_AFTER:
            phase = Phase.VALIDATE
        progress = replace(
            reading.progress,
            epoch=int(epoch),
            batch=int(min(within / _VALIDATES_AFTER, 1.0) * _BATCHES),
            batches=_BATCHES,
            epoch_results=int(epoch),
            eta_seconds=max(0.0, self.stay.end_seconds - elapsed_seconds),
            losses=self._losses(reading.progress, epoch),
        )
        return replace(
            reading, phase=phase, progress=progress, gpu_memory_used_bytes=self.used_bytes(elapsed_seconds)
        )

    def after_the_end(self, elapsed_seconds: float, unix_seconds: float) -> TrainingReading:
        """Return it once it is over."""
        ended = Ended(self.stay.how, f"its main process is gone ({self.stay.how.value})", unix_seconds)
        return replace(self.reading(elapsed_seconds), phase=Phase.END, processes=(), ended=ended)

    def _losses(self, progress: ProgressReading, epoch: float) -> tuple[LossesReading, ...]:
        if self.stay.kind == "nan":
            return progress.losses
        values = tuple((name, 0.06 / (1.0 + 0.2 * epoch)) for name in _LOSSES)
        return (LossesReading("log", int(epoch), values),)

    def _named(self, training: Training) -> Training:
        stay = self.stay
        members = tuple(
            replace(member, id=self._id(member.id), parent_pid=self._parent(member.parent_pid))
            for member in training.members
        )
        directory = f"/data/run{stay.directory}"
        return replace(
            training,
            id=self._id(training.id),
            command_directory=directory,
            run_dir=f"{directory}/runs/train/exp{stay.number}",
            members=members,
        )

    def _member(self, process: ProcessReading) -> ProcessReading:
        return replace(process, id=self._id(process.id), parent_pid=self._parent(process.parent_pid))

    def _id(self, identity: ProcessId) -> ProcessId:
        return ProcessId(self.pid + identity.pid - PID, int(self.stay.begin_seconds * 100))

    def _parent(self, pid: int) -> int:
        return self.pid if pid == PID else FIRST_PID - 1
