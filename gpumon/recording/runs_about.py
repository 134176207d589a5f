"""What a run is: taken from a sample, and to and from the text that the database keeps."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from typing import Any

from gpumon.advice.prior import Value
from gpumon.model.measure import Missing, known
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.text import clean
from gpumon.model.training import Setting, Settings
from gpumon.recording.runs_run import RunAbout, RunSetting

_TEXT_CHARACTERS = 300
_PATH_CHARACTERS = 4096
_ARGUMENTS = 200
_COMMAND_CHARACTERS = 1 << 14
_ITEMS = 64
# What is read back is bounded too: a file can be anybody's.
MAX_ABOUT_CHARACTERS = 1 << 20


class AboutError(Exception):
    """The text is no description of a run, in one sentence."""


def about_run(
    sample: Sample, reading: TrainingReading, rate_source: str | None, wait_source: str | None
) -> RunAbout:
    """Return what the training is by its newest reading."""
    training = reading.training
    gpus = reading.gpus(sample.gpus)
    totals = [known(gpu.gpu_memory_total_bytes) for gpu in gpus]
    return RunAbout(
        framework=clean(training.framework, _TEXT_CHARACTERS),
        name=clean(training.name, _TEXT_CHARACTERS),
        hostname=clean(sample.hostname, _TEXT_CHARACTERS),
        simulated=training.simulated or any(gpu.simulated for gpu in gpus),
        world_size=training.world_size,
        command=_command(training.command),
        settings=_settings(training.settings),
        environment=tuple(
            (clean(name, _TEXT_CHARACTERS), clean(value, _TEXT_CHARACTERS))
            for name, value in training.environment[:_ITEMS]
        ),
        framework_version=_text(training.framework_version, _TEXT_CHARACTERS),
        directory=_text(training.command_directory, _PATH_CHARACTERS),
        run_dir=_text(training.run_dir, _PATH_CHARACTERS),
        gpus=tuple(clean(gpu.name, _TEXT_CHARACTERS) for gpu in gpus),
        gpu_memory_total_bytes=None if not totals or None in totals else sum(total or 0 for total in totals),
        driver_version=_text(sample.driver.driver_version, _TEXT_CHARACTERS),
        usable_cores=_finite(known(reading.usable_cores)),
        epochs=known(reading.progress.epochs),
        rate_source=None if rate_source is None else clean(rate_source, _TEXT_CHARACTERS),
        wait_source=None if wait_source is None else clean(wait_source, _TEXT_CHARACTERS),
    )


def about_text(about: RunAbout) -> str:
    """Return the description as one line of JSON."""
    return json.dumps(asdict(about), ensure_ascii=False, separators=(",", ":"))


def read_about(text: str) -> RunAbout:
    """Return the description that `about_text` wrote. Raises AboutError for anything else."""
    if len(text) > MAX_ABOUT_CHARACTERS:
        raise AboutError("a description of a run is too long")
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise AboutError("a description of a run is not an object")
        known_names = {field.name for field in fields(RunAbout)}
        return RunAbout(**{name: _READ[name](found[name]) for name in found if name in known_names})
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise AboutError(f"a description of a run cannot be understood: {clean(str(error), 100)}") from None


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a command line, as many as fit into what is kept of one."""
    kept: list[str] = []
    characters = 0
    for word in words[:_ARGUMENTS]:
        cleaned = clean(word, _PATH_CHARACTERS)
        characters += len(cleaned)
        if characters > _COMMAND_CHARACTERS:
            break
        kept.append(cleaned)
    return tuple(kept)


def _settings(settings: Settings) -> tuple[RunSetting, ...]:
    found = []
    for field in fields(Settings):
        setting = getattr(settings, field.name)
        if isinstance(setting, Setting):
            value = setting.value
            if isinstance(value, str):
                value = clean(value, _TEXT_CHARACTERS)
            elif isinstance(value, float) and not math.isfinite(value):
                value = str(value)
            found.append(RunSetting(field.name, value, clean(setting.source, _TEXT_CHARACTERS)))
    return tuple(found)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _text(value: str | Missing, limit: int) -> str | None:
    return None if isinstance(value, Missing) else clean(value, limit)


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise AboutError("a description of a run has no text where one belongs")
    return clean(value, _PATH_CHARACTERS)


def _read_maybe_text(value: Any) -> str | None:
    return None if value is None else _read_text(value)


def _read_whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise AboutError("a description of a run has no whole number where one belongs")
    return value


def _read_maybe_whole(value: Any) -> int | None:
    return None if value is None else _read_whole(value)


def _read_maybe_number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise AboutError("a description of a run has no number where one belongs")
    return float(value)


def _read_value(value: Any) -> Value:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return _read_text(value)


def _read_texts(value: Any) -> tuple[str, ...]:
    return tuple(_read_text(item) for item in value[:_ARGUMENTS])


def _read_pairs(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((_read_text(name), _read_text(text)) for name, text in value[:_ITEMS])


def _read_settings(value: Any) -> tuple[RunSetting, ...]:
    return tuple(
        RunSetting(_read_text(item["name"]), _read_value(item["value"]), _read_text(item["source"]))
        for item in value[:_ITEMS]
    )


_READ: dict[str, Any] = {
    "framework": _read_text,
    "name": _read_text,
    "hostname": _read_text,
    "simulated": bool,
    "world_size": _read_whole,
    "command": _read_texts,
    "settings": _read_settings,
    "environment": _read_pairs,
    "framework_version": _read_maybe_text,
    "directory": _read_maybe_text,
    "run_dir": _read_maybe_text,
    "gpus": _read_texts,
    "gpu_memory_total_bytes": _read_maybe_whole,
    "driver_version": _read_maybe_text,
    "usable_cores": _read_maybe_number,
    "epochs": _read_maybe_whole,
    "rate_source": _read_maybe_text,
    "wait_source": _read_maybe_text,
}
