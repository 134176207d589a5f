"""A large machine as reports: 8 GPUs, 128 cores, a training with 64 workers; every number moves."""

from __future__ import annotations

import random
from dataclasses import replace

from gpumon.model.clock import Instant
from gpumon.model.gpu import BusySample, GpuProcess, GpuReading
from gpumon.model.host import CoreReading
from gpumon.model.measure import Certainty, Measure
from gpumon.model.process import ProcessId, ProcessReading, Role, ThreadStates
from gpumon.model.report import Report
from gpumon.model.training import Member
from tests.unit.full_report import FULL_GPU, FULL_READING, GIB, MAIN, full_report

GPUS = 8
CORES = 128
WORKERS = 64
_UNIX_SECONDS = 1_790_000_000.0


class LargeMachine:
    """Makes the report of any second. The seed is fixed: two benches see the same numbers."""

    def __init__(self) -> None:
        """Begin."""
        self._random = random.Random(4)  # noqa: S311 - no secret
        self._sequence = 0

    def report(self, second: float) -> Report:
        """Return the next report, at that second."""
        base = full_report()
        pids = [ProcessId(42_000 + worker, 2_000 + worker) for worker in range(WORKERS)]
        members = (Member(MAIN, 1, Role.MAIN), *(Member(pid, MAIN.pid, Role.TRAIN_WORKER) for pid in pids))
        gpus = tuple(self._gpu(index, second) for index in range(GPUS))
        wait = self._ratio()
        text = f"the GPU waits {wait:.0%} of each step for data"
        loader = replace(
            FULL_READING.loader,
            data_wait_ratio=Measure(wait, Certainty.SAMPLED, "interpreter (CPython 3.11)", 0.03),
            worker_cpu_ratio=self._ratio(),
            worker_idle_ratio=self._ratio(),
            worker_states=tuple(self._states(pid) for pid in pids),
        )
        progress = replace(
            FULL_READING.progress,
            batch=int(second) % 2933,
            images_per_second=Measure(self._random.gauss(90, 3), Certainty.EXACT, "log"),
        )
        reading = replace(
            FULL_READING,
            training=replace(FULL_READING.training, members=members),
            progress=progress,
            loader=loader,
            processes=tuple(self._process(pid) for pid in pids),
            gpu_uuids=tuple(gpu.uuid for gpu in gpus),
        )
        sample = replace(
            base.sample,
            sequence=self._sequence,
            instant=Instant(_UNIX_SECONDS + second, second),
            interval_seconds=1.0,
            gpus=gpus,
            host=replace(base.sample.host, cores=tuple(self._core(core) for core in range(CORES))),
            trainings=(reading,),
        )
        self._sequence += 1
        told = base.trainings[0]
        findings = tuple(replace(finding, text=text) for finding in told.findings)
        attachment = replace(base.attachment, training=reading.training)
        return Report(sample, attachment, (replace(told, findings=findings),))

    def _ratio(self) -> float:
        """Return a share as the kernel's ticks give it: so many of about a hundred."""
        return min(1.0, self._random.randrange(101) / self._random.randrange(99, 103))

    def _core(self, core: int) -> CoreReading:
        iowait = self._ratio() / 10 if self._random.random() < 0.1 else 0.0
        return CoreReading(core, self._ratio(), iowait, 0.0)

    def _gpu(self, index: int, second: float) -> GpuReading:
        random = self._random
        processes = tuple(
            GpuProcess(42_000 + index * 8 + worker, random.randrange(GIB), self._ratio())
            for worker in range(8)
        )
        return replace(
            FULL_GPU,
            index=index,
            uuid=f"GPU-{index}",
            gpu_busy_ratio=self._ratio(),
            busy_samples=tuple(BusySample(second + k / 6, random.randrange(101) / 100) for k in range(6)),
            gpu_memory_busy_ratio=random.randrange(101) / 100,
            gpu_memory_used_bytes=random.randrange(12 * GIB),
            processes=processes,
            gpu_temperature_celsius=float(random.randrange(50, 90)),
            gpu_power_watts=random.randrange(100_000, 170_000) / 1000,
            gpu_energy_joules=second * 150 + random.random(),
            gpu_sm_clock_hertz=random.randrange(1200, 2100) * 1e6,
            gpu_pcie_receive_bytes_per_second=random.randrange(1 << 30) * 1.0,
            gpu_pcie_transmit_bytes_per_second=random.randrange(1 << 28) * 1.0,
            gpu_throttle_power_ratio=self._ratio(),
        )

    def _process(self, pid: ProcessId) -> ProcessReading:
        random = self._random
        return ProcessReading(
            pid,
            *(MAIN.pid, Role.TRAIN_WORKER, "pt_data_worker", ("python", "train.py"), "ann", "R"),
            cpu_busy_ratio=self._ratio(),
            run_queue_wait_ratio=random.random() / 20,
            cpu_seconds_total=random.random() * 1e5,
            threads=3,
            memory_rss_bytes=random.randrange(4 * GIB),
            memory_pss_bytes=random.randrange(2 * GIB),
            read_bytes_per_second=random.random() * 2e7,
            write_bytes_per_second=0.0,
            read_characters_per_second=random.random() * 2e7,
            read_calls_per_second=float(random.randrange(300)),
            last_core=random.randrange(CORES),
        )

    def _states(self, pid: ProcessId) -> ThreadStates:
        running = self._random.randrange(21)
        return ThreadStates(
            pid,
            pid.pid,
            20,
            running=running,
            polling=20 - running,
            cpu_busy_ratio=self._ratio(),
            run_queue_wait_ratio=self._random.random() / 20,
            turns_per_second=self._random.random() * 500,
            sleeps_per_second=self._random.random() * 400,
        )
