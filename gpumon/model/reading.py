"""What a training itself does at one instant: its loader, its progress, its processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpumon.model.gpu import GpuReading
from gpumon.model.host import CgroupReading, SharedMemoryReading
from gpumon.model.measure import Maybe, Measure, Missing

if TYPE_CHECKING:
    from gpumon.model.process import ProcessReading, ThreadStates
    from gpumon.model.training import Ended, Phase, Training

_UNREAD = Missing("not read")
_ONE_RANK = Missing("it has one rank")


@dataclass(frozen=True, slots=True)
class LoaderReading:
    """The DataLoader of rank 0 since the last reading.

    `main_samples` looks were taken at the main thread, `main_waiting_samples` of them found it waiting for
    a batch; `data_wait_ratio` is their quotient. They are those of the best source there is, and
    `data_wait_ratio_by_state` is what the states of threads alone say. Worker ratios are means over the
    train workers: idle (waiting for an index: the prefetch queue is full), disk, remote, lock and sleeping
    are shares of samples; cpu and run-queue wait are from schedstat, in cores. `prefetch_factor` to
    `drop_last` are the loader's own settings, `batch_size` is of one rank. `batch_bytes` are the images of
    one batch as they are handed over, `image_read_bytes` what is read of files for each. `batches_ready`
    wait for the loop, `tasks_outstanding` are asked for and not received yet. Of several ranks the slowest
    is the one that waits most, for the others then wait for it; the spread is between the most and the
    least. `last_batch_size` are the images of an epoch's last batch, `last_step_seconds` the time of a step
    with them and `step_seconds` that of a full one, without waiting, over the epochs that were seen to end.
    `notes` are sentences on sources that disagree.
    """

    data_wait_ratio: Maybe[Measure] = _UNREAD
    data_wait_ratio_by_state: Maybe[Measure] = _UNREAD
    main_samples: int = 0
    main_waiting_samples: int = 0
    main_running_samples: int = 0
    workers: Maybe[int] = _UNREAD
    worker_idle_ratio: Maybe[float] = _UNREAD
    worker_cpu_ratio: Maybe[float] = _UNREAD
    worker_run_queue_wait_ratio: Maybe[float] = _UNREAD
    worker_disk_ratio: Maybe[float] = _UNREAD
    worker_remote_ratio: Maybe[float] = _UNREAD
    worker_lock_ratio: Maybe[float] = _UNREAD
    worker_sleeping_ratio: Maybe[float] = _UNREAD
    worker_states: tuple[ThreadStates, ...] = ()
    val_worker_cpu_ratio: Maybe[float] = _UNREAD
    batches_per_second: Maybe[Measure] = _UNREAD
    batch_size: Maybe[int] = _UNREAD
    batch_bytes: Maybe[Measure] = _UNREAD
    image_read_bytes: Maybe[Measure] = _UNREAD
    prefetch_factor: Maybe[int] = _UNREAD
    pin_memory: Maybe[bool] = _UNREAD
    persistent_workers: Maybe[bool] = _UNREAD
    drop_last: Maybe[bool] = _UNREAD
    batches_ready: Maybe[int] = _UNREAD
    tasks_outstanding: Maybe[int] = _UNREAD
    read_bytes_per_second: Maybe[float] = _UNREAD
    shm: Maybe[SharedMemoryReading] = _UNREAD
    shm_needed_bytes: Maybe[Measure] = _UNREAD
    slowest_rank: Maybe[int] = _ONE_RANK
    slowest_rank_data_wait_ratio: Maybe[Measure] = _ONE_RANK
    rank_data_wait_spread_ratio: Maybe[float] = _ONE_RANK
    last_batch_size: Maybe[int] = _UNREAD
    step_seconds: Maybe[Measure] = _UNREAD
    last_step_seconds: Maybe[Measure] = _UNREAD
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LossesReading:
    """Losses as one source has them: means over `epoch` (from 0) so far, as (name, value).

    `is_validation` tells that all of them are the validation's.
    """

    source: str
    epoch: int | None
    values: tuple[tuple[str, float], ...]
    is_validation: bool = False


@dataclass(frozen=True, slots=True)
class ProgressReading:
    """Where the run stands. `epoch` counts from 0, `batch` within the epoch.

    `results` are the newest row of results.csv as (column, value); `epoch_results` counts its rows.
    `imgsz` to `warmup_batches` are the loop's own variables: batches of which each optimizer step is made,
    and batches after which the warm-up ends. `losses` are the newest of each source, and
    `losses_not_finite_ratio` is the share of them that are nan or infinite. `steps_skipped_ratio` is the
    share of the newest optimizer steps that a GradScaler skipped for gradients that were not finite.
    `amp_enabled` is whether automatic mixed precision is in use, `amp_source` who tells so.
    `model_parameters` is how many parameters its model has.
    """

    epoch: Maybe[int] = _UNREAD
    epochs: Maybe[int] = _UNREAD
    batch: Maybe[int] = _UNREAD
    batches: Maybe[int] = _UNREAD
    images_per_second: Maybe[Measure] = _UNREAD
    eta_seconds: Maybe[float] = _UNREAD
    source: str = ""
    results: tuple[tuple[str, float], ...] = ()
    epoch_results: int = 0
    imgsz: Maybe[int] = _UNREAD
    accumulate: Maybe[float] = _UNREAD
    warmup_batches: Maybe[int] = _UNREAD
    losses: tuple[LossesReading, ...] = ()
    losses_not_finite_ratio: Maybe[float] = _UNREAD
    steps_skipped_ratio: Maybe[float] = _UNREAD
    amp_enabled: Maybe[bool] = _UNREAD
    amp_source: str = ""
    model_parameters: Maybe[Measure] = _UNREAD


@dataclass(frozen=True, slots=True)
class TrainingReading:
    """A training at one instant. `gpu_uuids` are the GPUs its processes use.

    `gpu_memory_used_bytes` is what its processes hold on those GPUs. `interpreter` says how its Python is
    looked into, `reporter` that it tells its own figures; or why that cannot be.
    """

    training: Training
    phase: Phase
    phase_source: str
    progress: ProgressReading = ProgressReading()
    loader: LoaderReading = LoaderReading()
    processes: tuple[ProcessReading, ...] = ()
    cgroup: Maybe[CgroupReading] = _UNREAD
    usable_cores: Maybe[float] = _UNREAD
    affinity_cores: Maybe[int] = _UNREAD
    gpu_uuids: tuple[str, ...] = ()
    gpu_memory_used_bytes: Maybe[int] = _UNREAD
    interpreter: Maybe[str] = _UNREAD
    reporter: Maybe[str] = _UNREAD
    ended: Ended | None = None

    def gpus(self, gpus: tuple[GpuReading, ...]) -> tuple[GpuReading, ...]:
        """Return those of `gpus` that this training uses."""
        used = self.gpu_uuids
        return tuple([gpu for gpu in gpus if gpu.uuid in used])
