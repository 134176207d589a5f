"""The options of YOLOv5's train.py, version by version.

Source: the add_argument calls of ultralytics/yolov5 at the tags v5.0, v6.0, v6.1, v6.2, v7.0 and master
(2026-08), and of the package yolov5 on PyPI (7.0.14). Only names, types and defaults, as facts.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from gpumon.advice.knobs.option import Option, OptionValue

Task = Literal["detect", "segment", "classify"]

VERSIONS = ("v5.0", "v6.0", "v6.1", "v6.2", "v7.0", "master")
# Where argv has to tell the version, the most widespread is tried first.
LIKELIEST_FIRST = ("v7.0", "master", "v6.2", "v6.1", "v6.0", "v5.0")


@lru_cache(maxsize=32)
def options(version: str, task: Task = "detect") -> tuple[Option, ...]:
    """Return the options of `train.py` of `version` ("v7.0", "master", "pypi 7.0.14" ...).

    An unknown version gets the options of v7.0.
    """
    base = base_version(version)
    if task == "classify":
        table = _CLASSIFY
    elif base == "v5.0":
        table = _V5_0
    else:
        table = _detect(base)
        if task == "segment":
            table = _for_segments(table)
    if not version.startswith("pypi"):
        return table
    return (*table, *_PYPI) if base == "v7.0" else (*table, *_PYPI, *_switch("mmdet_tags"))


def base_version(version: str) -> str:
    """Return which of VERSIONS `version` behaves like."""
    if version in VERSIONS:
        return version
    number = version.removeprefix("pypi").strip().lstrip("v")
    # The PyPI package runs ahead of its number: its 6.1.9 has the options of v6.2.
    for start, base in (("5.", "v6.0"), ("6.0", "v6.0"), ("6.", "v6.2"), ("7.", "v7.0")):
        if number.startswith(start):
            return base
    return "v7.0"


def at_least(version: str, other: str) -> bool:
    """Tell whether `version` behaves like `other` or a later one."""
    return VERSIONS.index(base_version(version)) >= VERSIONS.index(other)


def _switch(*names: str) -> tuple[Option, ...]:
    return tuple(Option((f"--{name}",), name.replace("-", "_"), nargs="0", default=False) for name in names)


def _text(name: str, default: OptionValue = "") -> Option:
    return Option((f"--{name}",), name.replace("-", "_"), default=default)


def _whole(name: str, default: OptionValue) -> Option:
    return Option((f"--{name}",), name.replace("-", "_"), "int", default=default)


def _real(name: str, default: OptionValue) -> Option:
    return Option((f"--{name}",), name.replace("-", "_"), "float", default=default)


_RESUME = Option(("--resume",), "resume", nargs="?", default=False, const=True)
_EVOLVE = Option(("--evolve",), "evolve", "int", "?", const=300)
_CACHE = Option(("--cache",), "cache", nargs="?", const="ram")
_FREEZE = Option(("--freeze",), "freeze", "int", "+", default=(0,))


def _imgsz(default: int) -> Option:
    return Option(("--imgsz", "--img", "--img-size"), "imgsz", "int", default=default)


def _optimizer(default: str, *choices: str) -> Option:
    return Option(("--optimizer",), "optimizer", default=default, choices=choices)


_V5_0: tuple[Option, ...] = (
    _text("weights", "yolov5s.pt"),
    _text("cfg"),
    _text("data", "data/coco128.yaml"),
    _text("hyp", "data/hyp.scratch.yaml"),
    _whole("epochs", 300),
    _whole("batch-size", 16),
    Option(("--img-size",), "img_size", "int", "+", default=(640, 640)),
    *_switch("rect"),
    _RESUME,
    *_switch("nosave", "notest", "noautoanchor", "evolve"),
    _text("bucket"),
    *_switch("cache-images", "image-weights"),
    _text("device"),
    *_switch("multi-scale", "single-cls", "adam", "sync-bn"),
    _whole("local_rank", -1),
    _whole("workers", 8),
    _text("project", "runs/train"),
    _text("entity", None),
    _text("name", "exp"),
    *_switch("exist-ok", "quad", "linear-lr"),
    _real("label-smoothing", 0.0),
    *_switch("upload_dataset"),
    _whole("bbox_interval", -1),
    _whole("save_period", -1),
    _text("artifact_alias", "latest"),
)


def _detect(base: str) -> tuple[Option, ...]:
    old = base == "v6.0"
    new = base in ("v7.0", "master")
    table = [
        _text("weights", "yolov5s.pt"),
        _text("cfg"),
        _text("data", "data/coco128.yaml"),
        _text("hyp", f"data/hyps/hyp.scratch{'' if old else '-low'}.yaml"),
        _whole("epochs", 100 if new else 300),
        _whole("batch-size", 16),
        _imgsz(640),
        *_switch("rect"),
        _RESUME,
        *_switch("nosave", "noval", "noautoanchor"),
        _EVOLVE,
        _text("bucket"),
        _CACHE,
        *_switch("image-weights"),
        _text("device"),
        *_switch("multi-scale", "single-cls", "sync-bn"),
        _whole("workers", 8),
        _text("project", "runs/train"),
        _text("name", "exp"),
        *_switch("exist-ok", "quad"),
        _real("label-smoothing", 0.0),
        _whole("patience", 100),
        _whole("save-period", -1),
        _whole("local_rank", -1),
        _text("entity", None),
        _whole("bbox_interval", -1),
    ]
    if old:
        table += [*_switch("adam", "linear-lr", "upload_dataset"), _whole("freeze", 0)]
    else:
        table += [_optimizer("SGD", "SGD", "Adam", "AdamW"), *_switch("cos-lr"), _FREEZE]
        table += [Option(("--upload_dataset",), "upload_dataset", nargs="?", default=False, const=True)]
    if base in ("v6.2", "v7.0", "master"):
        table += [*_switch("noplots"), _whole("seed", 0)]
    if base == "master":
        table += [_text("evolve_population", "data/hyps"), _text("resume_evolve", None)]
    else:
        table += [_text("artifact_alias", "latest")]
    return tuple(table)


# wandb's options are only in the detector's train.py.
_NOT_FOR_SEGMENTS = {
    "entity",
    "upload_dataset",
    "bbox_interval",
    "artifact_alias",
    "evolve_population",
    "resume_evolve",
}


def _for_segments(table: tuple[Option, ...]) -> tuple[Option, ...]:
    kept = tuple(option for option in table if option.dest not in _NOT_FOR_SEGMENTS)
    return (*kept, _whole("mask-ratio", 4), *_switch("no-overlap"))


_CLASSIFY: tuple[Option, ...] = (
    _text("model", "yolov5s-cls.pt"),
    _text("data", "imagenette160"),
    _whole("epochs", 10),
    _whole("batch-size", 64),
    _imgsz(224),
    *_switch("nosave"),
    _CACHE,
    _text("device"),
    _whole("workers", 8),
    _text("project", "runs/train-cls"),
    _text("name", "exp"),
    *_switch("exist-ok"),
    Option(("--pretrained",), "pretrained", nargs="?", default=True, const=True),
    _optimizer("Adam", "SGD", "Adam", "AdamW", "RMSProp"),
    _real("lr0", 0.001),
    _real("decay", 5e-5),
    _real("label-smoothing", 0.1),
    _whole("cutoff", None),
    _real("dropout", None),
    *_switch("verbose"),
    _whole("seed", 0),
    _whole("local_rank", -1),
)

_PYPI: tuple[Option, ...] = (
    _text("neptune_token", None),
    _text("neptune_project", None),
    _text("neptune_resume_id", None),
    _text("s3_upload_dir", None),
    _text("hf_model_id", None),
    _text("hf_token", None),
    *_switch("hf_private"),
    _text("hf_dataset_id", None),
    _text("roboflow_token", None),
    *_switch("roboflow_upload"),
)
