"""Reports and windows of made-up trainings, built from the model itself; the same for every run.

`fake_report(variant)`, `fake_window(variant, seconds=...)` and `fake_frame(variant)`, with a variant of
VARIANTS. Numbers move as sines of the second, so that pictures look alive and are still the same.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from math import sin

from gpumon.history.history import window_of
from gpumon.history.window import Window
from gpumon.model.clock import Instant
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import DriverReading, DriverState, GpuProcess, GpuReading, GpuState
from gpumon.model.host import CoreReading, DiskReading, HostReading, MemoryReading, PressureReading
from gpumon.model.measure import Missing
from gpumon.model.report import Attachment, AttachState, Report, TrainingReport
from gpumon.model.sample import Sample, SelfReading, SourceError
from gpumon.model.suggestion import Bound, Effect, MemoryOutlook, OomRisk, RiskLevel, Suggestion
from gpumon.model.training import Ended, Ending
from gpumon.tui.widgets.frame import Frame, View
from tests.tui.fake_training import HOSTILE, MAIN_PID, fake_reading

__all__ = ["HOSTILE", "MAIN_PID", "VARIANTS", "fake_frame", "fake_report", "fake_sample", "fake_window"]

VARIANTS = (
    "starved",
    "healthy",
    "no_gpu",
    "eight_gpus",
    "many_cores",
    "ended",
    "ranks",
    "searching",
    "choosing",
    "hostile",
    "missing",
)
START_UNIX_SECONDS = 1_795_000_000.0
START_MONOTONIC_SECONDS = 100_000.0
GIB = 1024**3
TOTAL_BYTES = 12 * GIB


def fake_frame(variant: str = "starved", *, view: View | None = None, seconds: int = 300) -> Frame:
    """Return a frame of a variant after that many seconds."""
    window = fake_window(variant, seconds=seconds)
    chosen = view or View(now_unix_seconds=window.newest.instant.unix_seconds)
    return Frame(_report(variant, window.newest), window, chosen)


def fake_report(variant: str = "starved", *, second: int = 300) -> Report:
    """Return the report of a variant at one second."""
    return _report(variant, fake_sample(variant, second))


@lru_cache(maxsize=64)
def fake_window(variant: str = "starved", *, seconds: int = 300) -> Window:
    """Return the window of a variant after that many seconds, one sample a second."""
    return window_of(fake_sample(variant, second) for second in range(1, seconds + 1))


def fake_sample(variant: str = "starved", second: int = 300) -> Sample:
    """Return the sample of a variant at one second."""
    no_training = variant in {"searching", "choosing"}
    starved = variant != "healthy"
    errors: tuple[SourceError, ...] = ()
    driver = DriverReading(DriverState.OK, "", driver_version="560.35", cuda_version="12.6")
    gpus = tuple(_gpu(index, second, starved=starved) for index in range(8 if variant == "eight_gpus" else 1))
    host = _host(second, cores=128 if variant == "many_cores" else 8)
    if variant == "no_gpu":
        driver = DriverReading(DriverState.ABSENT, "no NVIDIA driver was found on this machine")
        gpus = ()
        errors = (SourceError("nvml", "no NVIDIA driver was found on this machine"),)
    elif variant == "missing":
        gpus = (
            GpuReading(0, "GPU-0", "NVIDIA GeForce RTX 3060"),
            GpuReading(1, "GPU-1", "RTX", GpuState.LOST),
        )
        host = HostReading(Missing("not read"), Missing("/proc is not mounted"), Missing("not read"))
    elif variant == "hostile":
        gpus = (replace(gpus[0], name=HOSTILE),)
        errors = (SourceError(HOSTILE, HOSTILE),)
    missing = variant == "missing"
    return Sample(
        sequence=second,
        instant=Instant(START_UNIX_SECONDS + second, START_MONOTONIC_SECONDS + second),
        interval_seconds=1.0,
        hostname=HOSTILE if variant == "hostile" else "trainbox",
        driver=driver,
        gpus=gpus,
        host=host,
        trainings=() if no_training else (fake_reading(variant, second),),
        errors=errors,
        self_reading=SelfReading() if missing else SelfReading(0.009, 58_000_000),
    )


def _wave(second: float, centre: float, swing: float, period: float = 37.0) -> float:
    """Return a number that swings about a centre, within 0 and 1."""
    wobble = sin(second * 6.2832 / period) + 0.4 * sin(second * 2.9)
    return min(1.0, max(0.0, centre + swing * wobble / 1.4))


def _gpu(index: int, second: int, *, starved: bool) -> GpuReading:
    busy = _wave(second + index * 5, 0.58 if starved else 0.95, 0.18 if starved else 0.04)
    used = int((6.2 + 0.5 * sin(second / 20)) * 1e9)
    return GpuReading(
        index=index,
        uuid=f"GPU-{index}",
        name="NVIDIA GeForce RTX 3060",
        gpu_busy_ratio=busy,
        gpu_memory_busy_ratio=busy / 2,
        gpu_memory_used_bytes=used + 700_000_000,
        gpu_memory_reserved_bytes=250_000_000,
        gpu_memory_total_bytes=TOTAL_BYTES,
        processes=(GpuProcess(MAIN_PID, used), GpuProcess(999, 700_000_000, kind="graphics")),
        gpu_temperature_celsius=61.0,
        gpu_temperature_slowdown_celsius=93.0,
        gpu_power_watts=141.2,
        gpu_power_limit_watts=170.0,
        gpu_sm_clock_hertz=1.777e9,
        gpu_sm_clock_max_hertz=2.1e9,
        gpu_fan_ratio=0.42,
        gpu_throttle_power_ratio=0.0,
        gpu_throttle_thermal_ratio=0.0,
        gpu_throttle_reasons=(),
    )


def _host(second: int, *, cores: int) -> HostReading:
    def busy(core: int) -> float:
        return _wave(second + core * 3, 0.98 if core % 4 == 0 else 0.12, 0.08, period=23.0 + core % 5)

    readings = tuple(CoreReading(core, busy(core), 0.05 if core == 1 else 0.0, 0.0) for core in range(cores))
    return HostReading(
        cpu_busy_ratio=sum(core.cpu_busy_ratio for core in readings) / cores,
        cores=readings,
        memory=MemoryReading(64 * GIB, 40 * GIB, 24 * GIB, 8 * GIB, GIB // 4),
        pressure=PressureReading(0.04, 0.02, 0.01, 0.0, 0.0),
        disks=(DiskReading("nvme0n1", 41e6 + 9e6 * sin(second / 7), 1e6, 0.31),),
        physical_cores=cores // 2,
        load_1_minute=3.2,
    )


def _report(variant: str, sample: Sample) -> Report:
    reading = sample.training()
    training = reading.training if reading is not None else None
    if variant == "searching":
        attachment = Attachment(AttachState.SEARCHING, "no training runs yet: waiting for one to start")
        return Report(sample, attachment)
    if variant == "choosing":
        candidates = tuple(fake_reading(name, 1).training for name in ("starved", "healthy"))
        text = "2 trainings run: choose one"
        return Report(sample, Attachment(AttachState.CHOOSING, text, candidates=candidates))
    if variant == "ended" and reading is not None:
        ended = Ended(Ending.FINISHED, "100 of 100 epochs are in results.csv", START_UNIX_SECONDS + 290)
        sample = replace(sample, trainings=(replace(reading, ended=ended),))
        attachment = Attachment(AttachState.ENDED, "pid 41234 finished after 8h52m", training=training)
        return Report(sample, attachment, (_training_report(variant),))
    attachment = Attachment(AttachState.ATTACHED, "attached to pid 41234", training=training)
    return Report(sample, attachment, (_training_report(variant),))


def _training_report(variant: str) -> TrainingReport:
    if variant == "missing":
        return TrainingReport(MAIN_PID)
    if variant == "healthy":
        text = "the GPU is busy 95 % and never waits for data: no change of settings would help"
        finding = Finding("compute-bound", Severity.INFO, text, START_UNIX_SECONDS)
        return TrainingReport(MAIN_PID, (finding,), (), _outlook(), settled=True)
    text = "the GPU waits 41 % ±3 of each step for data: 2 of 2 workers are busy 98 %, 5 cores idle"
    if variant == "hostile":
        text = HOSTILE + text
    starved = Finding(
        "starved-too-few-workers",
        Severity.WARNING,
        text,
        START_UNIX_SECONDS + 30,
        (
            Evidence("data_wait_ratio", 0.41, 0.05, 0.38, 0.44, "the main thread waits 41 % of its time"),
            Evidence("worker_idle_ratio", 0.02, 0.2, text="workers wait for an index 2 % of their time"),
        ),
        lost_ratio=0.41,
    )
    throttled = Finding(
        "power-capped", Severity.INFO, "the power limit of 170 W slows the GPU 12 % of the time", 0.0
    )
    return TrainingReport(MAIN_PID, (starved, throttled), (_suggestion(), _batch()), _outlook(), settled=True)


def _suggestion() -> Suggestion:
    return Suggestion(
        setting="workers",
        from_value=2,
        to_value=6,
        text="use 6 workers",
        finding="starved-too-few-workers",
        bound=Bound.CORES,
        rests_on="rate now / (1 - share waited), limited by 8 cores",
        speedup=Effect(1.0, 1.64, 1.46, 1.69),
        images_per_second=Effect(90.0, 148.0, 131.0, 152.0),
        command="python train.py --img 640 --batch 24 --workers 6 --data coco128.yaml",
    )


def _batch() -> Suggestion:
    return Suggestion(
        setting="batch_size",
        from_value=24,
        to_value=32,
        text="use batch 32",
        finding="batch-too-small",
        bound=Bound.MEMORY,
        rests_on="memory is linear in the batch, with a margin of 10 %",
        speedup=Effect(1.0, 1.05, 1.0, 1.1),
        gpu_memory_bytes=Effect(6.2e9, 8.1e9, 7.9e9, 8.6e9),
        command=Missing("the launcher's command was not seen"),
        warnings=("a larger batch changes the learning rate that fits",),
    )


def _outlook() -> MemoryOutlook:
    risk = OomRisk(0.02, RiskLevel.LOW, "peak 6.6 of 11.1 GiB after 3 validations")
    return MemoryOutlook(7_100_000_000, TOTAL_BYTES - 950_000_000, risk, 32, 32, 37)
