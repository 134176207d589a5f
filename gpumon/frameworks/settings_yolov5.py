"""The settings of a YOLOv5 training, each with its source: opt.yaml, argv, or the version's defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gpumon.advice.knobs import yolov5
from gpumon.advice.knobs.option import Option, OptionValue, Parsed, find_option
from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.run_directory import RunDirectory
from gpumon.frameworks.yaml_file import Plain, read_yaml
from gpumon.model.measure import Maybe, Missing
from gpumon.model.training import Setting, Settings

_UNKNOWN_RESUME = Missing("it resumes a run whose opt.yaml was not found")
_AUTOBATCH = re.compile(r"AutoBatch: .{0,20}?[Uu]sing batch-size (\d+) for")


@dataclass(frozen=True, slots=True)
class Yolov5Sources:
    """What is known of a YOLOv5 training's settings before they are resolved.

    `parsed` is its command line (None where argv is not train.py's), `run` its run directory. `version`
    is as of gpumon.advice.knobs.yolov5; `version_is_known` False where it is a guess.
    """

    version: str
    task: yolov5.Task = "detect"
    parsed: Parsed | None = None
    run: RunDirectory | None = None
    hyp: Mapping[str, Plain] = field(default_factory=dict)
    version_is_known: bool = True
    pin_memory: str | None = None

    @property
    def options(self) -> tuple[Option, ...]:
        """The options of its train.py."""
        return yolov5.options(self.version, self.task)

    @property
    def is_resumed(self) -> bool:
        """Whether argv says --resume: then the other flags in argv count for nothing."""
        return bool(_given(self.parsed, "resume"))


def read_hyp(files: FileView, run: RunDirectory | None) -> dict[str, Plain]:
    """Return the hyperparameters of a run: hyp.yaml, else the ones within opt.yaml."""
    if run is None:
        return {}
    hyp = read_yaml(files, f"{run.path}/hyp.yaml")
    if not isinstance(hyp, Missing):
        return hyp
    within = run.settings.get("hyp")
    return within if isinstance(within, dict) else {}


def read_settings(sources: Yolov5Sources) -> Settings:
    """Return the settings as the training was told them; workers and AutoBatch are resolved elsewhere."""
    old = sources.version == "v5.0"
    optimizer = _setting(sources, "optimizer")
    if isinstance(optimizer, Missing) and optimizer != _UNKNOWN_RESUME:
        adam = _setting(sources, "adam")
        if isinstance(adam, Setting):
            optimizer = Setting("Adam" if adam.value else "SGD", adam.source)
    cache = _setting(sources, "cache_images" if old else "cache")
    if old and isinstance(cache, Setting):
        cache = Setting("ram" if cache.value else None, cache.source)
    workers = _setting(sources, "workers")
    return Settings(
        batch_size=_batch_size(sources),
        workers=workers,
        workers_asked=workers,
        imgsz=_setting(sources, "img_size" if old else "imgsz"),
        epochs=_setting(sources, "epochs"),
        cache=cache,
        device=_setting(sources, "device"),
        optimizer=optimizer,
        weights=_setting(sources, "model" if sources.task == "classify" else "weights"),
        cfg=_setting(sources, "cfg"),
        data=_setting(sources, "data"),
        resume=_resume(sources),
        multi_scale=_setting(sources, "multi_scale"),
        image_weights=_setting(sources, "image_weights"),
        lr0=_lr0(sources),
        pin_memory=_pin_memory(sources),
        amp=Missing("YOLOv5 has no such setting: it decides by itself"),
    )


def fit_of_argv(parsed: Parsed | None, options: Sequence[Option], settings: Mapping[str, Plain]) -> int:
    """Tell how well the settings of a run directory fit a command line.

    0 where argv asks for something else, else 1 and one more for each setting that agrees: what argv
    leaves out should have its default, but people edit these in train.py. Paths are left out (YOLOv5
    resolves them), and so is everything where argv resumes another run.
    """
    if parsed is None or _given(parsed, "resume"):
        return 1
    fit = 1
    for dest in ("epochs", "batch_size", "workers", "device", "optimizer", "imgsz"):
        option, last, written = find_option(options, dest), parsed.last(dest), settings.get(dest)
        if dest == "batch_size" and "total_batch_size" in settings:
            written = settings["total_batch_size"]
        if option is None or written is None:
            continue
        asked = option.default if last is None else last.value
        if str(asked) == str(written) or (dest == "imgsz" and _is_rounded_up(asked, written)):
            fit += 1
        elif last is not None:
            return 0
    return fit


def autobatch_in(log: str) -> int | None:
    """Return the batch that AutoBatch chose according to a log; None where it is not told, or told twice."""
    found = {int(number) for number in _AUTOBATCH.findall(log)}
    return found.pop() if len(found) == 1 else None


def _is_rounded_up(asked: OptionValue, written: Plain) -> bool:
    """Tell whether an image size is the asked one, rounded up to a multiple of the stride (at most 64)."""
    return isinstance(asked, int) and isinstance(written, int) and 0 <= written - asked < 64


def _given(parsed: Parsed | None, dest: str) -> OptionValue:
    last = parsed.last(dest) if parsed is not None else None
    return None if last is None else last.value


def _setting(sources: Yolov5Sources, dest: str) -> Maybe[Setting]:
    run = sources.run
    if run is not None and dest in run.settings:
        return _as_setting(run.settings[dest], "opt.yaml")
    if sources.is_resumed:
        return _UNKNOWN_RESUME
    option = find_option(sources.options, dest)
    if sources.parsed is not None:
        last = sources.parsed.last(dest)
        if last is not None:
            return _as_setting(last.value, "argv")
    if option is None:
        return Missing(f"YOLOv5 {sources.version} has no such setting")
    return _as_setting(option.default, _default_of(sources))


def _as_setting(value: OptionValue | Plain, source: str) -> Maybe[Setting]:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    if isinstance(value, (list, dict, tuple)):
        return Missing(f"{source} holds no plain value")
    return Setting(value, source)


def _batch_size(sources: Yolov5Sources) -> Maybe[Setting]:
    # v5.0 writes the batch of one rank as batch_size under DDP, and the total beside it.
    total = None if sources.run is None else sources.run.settings.get("total_batch_size")
    if isinstance(total, int):
        return Setting(total, "opt.yaml")
    batch = _setting(sources, "batch_size")
    if isinstance(batch, Setting) and isinstance(batch.value, int) and batch.value < 1:
        return Missing("AutoBatch chooses it (--batch-size -1): only the log tells which")
    return batch


def _resume(sources: Yolov5Sources) -> Maybe[Setting]:
    value = _given(sources.parsed, "resume")
    if value is None:
        return _setting(sources, "resume")
    return _as_setting(value, "argv")


def _lr0(sources: Yolov5Sources) -> Maybe[Setting]:
    if sources.task == "classify":
        return _setting(sources, "lr0")
    value = sources.hyp.get("lr0")
    if isinstance(value, (int, float)):
        return Setting(value, "hyp.yaml")
    return Missing("hyp.yaml was not found")


def _pin_memory(sources: Yolov5Sources) -> Maybe[Setting]:
    """Return PIN_MEMORY as v7.0 and later read it; older versions always pin."""
    if sources.pin_memory is not None and yolov5.at_least(sources.version, "v7.0"):
        return Setting(sources.pin_memory.lower() == "true", "environment PIN_MEMORY")
    return Setting(True, _default_of(sources))


def _default_of(sources: Yolov5Sources) -> str:
    version = f"YOLOv5 {sources.version}"
    return f"default of {version}" if sources.version_is_known else f"likely default, if this is {version}"
