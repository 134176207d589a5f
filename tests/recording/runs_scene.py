"""Runs and reports that are made up: every number is a field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gpumon.history.block import Block
from gpumon.model.report import Attachment, AttachState, Report
from gpumon.model.training import Ended
from gpumon.recording.runs_run import Run, RunAbout, RunEnd, RunProcess, RunSetting
from tests.unit.synthetic_training import GIB, HEALTHY, Scene

PROCESS = RunProcess("boot-1", 4000, 1)
ABOUT = RunAbout(
    framework="yolov5",
    name="train.py",
    hostname="box",
    simulated=False,
    world_size=1,
    command=("python", "train.py"),
    settings=(
        RunSetting("batch_size", 16, "argv"),
        RunSetting("workers", 2, "argv"),
        RunSetting("imgsz", 640, "argv"),
        RunSetting("weights", "yolov5s.pt", "argv"),
    ),
    framework_version="v7.0",
    gpus=("RTX 3060",),
    gpu_memory_total_bytes=12 * GIB,
    driver_version="550.54",
    usable_cores=8.0,
    rate_source="log",
    wait_source="interpreter",
)


def about(**settings: float | str | bool | None) -> RunAbout:
    """Return ABOUT with some settings changed."""
    changed = tuple(
        replace(setting, value=settings.get(setting.name, setting.value)) for setting in ABOUT.settings
    )
    return replace(ABOUT, settings=changed)


def block(
    number: int, rate: float = 100.0, wait: float = 0.1, *, peak: int | None = 5 * GIB, seconds: float = 10.0
) -> Block:
    """Return a block of steady training with exact readings."""
    return Block(
        number,
        seen_seconds=seconds,
        steady_seconds=seconds,
        rate_seconds=seconds,
        images=rate * seconds,
        images_low=rate * seconds,
        images_high=rate * seconds,
        wait_seconds=seconds,
        waited_seconds=wait * seconds,
        waited_low_seconds=wait * seconds,
        waited_high_seconds=wait * seconds,
        looks=20 * seconds,
        memory_peak_bytes=peak,
        has_validation=True,
    )


def run_of(
    rates: Sequence[float], waits: Sequence[float] = (), *, number: int = 1, about: RunAbout = ABOUT
) -> Run:
    """Return a run whose blocks have those rates and waits."""
    shares = waits or [0.1] * len(rates)
    blocks = tuple(
        block(index, rate, wait) for index, (rate, wait) in enumerate(zip(rates, shares, strict=True))
    )
    return Run(number, PROCESS, about, 1.7e9, 1.7e9 + 60, 0, 3, RunEnd.FINISHED, "finished", 10.0, blocks)


def report(second: int, scene: Scene = HEALTHY, *, ended: Ended | None = None) -> Report:
    """Return what a monitor says in one second of a scene; the first is the start of a block."""
    sample = scene.sample(second)
    if ended is not None:
        sample = replace(sample, trainings=(replace(sample.trainings[0], ended=ended),))
    return Report(sample, Attachment(AttachState.ATTACHED, "attached"))
