"""The settings of ultralytics' command line `yolo TASK MODE key=value ...`.

Source: ultralytics/cfg/default.yaml and ultralytics/cfg/__init__.py of 8.4. Only names and defaults.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TASKS = ("detect", "segment", "semantic", "depth", "classify", "pose", "obb")
MODES = ("train", "val", "predict", "export", "track", "benchmark")

# The keys that concern gpumon, with the defaults of 8.x: key, default.
DEFAULTS: tuple[tuple[str, int | float | str | bool | None], ...] = (
    ("model", None),
    ("data", None),
    ("epochs", 100),
    ("batch", 16),
    ("imgsz", 640),
    ("cache", False),
    ("device", None),
    ("workers", 8),
    ("project", None),
    ("name", None),
    ("exist_ok", False),
    ("optimizer", "auto"),
    ("resume", False),
    ("multi_scale", 0.0),
    ("lr0", 0.01),
    ("amp", True),
)
# Which key of ours is which of theirs.
KEYS = {
    "batch_size": "batch",
    "workers": "workers",
    "imgsz": "imgsz",
    "epochs": "epochs",
    "cache": "cache",
    "device": "device",
    "optimizer": "optimizer",
    "weights": "model",
    "data": "data",
    "resume": "resume",
    "multi_scale": "multi_scale",
    "lr0": "lr0",
    "amp": "amp",
}
# What a resumed run takes from the command line (check_resume in engine/trainer.py): since 8.4 also workers
# and cache (pull request 22903, December 2025), from 8.1 on imgsz and batch; older ones are not known.
_KEPT_SINCE: tuple[tuple[tuple[int, int], frozenset[str]], ...] = (
    ((8, 4), frozenset({"imgsz", "batch", "device", "workers", "cache"})),
    ((8, 1), frozenset({"imgsz", "batch"})),
)
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_SWITCHES = frozenset(key for key, default in DEFAULTS if isinstance(default, bool))


@dataclass(frozen=True, slots=True)
class Pair:
    """One `key=value` as it was given: `arguments[start:stop]`."""

    key: str
    value: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class YoloArguments:
    """A `yolo` command line: its task and mode (empty where not said) and its pairs, the last one wins."""

    task: str
    mode: str
    pairs: tuple[Pair, ...]

    def last(self, key: str) -> Pair | None:
        """Return the winning pair of `key`."""
        for pair in reversed(self.pairs):
            if pair.key == key:
                return pair
        return None


def read_arguments(arguments: Sequence[str]) -> YoloArguments:
    """Read what stands after `yolo`; spaces around `=`, leading dashes, trailing commas as it does."""
    task = mode = ""
    pairs: list[Pair] = []
    position = 0
    while position < len(arguments):
        pair = _pair(arguments, position)
        word = arguments[position].removeprefix("--").removesuffix(",")
        if pair is not None:
            pairs.append(pair)
            task = pair.value if pair.key == "task" else task
            mode = pair.value if pair.key == "mode" else mode
            position = pair.stop
            continue
        if word in TASKS:
            task = word
        elif word in MODES:
            mode = word
        elif word in _SWITCHES:
            pairs.append(Pair(word, "True", position, position + 1))
        position += 1
    return YoloArguments(task, mode, tuple(pairs))


def _pair(arguments: Sequence[str], start: int) -> Pair | None:
    """Read the pair that begins at `start`: `key=value`, `key= value`, `key =value` or `key = value`."""
    text, stop = arguments[start], start + 1
    following = arguments[stop] if stop < len(arguments) else ""
    if "=" not in text and following.startswith("="):
        text, stop = text + following, stop + 1
        following = arguments[stop] if stop < len(arguments) else ""
    if text.endswith("=") and text.count("=") == 1 and stop < len(arguments) and "=" not in following:
        text, stop = text + following, stop + 1
    while text.count("[") > text.count("]") and stop < len(arguments):
        text, stop = text + arguments[stop], stop + 1
    key, equals, value = text.removeprefix("--").removesuffix(",").partition("=")
    return Pair(key, value, start, stop) if equals and key else None


def kept_on_resume(version: str | None) -> frozenset[str]:
    """Return the keys of the command line that a resumed run takes; few where the version is not known."""
    numbers = _VERSION.match(version or "8.1")
    found = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    return next((keys for since, keys in _KEPT_SINCE if found >= since), frozenset())


def ignored_on_resume(key: str, version: str | None) -> str:
    """Return the reason why a resumed run does not take `key`, in words."""
    if version is None:
        return f"whether its version of ultralytics takes {key}= when it resumes is not known"
    return f"ultralytics {version} ignores {key}= when it resumes"
