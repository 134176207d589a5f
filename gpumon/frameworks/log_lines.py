"""What single lines of a YOLOv5 or ultralytics log say, from v5.0 to master."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class LineKind(str, Enum):
    """What a line tells about the training."""

    RUN_START = "run start"
    SCAN = "label scan"
    CACHE = "caching images"
    BATCH_SIZE = "batch size"
    AMP = "AMP checks"
    MODEL = "model summary"
    WORKERS = "dataloader workers"
    STARTING = "starting training"
    HEADER = "epoch header"
    TRAIN = "training bar"
    VALIDATE = "validation bar"
    EARLY_STOP = "early stop"
    COMPLETED = "epochs completed"


@dataclass(frozen=True, slots=True)
class Bar:
    """A progress bar: `done` of `total`, with what else it shows.

    `iterations_per_second` is the bar's own smoothed rate. v7.0 prints none.
    """

    done: int
    total: int
    elapsed_seconds: float | None = None
    iterations_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class TrainLine:
    """The training bar of an epoch.

    `epoch_label` and `last_label` are the two numbers as printed: YOLOv5 counts from 0 to epochs - 1,
    ultralytics and YOLOv5's classifier from 1 to epochs. `gpu_memory_gigabytes` is what PyTorch's
    allocator has reserved (10^9 bytes in YOLOv5, 2^30 in ultralytics), without the CUDA context.
    """

    epoch_label: int
    last_label: int
    gpu_memory_gigabytes: float
    losses: tuple[float, ...]
    instances: int | None
    imgsz: int | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that means something. `number` is its count: epochs, workers, parameters or the batch size.

    `passed` is set for AMP checks; `one_based` for headers of a classifier, whose epochs start at 1;
    `names` are the columns of a header after the GPU's memory.
    """

    kind: LineKind
    bar: Bar | None = None
    train: TrainLine | None = None
    number: int | None = None
    passed: bool | None = None
    one_based: bool = False
    names: tuple[str, ...] = ()


# tqdm:        "...:  38%|###8      | 15/40 [00:07<00:11,  2.6it/s]" (PyPI, v6), or "| 15/40 00:07" (v7.0)
# ultralytics: "...: 37% ━━━━──────── 15/40 2.6it/s 7.4s<9.4s" (also YOLOv5 master)
_BAR = re.compile(
    r"(?P<percent>\d{1,3})%(?:\|[^|]{0,400}\|| {1,3}[━─╸╺#=\->. ]{1,100}?)"
    r"\s{0,3}(?P<done>\d{1,12})/(?P<total>\d{1,12})(?![\d/])(?P<rest>.{0,200})"
)
_CLOCK = re.compile(r"(?<![\d:.])(?:(\d{1,6}):)?(\d{1,2}):(\d{2})(?![\d:])")
_SECONDS = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d)?)s(?=[<\s]|$)")
_RATE = re.compile(r"(?<![\d.])(\d{1,9}(?:\.\d{1,4})?)(it/s|s/it)")
_TRAIN = re.compile(r"\s*(\d{1,7})/(\d{1,7})\s+(\d[\d.]*(?:e[+-]?\d+)?)G((?:\s+\S+){0,16})\s*:?\s*$")
_VALIDATE = re.compile(r"\s*(?:Class\s+Images\s|classes\s+top1_acc\s)")
_CLASSIFY_VALIDATE = re.compile(r"(?:validating|testing)\s*:?\s*$")
_HEADER = re.compile(r"\s*Epoch\s+(?:GPU_mem|gpu_mem)\s")
_MOST_COLUMNS = 16
_STAGE = re.compile(r"(?:(?:train|val|test): )(?P<what>Scanning|Caching images)\b")
_RUN_START = re.compile(r"^(?:(?:segment/|classify/)?train: (?:weights|model)=|engine/trainer: |Namespace\()")
_WORKERS = re.compile(r"Using (\d{1,6}) dataloader workers")
_STARTING = re.compile(r"Starting (?:training|\S{1,80} training on .{1,300}) for (\d{1,9}) epochs")
_STARTING_HOURS = re.compile(r"^Starting training for [\d.]+ hours")
_COMPLETED = re.compile(r"(\d{1,9}) epochs completed in |Training complete \(")
_AUTOBATCH = re.compile(r"AutoBatch: .{0,300}?\b[Uu]sing (?:default )?(?:CPU )?batch-size (\d{1,9})")
_HALVED = re.compile(r"Reducing to batch=(\d{1,9}) and retrying")
_AMP = re.compile(r"AMP: checks (passed|failed)")
# "YOLOv5s summary: 214 layers, 7235389 parameters, 7235389 gradients": one without gradients is of a model
# that only validates. New versions of ultralytics part the thousands with commas.
_MODEL = re.compile(r"\b[Ss]ummary: \d{1,6} layers, (\d[\d,]{0,18}) parameters, (?!0\b)\d")
_EARLY_STOP = re.compile(
    r"(?:Stopping training early as no|Training stopped early as no|EarlyStopping patience \d)"
)


def parse_line(text: str) -> LogLine | None:
    """Return what a cleaned log line says, or None where it says nothing that is known here."""
    match = _BAR.search(text)
    if match is not None:
        return _of_bar(text[: match.start()], _bar(match))
    return _of_words(text[:500])


def is_whole_bar(text: str) -> bool:
    """Tell whether a line without its end holds a bar whose numbers are complete.

    A bar that was read while it was written may end within a number; one whose elapsed time is there
    does not.
    """
    match = _BAR.search(text)
    return match is not None and _elapsed(match["rest"]) is not None


def _bar(match: re.Match[str]) -> Bar:
    rest = match["rest"]
    rate = _RATE.search(rest)
    per_second: float | None = None
    if rate is not None:
        shown = float(rate[1])
        per_second = shown if rate[2] == "it/s" else (1 / shown if shown > 0 else None)
    return Bar(int(match["done"]), int(match["total"]), _elapsed(rest), per_second)


def _elapsed(rest: str) -> float | None:
    clock = _CLOCK.search(rest)
    seconds = _SECONDS.search(rest)
    if clock is not None and (seconds is None or clock.start() < seconds.start()):
        return int(clock[1] or 0) * 3600.0 + int(clock[2]) * 60.0 + int(clock[3])
    return float(seconds[1]) if seconds is not None else None


def _of_bar(description: str, bar: Bar) -> LogLine | None:
    stage = _STAGE.search(description)
    if stage is not None:
        kind = LineKind.SCAN if stage["what"] == "Scanning" else LineKind.CACHE
        return LogLine(kind, bar=bar)
    if _VALIDATE.match(description) or _CLASSIFY_VALIDATE.search(description):
        return LogLine(LineKind.VALIDATE, bar=bar)
    train = parse_description(description)
    return None if train is None else LogLine(LineKind.TRAIN, bar=bar, train=train)


def parse_description(description: str) -> TrainLine | None:
    """Return what stands before a training bar, or None where it is another bar's."""
    match = _TRAIN.fullmatch(description)
    if match is None:
        return None
    numbers = [_float(word) for word in match[4].rstrip(": ").split()]
    if any(value is None for value in numbers):
        return None
    values = [value for value in numbers if value is not None]
    instances: int | None = None
    imgsz: int | None = None
    # Detectors end with "instances size"; a classifier shows its losses and accuracies only.
    if len(values) >= 3 and values[-1] >= 32 and all(value.is_integer() for value in values[-2:]):
        instances, imgsz = int(values[-2]), int(values[-1])
        values = values[:-2]
    memory = _float(match[3])
    return TrainLine(int(match[1]), int(match[2]), memory or 0.0, tuple(values), instances, imgsz)


def _float(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


_COUNTS: tuple[tuple[LineKind, re.Pattern[str]], ...] = (
    (LineKind.WORKERS, _WORKERS),
    (LineKind.STARTING, _STARTING),
    (LineKind.BATCH_SIZE, _AUTOBATCH),
    (LineKind.BATCH_SIZE, _HALVED),
    (LineKind.COMPLETED, _COMPLETED),
)


_WORDS: tuple[tuple[LineKind, re.Pattern[str]], ...] = (
    (LineKind.STARTING, _STARTING_HOURS),
    (LineKind.RUN_START, _RUN_START),
    (LineKind.EARLY_STOP, _EARLY_STOP),
    (LineKind.SCAN, re.compile(r"(?:train|val|test): Scanning\b")),
    (LineKind.CACHE, re.compile(r"(?:train|val|test): Caching images\b")),
)


def _of_words(text: str) -> LogLine | None:
    for kind, pattern in _COUNTS:
        match = pattern.search(text)
        if match is not None:
            return LogLine(kind, number=None if match[1] is None else int(match[1]))
    if _HEADER.match(text):
        names = tuple(word[:40] for word in text.split()[2 : 2 + _MOST_COLUMNS])
        return LogLine(LineKind.HEADER, one_based="train_loss" in text, names=names)
    model = _MODEL.search(text)
    if model is not None:
        return LogLine(LineKind.MODEL, number=int(model[1].replace(",", "")))
    amp = _AMP.search(text)
    if amp is not None:
        return LogLine(LineKind.AMP, passed=amp[1] == "passed")
    for kind, pattern in _WORDS:
        if pattern.search(text):
            return LogLine(kind)
    return None
