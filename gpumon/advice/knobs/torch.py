"""The flags that PyTorch trainings of any kind commonly have for batch size, workers and learning rate.

There is no standard: these are the spellings of pytorch/examples, torchvision's references, timm, mmcv,
fairseq, Hugging Face, Lightning's CLI, Detectron2 and Hydra projects. A flag is only ever rewritten where
argv already carries it with a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# setting: the long flags (compared without dashes and underscores), short flags.
_LONG = {
    "workers": frozenset(
        {
            "workers",
            "numworkers",
            "nworkers",
            "nworker",
            "numworker",
            "dataworkers",
            "loaderworkers",
            "dataloadernumworkers",
            "dataloaderworkers",
            "numdataworkers",
            "workerspergpu",
            "numworkerspergpu",
        }
    ),
    "batch_size": frozenset(
        {
            "batchsize",
            "batch",
            "bs",
            "bsz",
            "trainbatchsize",
            "batchsizetrain",
            "trainbs",
            "perdevicetrainbatchsize",
            "batchsizepergpu",
            "samplespergpu",
        }
    ),
    "imgsz": frozenset({"imgsz", "imgsize", "imagesize", "inputsize", "imagesz"}),
    "epochs": frozenset({"epochs", "numepochs", "nepochs", "maxepochs", "numtrainepochs"}),
    "lr0": frozenset({"lr", "lr0", "learningrate", "baselr"}),
}
_SHORT = {"workers": ("-j",), "batch_size": ("-b",)}
# Words that stand alone before their number: Detectron2's and its kin's, and -lr of older scripts.
_WORDS = {
    "workers": ("DATALOADER.NUM_WORKERS",),
    "batch_size": ("SOLVER.IMS_PER_BATCH",),
    "lr0": ("-lr", "SOLVER.BASE_LR"),
}
_KEY = re.compile(r"[+~]{0,2}([A-Za-z_][\w.\-]*)=")
# More digits are no setting, and int() refuses thousands of them.
_NUMBER = re.compile(r"-?\d{1,18}$")
_DECIMAL = re.compile(r"[-+]?(?:\d{1,18}\.?\d{0,40}|\.\d{1,40})(?:[eE][-+]?\d{1,3})?$")
_WITH_DECIMALS = frozenset({"lr0"})


@dataclass(frozen=True, slots=True)
class FlagFound:
    """A flag with a number in `arguments`: the number stands in `arguments[at]` after `prefix`.

    `value` is whole but for a learning rate.
    """

    spelled: str
    at: int
    prefix: str
    value: int | float


def find_flag(arguments: Sequence[str], setting: str) -> FlagFound | None:
    """Return the last flag in `arguments` that sets `setting` to a number, or None.

    The number of a learning rate ("lr0") may have decimals, all others are whole.
    """
    for position in range(len(arguments) - 1, -1, -1):
        found = _at(arguments, position, setting)
        if found is not None:
            return found
    return None


def _at(arguments: Sequence[str], position: int, setting: str) -> FlagFound | None:
    argument = arguments[position]
    name, equals, rest = argument.partition("=")
    if equals:
        return _inline(argument, name, rest, position, setting)
    for short in _SHORT.get(setting, ()):
        value = _number(argument[len(short) :], setting) if argument.startswith(short) else None
        if value is not None:
            return FlagFound(short, position, short, value)
    is_flag = argument in _SHORT.get(setting, ()) or argument in _WORDS.get(setting, ())
    if (is_flag or _is_long(argument, setting)) and position + 1 < len(arguments):
        value = _number(arguments[position + 1], setting)
        if value is not None:
            return FlagFound(argument, position + 1, "", value)
    return None


def _inline(argument: str, name: str, rest: str, position: int, setting: str) -> FlagFound | None:
    key = _KEY.match(argument)
    leaf = key[1].rsplit(".", 1)[-1] if key else ""
    is_flag = name in _SHORT.get(setting, ()) or name in _WORDS.get(setting, ())
    is_key = leaf != "" and _plain(leaf) in _LONG.get(setting, ())
    value = _number(rest, setting) if is_flag or is_key or _is_long(name, setting) else None
    return None if value is None else FlagFound(name, position, f"{name}=", value)


def _number(text: str, setting: str) -> int | float | None:
    if setting in _WITH_DECIMALS:
        return float(text) if _DECIMAL.match(text) else None
    return int(text) if _NUMBER.match(text) else None


def _is_long(flag: str, setting: str) -> bool:
    """Tell whether `flag` is a long flag of `setting`, as `--num_workers` or `--data.num_workers`."""
    if not flag.startswith("--"):
        return False
    names = _LONG.get(setting, frozenset())
    return _plain(flag) in names or _plain(flag.rsplit(".", 1)[-1]) in names


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
