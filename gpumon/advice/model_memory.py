"""GPU memory of a training before anything was seen of it: from published figures alone.

M(B) = context + parameters * bytes a parameter + working space + slope * B * (imgsz / 640)^2, in bytes.
Where a peak was seen, gpumon.advice.memory takes that instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import exp, hypot

from gpumon.history.stats import Z_90, Interval
from gpumon.model.measure import Maybe, Missing

# CUDA's context with lazy loading: 300 to 426 MiB since CUDA 11.7 (pytorch issues 107667 and 109888,
# unsloth-zoo issue 1053).
CONTEXT_BYTES = 400 * 1024**2
# cuDNN's working space and what else AutoBatch's profile of YOLOv5s has at batch 0: 0.17 GB (pull request
# 5092) less weights and gradients (0.06).
_WORKING_BYTES = 0.11e9
# A parameter in fp32: its weight, gradient, momentum and copy in the EMA (YOLOv5's train.py); under
# autocast a copy in halves besides; Adam keeps a second moment.
_BYTES_PER_PARAMETER, _AUTOCAST_BYTES, _ADAM_BYTES = 16, 2, 4
# Millions of parameters, by family and size. YOLOv5: its README (6: P6 models). YOLOv8 and YOLO11: the
# tables of ultralytics' documentation.
_LETTERS = "nsmlx"
_MILLIONS = {
    "5": (1.9, 7.2, 21.2, 46.5, 86.7),
    "56": (3.2, 12.6, 35.7, 76.8, 140.7),
    "8": (3.2, 11.2, 25.9, 43.7, 68.2),
    "11": (2.6, 9.4, 20.1, 25.3, 56.9),
}
_NAME = re.compile(
    r"yolo_?v?(5|8|11)([nsmlx])(6)?(?![a-z0-9])(?![-_](?:seg|cls|pose|obb)(?![a-z0-9]))", re.IGNORECASE
)

# (Bytes an image at 640 pixels under AMP, standard deviation of its logarithm) of YOLOv5.
# n: AutoBatch's log at 416 pixels on an RTX 3070 (issue 9287), least squares 0.0423 GB, by the pixels.
# s: AutoBatch's log on an A100 (pull request 5092), 0.197 GB; the tuning guide's row gives 0.196.
# m: the same issue's log at 416, 0.134 GB, gives 0.317 at 640, the guide's row 0.42: their geometric mean.
# l, x: no log was found. The README trains n, s, m, l, x on a V100 of 16 GB with batches of 128, 64, 40, 24,
# 16; by the logs n, s and m then take 13.4, 13.3 and 13.6 GB, so l and x are taken to need 13.4 GB there.
# Batches are multiples of 8, which leaves 17 % and 25 %.
_SLOPES = {
    "n": (0.100e9, 0.10),
    "s": (0.197e9, 0.08),
    "m": (0.365e9, 0.14),
    "l": (0.501e9, 0.17),
    "x": (0.707e9, 0.25),
}
_SLOPE_IMGSZ = 640
# Activations in fp32 against AMP: the guide's two whole rows give 1.53 (s) and 1.56 (m).
_FULL_PRECISION = 1.54
# Context, working space, and what targets add: 40 % of it either way (contexts alone differ by that).
_FIXED_DEVIATION = 0.25
# What NVIDIA's drivers keep for themselves: 250 to 308 MB (gpustat issue 141).
DRIVER_BYTES = 300 * 1024**2
# Of a batch that nobody has run, before its first validation.
_MARGIN = 0.85
# Of the limit, how much the line through reserved memory may reach: median and standard deviation.
# Median: all of it. By the messages of trainings that ran out of memory it is 1.08 in the middle, as PyTorch
# gives back what no tensor fills before it fails (`python -m tests.lab.memory_table` has the sources); that
# more is left for batches with more targets than were seen: with 1.08 and 0.08 one of 149 simulated trainings
# ran out of memory. Deviation: so that one in twenty fails below 0.95, as from there on failures were
# reported (15.3 of a V100's 16 GB: yolov5 issue 4872). Before the first validation it is less: chosen.
USABLE_RATIO, USABLE_UNVALIDATED_RATIO, USABLE_DEVIATION = 1.00, 0.95, 0.03
# What a line from one batch to twice it is off by where the parameters are known, in bytes: six of
# AutoBatch's logs (the same command) have 0.18 GB as root mean square, whatever the batch takes. By Student's
# t for six 95 % lie within 1.94 times that, as within 1.645 of this.
_BASE_DEVIATION = 0.21e9
# Of a model of unknown size: the mean of the parameters of those six, and their standard deviation.
_UNKNOWN_PARAMETERS, _UNKNOWN_DEVIATION = 8e6, 8e6
_MOST_BATCH = 1024


@dataclass(frozen=True, slots=True)
class LargestBatch:
    """The largest batch that fits by published figures: safe (the 95th percentile fits), likely, and most."""

    safe: int
    likely: int
    most: int


def model_name(weights: object, cfg: object) -> str:
    """Return the name of the model that is built: cfg's file where one is given, else that of the weights.

    YOLOv5's train.py: `Model(cfg or ckpt['model'].yaml)`.
    """
    return next((value for value in (cfg, weights) if isinstance(value, str) and value), "")


def size_of(model: str) -> tuple[str, str] | None:
    """Return family ("5", "56" for YOLOv5's P6 models, "8", "11") and size of a detector by its file's name.

    None for other names, and for models that are segmented or classified with, or ultralytics' yolov5su:
    they have other heads than the detectors whose figures are published.
    """
    found = _NAME.search(model.rstrip("/").rsplit("/", 1)[-1])
    if found is None:
        return None
    family = found.group(1) + (found.group(3) or "")
    return (family, found.group(2).lower()) if family in _MILLIONS else None


def parameters_of(model: str) -> float | None:
    """Return how many parameters a model of that name has, or None for a name that says nothing."""
    size = size_of(model)
    return None if size is None else _MILLIONS[size[0]][_LETTERS.index(size[1])] * 1e6


def static_bytes(parameters: float, *, amp: bool, optimizer: str) -> float:
    """Return what a model and its optimizer take, whatever the batch."""
    each = _BYTES_PER_PARAMETER
    each += _AUTOCAST_BYTES if amp else 0
    each += _ADAM_BYTES if optimizer.lower().startswith("adam") else 0
    return parameters * each


def base_bytes(
    model: str, *, amp: bool = True, optimizer: str = "SGD", parameters: float | None = None
) -> float:
    """Return what a training takes without images, by its `parameters`, else by the name of its model.

    A model of unknown size counts as one of 8 million parameters, with the more doubt (base_deviation).
    """
    count = parameters or parameters_of(model) or _UNKNOWN_PARAMETERS
    return CONTEXT_BYTES + static_bytes(count, amp=amp, optimizer=optimizer)


def base_deviation(
    model: str, *, amp: bool = True, optimizer: str = "SGD", parameters: float | None = None
) -> float:
    """Return the standard deviation of base_bytes, in bytes."""
    if parameters or parameters_of(model):
        return _BASE_DEVIATION
    return hypot(_BASE_DEVIATION, static_bytes(_UNKNOWN_DEVIATION, amp=amp, optimizer=optimizer))


def predicted_peak(
    model: str, imgsz: int, batch: int, *, amp: bool = True, optimizer: str = "SGD"
) -> Maybe[Interval]:
    """Return the peak in bytes that NVML will show of a YOLOv5 on one GPU, with its 90 % interval.

    `batch` is that of one rank. Missing for models of which no memory is published.
    """
    found = _fixed_and_slope(model, imgsz, amp=amp, optimizer=optimizer)
    if isinstance(found, Missing):
        return found
    if batch < 1 or imgsz < 1:
        return Missing("a batch and an image size of at least 1 are needed")
    fixed, slope, deviation = found
    factor = exp(Z_90 * deviation)
    middle = fixed + slope * batch
    # Both are uncertain, and not together: their squares add up.
    above = ((slope * batch * (factor - 1)) ** 2 + (Z_90 * _FIXED_DEVIATION * fixed) ** 2) ** 0.5
    below = ((slope * batch * (1 - 1 / factor)) ** 2 + (Z_90 * _FIXED_DEVIATION * fixed) ** 2) ** 0.5
    return Interval(middle, max(0.0, middle - below), middle + above)


def largest_batch(
    model: str,
    imgsz: int,
    total_bytes: int,
    *,
    taken_bytes: int = DRIVER_BYTES,
    amp: bool = True,
    optimizer: str = "SGD",
) -> Maybe[LargestBatch]:
    """Return the largest batch of one rank that fits on a GPU, by published figures.

    `taken_bytes` is what driver and other programs hold. A batch fits where its peak stays below 85 % of the
    rest. 0 where none does.
    """
    allowed = _MARGIN * max(0, total_bytes - taken_bytes)
    fitting = [0, 0, 0]
    for batch in range(1, _MOST_BATCH + 1):
        peak = predicted_peak(model, imgsz, batch, amp=amp, optimizer=optimizer)
        if isinstance(peak, Missing):
            return peak
        if peak.low > allowed:
            break
        for place, edge in enumerate((peak.high, peak.value, peak.low)):
            if edge <= allowed:
                fitting[place] = batch
    return LargestBatch(*fitting)


def _fixed_and_slope(
    model: str, imgsz: int, *, amp: bool, optimizer: str
) -> Maybe[tuple[float, float, float]]:
    size, parameters = size_of(model), parameters_of(model)
    if size is None or parameters is None:
        return Missing("the name says nothing of the model's size")
    family, letter = size
    if family != "5":
        return Missing("the memory of YOLOv5 n, s, m, l and x is published; not that of this model")
    slope, deviation = _SLOPES[letter]
    slope *= (imgsz / _SLOPE_IMGSZ) ** 2 * (1.0 if amp else _FULL_PRECISION)
    fixed = CONTEXT_BYTES + _WORKING_BYTES
    return fixed + static_bytes(parameters, amp=amp, optimizer=optimizer), slope, deviation
