"""The settings of an ultralytics training: args.yaml, its key=value arguments, or the defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpumon.advice.knobs import ultralytics
from gpumon.advice.knobs.ultralytics import YoloArguments
from gpumon.frameworks.run_directory import RunDirectory
from gpumon.frameworks.yaml_file import Plain
from gpumon.model.measure import Maybe, Missing
from gpumon.model.training import Setting, Settings

_NUMBER = re.compile(
    r"[+-]?(\d{1,18}|\d{0,18}\.\d{1,18}|\d{1,18}\.)(e[+-]?\d{1,3})?$", re.ASCII | re.IGNORECASE
)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "none": None}
_DEFAULTS = dict(ultralytics.DEFAULTS)


def read_settings(arguments: YoloArguments | None, run: RunDirectory | None) -> Settings:
    """Return the settings as the training was told them; the effective workers are resolved elsewhere.

    `arguments` is None where the training was started from a script, whose code is not read.
    """

    def get(key: str) -> Maybe[Setting]:
        return _setting(key, arguments, run)

    workers = get("workers")
    cache, optimizer = get("cache"), get("optimizer")
    if isinstance(cache, Setting) and isinstance(cache.value, bool):
        cache = Setting("ram" if cache.value else None, cache.source)
    return Settings(
        batch_size=_batch_size(get("batch")),
        workers=workers,
        workers_asked=workers,
        imgsz=get("imgsz"),
        epochs=get("epochs"),
        cache=cache,
        device=get("device"),
        optimizer=optimizer,
        weights=get("model"),
        cfg=Missing("ultralytics takes it from the model"),
        data=get("data"),
        resume=get("resume"),
        multi_scale=get("multi_scale"),
        image_weights=Setting(False, "ultralytics has no such setting"),
        lr0=Missing("optimizer=auto chooses it") if _is_auto(optimizer) else get("lr0"),
        pin_memory=Setting(True, "default of ultralytics"),
        amp=get("amp"),
    )


def arguments_agree(arguments: YoloArguments | None, settings: Mapping[str, Plain]) -> bool:
    """Tell whether an args.yaml is that of a training with `arguments`."""
    if settings.get("mode") != "train" or "imgsz" not in settings:
        return False
    if arguments is None:
        return True
    for key in ("epochs", "batch", "workers", "imgsz"):
        pair, written = arguments.last(key), settings.get(key)
        if pair is not None and written is not None and str(plain(pair.value)) != str(written):
            return False
    return True


def plain(text: str) -> int | float | str | bool | None:
    """Return the value that ultralytics reads from the text of a `key=value`."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.match(text):
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    return text


def _setting(key: str, arguments: YoloArguments | None, run: RunDirectory | None) -> Maybe[Setting]:
    if run is not None and key in run.settings:
        value = run.settings[key]
        if isinstance(value, list):
            value = ",".join(str(item) for item in value) if key == "device" else (value or [None])[0]
        if isinstance(value, (list, dict)):
            return Missing("args.yaml holds no plain value")
        return Setting(value, "args.yaml")
    if arguments is None:
        return Missing("it is set in the script's code and its args.yaml was not found")
    pair = arguments.last(key)
    if pair is not None:
        return Setting(plain(pair.value), "argv")
    return Setting(_DEFAULTS.get(key), "default of ultralytics")


def _is_auto(optimizer: Maybe[Setting]) -> bool:
    return isinstance(optimizer, Setting) and optimizer.value == "auto"


def _batch_size(batch: Maybe[Setting]) -> Maybe[Setting]:
    if isinstance(batch, Setting) and isinstance(batch.value, (int, float)) and batch.value < 1:
        return Missing(f"AutoBatch chooses it (batch={batch.value}): only the log tells which")
    return batch
