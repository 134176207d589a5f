"""The one vocabulary: every measure's name, unit, range, meaning, and how to read it from a Sample.

Every sink, the history and the documentation are fed from METRICS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from gpumon.model.kinds import Phase
from gpumon.model.measure import number
from gpumon.model.sample import Sample

Scope = Literal["gpu", "core", "host", "disk", "training", "self"]
Labelled = Iterable[tuple[str, float | None]]
# The phases that come again in each epoch.
_CYCLE = frozenset({Phase.TRAIN, Phase.VALIDATE, Phase.CHECKPOINT})


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure. `read` yields (label, value) pairs: a GPU's UUID, a core, a main PID, or "" ."""

    name: str
    unit: str
    scope: Scope
    low: float | None
    high: float | None
    help: str
    read: Callable[[Sample], Labelled]


def _metric(scope: Scope, name: str, unit: str, text: str, read: Callable[[Sample], Labelled]) -> Metric:
    low = None if unit == "celsius" else 0.0
    high = 1.0 if unit == "ratio" else None
    return Metric(name, unit, scope, low, high, text, read)


def _gpu(name: str, unit: str, text: str) -> Metric:
    def read(sample: Sample) -> Labelled:
        return [(gpu.uuid, number(getattr(gpu, name))) for gpu in sample.gpus]

    return _metric("gpu", name, unit, text, read)


def _core(name: str, text: str) -> Metric:
    def read(sample: Sample) -> Labelled:
        cores = sample.host.cores
        return [(str(core.core), getattr(core, name)) for core in cores] if isinstance(cores, tuple) else []

    return _metric("core", name, "ratio", text, read)


def _disk(name: str, unit: str, text: str) -> Metric:
    def read(sample: Sample) -> Labelled:
        disks = sample.host.disks
        return [(disk.name, getattr(disk, name)) for disk in disks] if isinstance(disks, tuple) else []

    return _metric("disk", name, unit, text, read)


def _host(name: str, unit: str, text: str, part: str = "", field: str = "") -> Metric:
    def read(sample: Sample) -> Labelled:
        holder: Any = getattr(sample.host, part) if part else sample.host
        return [("", number(getattr(holder, field or name, None)))]

    return _metric("host", name, unit, text, read)


def _own(name: str, unit: str, text: str, field: str) -> Metric:
    return _metric(
        "self", name, unit, text, lambda sample: [("", number(getattr(sample.self_reading, field)))]
    )


def _training(name: str, unit: str, text: str, path: str) -> Metric:
    steps = path.split(".")

    def read(sample: Sample) -> Labelled:
        found: list[tuple[str, float | None]] = []
        for reading in sample.trainings:
            value: Any = reading
            for step in steps:
                value = getattr(value, step, None)
            found.append((str(reading.training.id.pid), number(value)))
        return found

    return _metric("training", name, unit, text, read)


def _phase(name: str, phase: Phase, text: str) -> Metric:
    """Return a share of time of one phase; of start, end and unknown there is none."""

    def read(sample: Sample) -> Labelled:
        return [
            (str(reading.training.id.pid), float(reading.phase is phase) if reading.phase in _CYCLE else None)
            for reading in sample.trainings
        ]

    return _metric("training", name, "ratio", text, read)


METRICS: tuple[Metric, ...] = (
    _gpu("gpu_busy_ratio", "ratio", "share of time with at least one kernel resident"),
    _gpu("gpu_memory_busy_ratio", "ratio", "share of time in which device memory was read or written"),
    _gpu("gpu_sm_busy_ratio", "ratio", "share of the SMs at work, by hardware counters (GPM)"),
    _gpu("gpu_tensor_busy_ratio", "ratio", "share of the SMs' time in tensor operations (GPM)"),
    _gpu("gpu_memory_bandwidth_ratio", "ratio", "share of the device memory's peak bandwidth in use (GPM)"),
    _gpu("gpu_memory_used_bytes", "bytes", "device memory held by all processes"),
    _gpu("gpu_memory_reserved_bytes", "bytes", "device memory the driver keeps for itself"),
    _gpu("gpu_memory_total_bytes", "bytes", "device memory in all"),
    _gpu("gpu_temperature_celsius", "celsius", "core temperature"),
    _gpu("gpu_power_watts", "watts", "board power"),
    _gpu("gpu_energy_joules", "joules", "energy since the driver was loaded"),
    _gpu("gpu_sm_clock_hertz", "hertz", "SM clock"),
    _gpu("gpu_memory_clock_hertz", "hertz", "memory clock"),
    _gpu("gpu_fan_ratio", "ratio", "fan speed"),
    _gpu("gpu_pcie_receive_bytes_per_second", "bytes/s", "host to device"),
    _gpu("gpu_pcie_transmit_bytes_per_second", "bytes/s", "device to host"),
    _gpu("gpu_throttle_power_ratio", "ratio", "share of time slowed by the power limit"),
    _gpu("gpu_throttle_thermal_ratio", "ratio", "share of time slowed by heat"),
    _gpu("gpu_throttle_brake_ratio", "ratio", "share of time slowed by the power brake of the board"),
    _core("cpu_busy_ratio", "share of time a core ran something"),
    _core("cpu_iowait_ratio", "share of time a core idled with I/O outstanding"),
    _core("cpu_steal_ratio", "share of time the hypervisor took"),
    _host("host_cpu_busy_ratio", "ratio", "mean over all cores", field="cpu_busy_ratio"),
    _host("memory_total_bytes", "bytes", "host memory in all", part="memory"),
    _host("memory_available_bytes", "bytes", "host memory available without swapping", part="memory"),
    _host("memory_used_bytes", "bytes", "host memory in use: total minus available", part="memory"),
    _host("swap_used_bytes", "bytes", "swap in use", part="memory"),
    _host("cpu_some_ratio", "ratio", "PSI: share of time some task waited for a core", part="pressure"),
    _host("io_some_ratio", "ratio", "PSI: share of time some task waited for I/O", part="pressure"),
    _host("io_full_ratio", "ratio", "PSI: share of time all tasks waited for I/O", part="pressure"),
    _host("memory_some_ratio", "ratio", "PSI: share of time some task waited for memory", part="pressure"),
    _host("memory_full_ratio", "ratio", "PSI: share of time all tasks waited for memory", part="pressure"),
    _disk("disk_read_bytes_per_second", "bytes/s", "read from a disk"),
    _disk("disk_write_bytes_per_second", "bytes/s", "written to a disk"),
    _disk("disk_busy_ratio", "ratio", "share of time a disk had a request"),
    _training(
        "data_wait_ratio",
        "ratio",
        "share of time the training loop waits for a batch",
        "loader.data_wait_ratio",
    ),
    _training("images_per_second", "images/s", "images trained per second", "progress.images_per_second"),
    _training("batches_per_second", "batches/s", "batches trained per second", "loader.batches_per_second"),
    _training(
        "step_seconds",
        "seconds",
        "time of a step without waiting, over the epochs that were seen to end",
        "loader.step_seconds",
    ),
    _training(
        "last_step_seconds",
        "seconds",
        "time of a step with the smaller batch that an epoch ends with",
        "loader.last_step_seconds",
    ),
    _training(
        "losses_not_finite_ratio",
        "ratio",
        "share of the newest losses that are nan or infinite",
        "progress.losses_not_finite_ratio",
    ),
    _training(
        "steps_skipped_ratio",
        "ratio",
        "share of optimizer steps skipped for gradients that were not finite",
        "progress.steps_skipped_ratio",
    ),
    _training(
        "worker_idle_ratio",
        "ratio",
        "share of time DataLoader workers wait for an index",
        "loader.worker_idle_ratio",
    ),
    _training("worker_cpu_ratio", "cores", "cores used per DataLoader worker", "loader.worker_cpu_ratio"),
    _training(
        "worker_run_queue_wait_ratio",
        "ratio",
        "share of time a worker was runnable but not running",
        "loader.worker_run_queue_wait_ratio",
    ),
    _training(
        "worker_disk_ratio", "ratio", "share of time workers wait for a disk", "loader.worker_disk_ratio"
    ),
    _training(
        "worker_remote_ratio",
        "ratio",
        "share of time workers wait for remote storage",
        "loader.worker_remote_ratio",
    ),
    _training(
        "worker_lock_ratio", "ratio", "share of time workers wait for a lock", "loader.worker_lock_ratio"
    ),
    _training(
        "loader_read_bytes_per_second",
        "bytes/s",
        "read from storage by the workers",
        "loader.read_bytes_per_second",
    ),
    _training("shm_free_bytes", "bytes", "free in the training's /dev/shm", "loader.shm.shm_free_bytes"),
    _training(
        "training_gpu_memory_used_bytes",
        "bytes",
        "device memory held by the training",
        "gpu_memory_used_bytes",
    ),
    _training(
        "cpu_throttled_ratio",
        "ratio",
        "share of periods the training's CPU quota throttled it",
        "cgroup.cpu_throttled_ratio",
    ),
    _training(
        "cgroup_memory_used_bytes",
        "bytes",
        "host memory charged to the training's cgroup",
        "cgroup.memory_used_bytes",
    ),
    _training(
        "slowest_rank_data_wait_ratio",
        "ratio",
        "share of time the rank that waits most waits for a batch",
        "loader.slowest_rank_data_wait_ratio",
    ),
    _training(
        "rank_data_wait_spread_ratio",
        "ratio",
        "how much more the rank that waits most waits for a batch than the one that waits least",
        "loader.rank_data_wait_spread_ratio",
    ),
    _phase("validation_ratio", Phase.VALIDATE, "share of time in validation; start and end do not count"),
    _phase("checkpoint_ratio", Phase.CHECKPOINT, "share of time writing results and checkpoints"),
    _own("self_cpu_ratio", "cores", "cores gpumon itself uses", "cpu_ratio"),
    _own("self_memory_bytes", "bytes", "resident memory of gpumon itself", "memory_bytes"),
)
