"""SageMaker Debugger's profiler rules as a diagnoser.

Source: awslabs/sagemaker-debugger-rulesconfig, profiler_rules/rules.py (thresholds), and the recommendations
that its profiling report prints beside each rule. Points are one a second here and two a second there, so a
patience of 1000 points is 500 s of ours. StepOutlier, MaxInitializationTime and OverallSystemUsage name no
cause and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gpumon.history.stats import mean, quantile
from gpumon.model.measure import known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from tests.lab.baselines import all_cores, nothing_to_change
from tests.lab.baselines_window import Recent, Seen, busy_values, cores_of, gpus_of, memory_of
from tests.lab.score_judgement import SILENT, Diagnoser, Judgement
from tests.lab.score_truth import HEALTHY

PATIENCE_SECONDS = 500
SCAN_SECONDS = 60
_WINDOW_SECONDS = 250
# Without its patience: what it would say on a short trace.
_IMPATIENT_SECONDS = 10


@dataclass
class SageMaker:
    """The rules in the order of their report; the first that fires is the verdict, the next the runner-up."""

    patience_seconds: int = PATIENCE_SECONDS
    scan_seconds: int = SCAN_SECONDS
    recent: Recent = field(default_factory=lambda: Recent.of(_WINDOW_SECONDS))
    cpu: list[float] = field(default_factory=list)
    io: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    rose: bool = False
    told: Judgement = SILENT

    def see(self, sample: Sample) -> Judgement:
        """Take in a point; judge all points so far where a scan is due."""
        reading = self.recent.add(sample)
        if reading is None:
            return self.told
        seen = (sample, reading)
        cpu, io = _bottleneck_shares(seen)
        self.cpu.append(cpu)
        self.io.append(io)
        full = memory_of(seen)
        if full is not None:
            self.memory.append(full)
        count = len(self.cpu)
        self.rose |= count > self.patience_seconds and _memory_increase(self.memory)
        if count >= self.patience_seconds and count % self.scan_seconds == 0:
            self.told = self._judge(reading, sample)
        return self.told

    def _judge(self, reading: TrainingReading, sample: Sample) -> Judgement:
        fired = [label for label in self._fired(reading, sample) if label]
        if not fired:
            return Judgement((HEALTHY,), advice=nothing_to_change())
        # "Consider increasing the number of data loaders", "Change the number of data loader processes".
        loaders = fired[0] in {"starved-too-few-workers", "starved-too-many-workers"}
        advice = all_cores(reading, sample) if loaders else nothing_to_change()
        return Judgement((*fired, HEALTHY), also=tuple(fired), advice=advice)

    def _fired(self, reading: TrainingReading, sample: Sample) -> tuple[str, ...]:
        recent = list(self.recent)
        busy = [value for seen in recent for value in busy_values(seen)]
        return (
            # CPUBottleneck: threshold 50, gpu 10, cpu 90.
            "starved-too-few-workers" if mean(self.cpu) > 0.50 else "",
            # IOBottleneck: threshold 50, gpu 10, io 50.
            "starved-local-disk" if mean(self.io) > 0.50 else "",
            "batch-too-small" if _batch_size(recent, busy) else "",
            "host-overhead" if _low_utilization(busy) else "",
            "ddp-imbalance" if _unbalanced(recent) else "",
            "vram-growth" if self.rose else "",
            _data_loaders(reading, sample),
        )


def _bottleneck_shares(seen: Seen) -> tuple[float, float]:
    """Return the shares of a second's points that are a CPU and an I/O bottleneck.

    A point is one when the GPU is below 10 % while any core is above 90 % busy, or 50 % in iowait.
    """
    cores = known(seen[0].host.cores) or ()
    values = busy_values(seen)
    if not values:
        return 0.0, 0.0
    idle = sum(1 for value in values if value < 0.10) / len(values)
    is_cpu = any(core.cpu_busy_ratio > 0.90 for core in cores)
    is_io = any(core.cpu_iowait_ratio > 0.50 for core in cores)
    return idle * is_cpu, idle * is_io


def _batch_size(recent: list[Seen], busy: list[float]) -> bool:
    """BatchSize: the 95th percentiles of CPU, GPU and GPU memory are all below 70 %."""
    cpu = [value for sample, _ in recent if (value := number(sample.host.cpu_busy_ratio)) is not None]
    memory = [value for seen in recent if (value := memory_of(seen)) is not None]
    return all(values and quantile(values, 0.95) < 0.70 for values in (cpu, busy, memory))


def _low_utilization(busy: list[float]) -> bool:
    """LowGPUUtilization: the 95th percentile is below 70 %, or above it with the 5th below 10 %."""
    return bool(busy) and (quantile(busy, 0.95) < 0.70 or quantile(busy, 0.05) < 0.10)


def _unbalanced(recent: list[Seen]) -> bool:
    """LoadBalancing: histograms of the utilization of two GPUs differ by more than 0.5 (half of the L1)."""
    histograms: dict[str, list[int]] = {}
    for seen in recent:
        for gpu in gpus_of(seen):
            busy = number(gpu.gpu_busy_ratio)
            if busy is not None:
                histograms.setdefault(gpu.uuid, [0] * 10)[min(9, int(busy * 10))] += 1
    shares = [[count / sum(counts) for count in counts] for counts in histograms.values()]
    return any(
        sum(abs(a - b) for a, b in zip(first, second, strict=True)) / 2 > 0.5
        for index, first in enumerate(shares)
        for second in shares[index + 1 :]
    )


def _memory_increase(shares: list[float]) -> bool:
    """GPUMemoryIncrease: the mean of the newest 10 points is 5 percentage points above the one before."""
    return len(shares) >= 10 and mean(shares[-5:]) - mean(shares[-10:-5]) > 0.05


def _data_loaders(reading: TrainingReading, sample: Sample) -> str:
    """Dataloader: fewer workers than 70 % of the cores, or more than twice as many."""
    workers, cores = known(reading.loader.workers), cores_of(reading, sample)
    if workers is None or cores is None:
        return ""
    if workers < 0.70 * cores:
        return "starved-too-few-workers"
    return "starved-too-many-workers" if workers > 2.0 * cores else ""


def sagemaker_baselines() -> Mapping[str, Callable[[], Diagnoser]]:
    """Return SageMaker's rules as they are, and without their patience."""
    return {
        "sagemaker": SageMaker,
        "sagemaker, no patience": lambda: SageMaker(_IMPATIENT_SECONDS, 1),
    }
