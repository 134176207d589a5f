"""What others do: published rules as diagnosers, fed with the readings of a trace.

Each speaks its own words. They are put into ids of findings by what the tool tells its user to do; where it
names no cause ("increase workers") that is starved-too-few-workers. A rule that needs what no trace has
(times of steps from within, DCGM's counters) gets gpumon's own nearest reading, in its favour: its docstring
says which. "More workers" without a number is scored as PyTorch's own: as many as there are cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from gpumon.model.measure import Maybe, Missing, known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Setting
from tests.lab.baselines_window import Recent, busy_of, cores_of, gpus_of, memory_of
from tests.lab.score_judgement import SILENT, Advice, Diagnoser, Judgement
from tests.lab.score_truth import HEALTHY

# Tools that show a mean do so over a minute; less than ten seconds is no mean.
_WINDOW_SECONDS = 60
_LEAST_SECONDS = 10
_FEW = "starved-too-few-workers"
_LARGEST_SPEEDUP = 50.0
# Names of those that advise without a diagnosis.
ADVICE_ALONE = ("always W=cores", "always W=8", "never change")


def all_cores(reading: TrainingReading, sample: Sample) -> Maybe[Advice]:
    """Advise as many workers as there are cores (torch.utils.data, check_worker_number_rationality)."""
    cores = cores_of(reading, sample)
    return Advice({"workers": cores}) if cores else Missing("the number of cores is not known")


def nothing_to_change() -> Advice:
    """Advise to leave everything as it is."""
    return Advice({})


@dataclass
class BelowNinety:
    """The rule of thumb: a GPU below 90 % is not fed, and what is missing to 100 % could be gained.

    Source: facts of the trade rather than of a paper; the mean of nvidia-smi's utilization.gpu over a minute.
    """

    threshold: float = 0.90
    recent: Recent = field(default_factory=lambda: Recent.of(_WINDOW_SECONDS))

    def see(self, sample: Sample) -> Judgement:
        """Judge the mean busy ratio."""
        reading, busy = self.recent.add(sample), self.recent.busy()
        if reading is None or busy is None or len(self.recent) < _LEAST_SECONDS:
            return SILENT
        if busy >= self.threshold:
            return Judgement(
                (HEALTHY,), wait=1 - busy, fed_speedup=_speedup(busy), advice=nothing_to_change()
            )
        labels = (_FEW, "batch-too-small")
        return Judgement(labels, wait=1 - busy, fed_speedup=_speedup(busy), advice=all_cores(reading, sample))


@dataclass
class FiveTwenty:
    """TensorFlow's profiler: input below 5 % of the step is no bottleneck, above 20 % it is highly bound.

    Source: XProf, op_stats_to_input_pipeline_analysis.cc (5 and 20 %). It times the input within the process;
    from outside, what is not busy is taken for input.
    """

    recent: Recent = field(default_factory=lambda: Recent.of(_WINDOW_SECONDS))

    def see(self, sample: Sample) -> Judgement:
        """Judge the mean idle share."""
        reading, busy = self.recent.add(sample), self.recent.busy()
        if reading is None or busy is None or len(self.recent) < _LEAST_SECONDS:
            return SILENT
        idle = 1 - busy
        if idle < 0.05:
            return Judgement((HEALTHY,), wait=idle, fed_speedup=_speedup(busy), advice=nothing_to_change())
        # "Moderately" bound comes with a second thought, "highly" does not.
        labels = (_FEW, HEALTHY) if idle < 0.20 else (_FEW, "starved-local-disk")
        advice = all_cores(reading, sample)
        return Judgement(labels, wait=idle, fed_speedup=_speedup(busy), advice=advice)


@dataclass
class TraceMl:
    """TraceML's step rules: input-bound from 10 % of the step (20 % critical), compute-bound from 90 %.

    Source: traceopt-ai/traceml 0.3.6 at d5cec51, diagnostics/*/policy.py: input and overhead 10/20 %,
    compute 90 %, 20 steps for a confident word, GPU memory 80/90 %. It times steps within the process; here
    its input share is gpumon's measured wait in the last 20 s of training, its compute the GPU's busy share,
    its overhead the rest. So its thresholds are judged, not its clock.
    """

    recent: Recent = field(default_factory=lambda: Recent.of(20, only_training=True))

    def see(self, sample: Sample) -> Judgement:
        """Judge the shares of the step."""
        reading, busy, wait = self.recent.add(sample), self.recent.busy(), self.recent.wait()
        if reading is None or wait is None or len(self.recent) < _LEAST_SECONDS:
            return SILENT
        full = memory_of((sample, reading))
        second: tuple[str, ...] = ("vram-at-limit",) if full is not None and full >= 0.90 else ()
        speedup = _speedup(1 - wait)
        if wait >= 0.10:
            # Its action: "Increase workers, prefetch, or storage throughput."
            labels = (_FEW, *(second or ("starved-local-disk",)))
            advice: Maybe[Advice] = all_cores(reading, sample)
            return Judgement(labels, also=second, wait=wait, fed_speedup=speedup, advice=advice)
        overhead = 0.0 if busy is None else 1 - wait - busy
        first = "host-overhead" if overhead >= 0.10 else HEALTHY
        labels = (first, *(second or (_FEW,)))
        return Judgement(labels, also=second, wait=wait, fed_speedup=speedup, advice=nothing_to_change())


@dataclass
class KempnerPulse:
    """KempnerPulse's ordered classes, the first that matches wins, judged anew every second.

    Source: KempnerInstitute/kempnerpulse docs/classification.md. DCGM's counters are in no trace: SM_ACTIVE
    and GR_ENGINE are the driver's busy ratio (an upper bound of the first, the tool's own fallback for the
    second), DRAM_ACTIVE the driver's memory busy ratio. The classes of the tensor and FP64 pipes are never
    reached.
    """

    def see(self, sample: Sample) -> Judgement:
        """Judge one second."""
        reading = sample.training()
        busy = None if reading is None else busy_of((sample, reading))
        if reading is None or busy is None:
            return SILENT
        gpus = gpus_of((sample, reading))
        dram = max((number(gpu.gpu_memory_busy_ratio) or 0.0 for gpu in gpus), default=0.0)
        pcie = max(
            (
                max(
                    number(gpu.gpu_pcie_receive_bytes_per_second) or 0.0,
                    number(gpu.gpu_pcie_transmit_bytes_per_second) or 0.0,
                )
                for gpu in gpus
            ),
            default=0.0,
        )
        if pcie >= 1e9 and busy < 0.30:
            # "I/O or data-loading": heavy transfer while the SMs idle.
            return Judgement((_FEW, "transfer-bound"), advice=all_cores(reading, sample))
        if dram >= 0.50 and busy < 0.50:
            return Judgement(("memory-bandwidth-bound", HEALTHY), advice=nothing_to_change())
        if busy >= 0.50:
            return Judgement((HEALTHY, "memory-bandwidth-bound"), advice=nothing_to_change())
        if dram >= 0.40:
            return Judgement(("memory-bandwidth-bound", HEALTHY), advice=nothing_to_change())
        # "idle", "low utilization", "mixed / moderate": no pattern, and no advice.
        return SILENT


@dataclass
class FixedWorkers:
    """Not a diagnosis: an advice that is given to everybody."""

    advise: Callable[[TrainingReading, Sample], Maybe[Advice]]

    def see(self, sample: Sample) -> Judgement:
        """Give the advice."""
        reading = sample.training()
        if reading is None:
            return SILENT
        return Judgement(abstains=True, advice=self.advise(reading, sample))


def yolov5_default(reading: TrainingReading, sample: Sample) -> Maybe[Advice]:
    """Advise `--workers 8` with YOLOv5's own cap: cores and batch (utils/dataloaders.py)."""
    host, batch = known(sample.host.cores), known(reading.training.settings.batch_size)
    caps = [8]
    if host:
        caps.append(len(host))
    if isinstance(batch, Setting) and isinstance(batch.value, int):
        caps.append(batch.value)
    return Advice({"workers": min(caps)})


def keep(reading: TrainingReading, sample: Sample) -> Maybe[Advice]:
    """Advise nothing: the regret of leaving all as it is."""
    del reading, sample
    return nothing_to_change()


def _speedup(share: float) -> float:
    return min(1 / max(share, 1e-9), _LARGEST_SPEEDUP)


def simple_baselines() -> Mapping[str, Callable[[], Diagnoser]]:
    """Return the baselines of this module by name."""
    return {
        "util<90": BelowNinety,
        "tf-5/20": FiveTwenty,
        "traceml-10/20": TraceMl,
        "kempnerpulse": KempnerPulse,
        **{
            name: partial(FixedWorkers, advise)
            for name, advise in zip(ADVICE_ALONE, (all_cores, yolov5_default, keep), strict=True)
        },
    }
