"""The flags that PyTorch trainings of any kind commonly have for batch size and workers.

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
}
_SHORT = {"workers": ("-j",), "batch_size": ("-b",)}
# Detectron2 and its kin: pairs of words.
_WORDS = {"workers": ("DATALOADER.NUM_WORKERS",), "batch_size": ("SOLVER.IMS_PER_BATCH",)}
_KEY = re.compile(r"[+~]{0,2}([A-Za-z_][\w.\-]*)=")
_NUMBER = re.compile(r"-?\d+$")


@dataclass(frozen=True, slots=True)
class FlagFound:
    """A flag with a number in `arguments`: the number stands in `arguments[at]` after `prefix`."""

    spelled: str
    at: int
    prefix: str
    value: int


def find_flag(arguments: Sequence[str], setting: str) -> FlagFound | None:
    """Return the last flag in `arguments` that sets `setting` to a whole number, or None."""
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
        if argument.startswith(short) and _NUMBER.match(argument[len(short) :]):
            return FlagFound(short, position, short, int(argument[len(short) :]))
    is_flag = argument in _SHORT.get(setting, ()) or argument in _WORDS.get(setting, ())
    if (is_flag or _is_long(argument, setting)) and position + 1 < len(arguments):
        value = arguments[position + 1]
        if _NUMBER.match(value):
            return FlagFound(argument, position + 1, "", int(value))
    return None


def _inline(argument: str, name: str, rest: str, position: int, setting: str) -> FlagFound | None:
    key = _KEY.match(argument)
    leaf = key[1].rsplit(".", 1)[-1] if key else ""
    is_flag = _is_long(name, setting) or name in _SHORT.get(setting, ())
    is_key = leaf != "" and _plain(leaf) in _LONG.get(setting, ())
    if (is_flag or is_key) and _NUMBER.match(rest):
        return FlagFound(name, position, f"{name}=", int(rest))
    return None


def _is_long(flag: str, setting: str) -> bool:
    """Tell whether `flag` is a long flag of `setting`, as `--num_workers` or `--data.num_workers`."""
    if not flag.startswith("--"):
        return False
    names = _LONG.get(setting, frozenset())
    return _plain(flag) in names or _plain(flag.rsplit(".", 1)[-1]) in names


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
