"""What a recording is of: who made it, where, when, and of which training."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from gpumon.model.clock import Instant
from gpumon.model.measure import known
from gpumon.model.report import Report
from gpumon.model.training import Setting, Training

# The layout of the file. A reader takes this one and older ones.
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class About:
    """The metadata of a recording.

    What is not known when it begins (driver, GPUs, training) is filled in from the first report that has
    it. `command` is the argv of the first training, `settings` what it really uses, as (name, value).
    `options` are settings of gpumon itself that a diagnosis depends on, as (name, value). `prior` is what
    earlier runs taught, `truth` the label and true figures of a laboratory recording: JSON, or empty.
    """

    started: Instant
    hostname: str
    interval_seconds: float
    gpumon_version: str
    schema: int = SCHEMA
    driver_version: str = ""
    gpu_names: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    simulated: bool = False
    prior: str = ""
    truth: str = ""


def completed(about: About, report: Report) -> About:
    """Return `about` with what this report is the first to know."""
    sample = report.sample
    trainings = tuple(reading.training for reading in sample.trainings)
    frameworks = dict.fromkeys((*about.frameworks, *(training.framework for training in trainings)))
    simulated = sample.driver.simulated or any(gpu.simulated for gpu in sample.gpus)
    found = replace(
        about,
        driver_version=about.driver_version or known(sample.driver.driver_version) or "",
        gpu_names=about.gpu_names or tuple(gpu.name for gpu in sample.gpus),
        command=about.command or (trainings[0].command if trainings else ()),
        frameworks=tuple(frameworks),
        settings=about.settings or (_settings(trainings[0]) if trainings else ()),
        simulated=about.simulated or simulated or any(training.simulated for training in trainings),
    )
    return about if found == about else found


def _settings(training: Training) -> tuple[tuple[str, str], ...]:
    """Return the settings that are known, as text."""
    pairs = ((field.name, getattr(training.settings, field.name)) for field in fields(training.settings))
    return tuple((name, str(setting.value)) for name, setting in pairs if isinstance(setting, Setting))
