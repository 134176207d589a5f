"""The learning rate when the batch changes: what is built in, and what is to be changed by hand.

YOLOv5 and ultralytics multiply the loss by the batch and make an optimizer step of every
`max(round(64 / batch), 1)` batches (their train.py and loss.py), so the step sums 64 images whatever the
batch is, and grows with it beyond 64: the linear rule is built in, and multiplying lr0 by it once more would
square it. Trainers that average the loss and step after each batch follow the linear rule with SGD (Goyal et
al. 2017) and about the square-root rule with Adam (a power of 0.5 to 1: McCandlish et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, isqrt, sqrt
from typing import NamedTuple

from gpumon.advice.knobs.torch import find_flag
from gpumon.advice.knobs.train_command import read_yolo_command, read_yolov5_command
from gpumon.model.measure import known
from gpumon.model.training import Setting, Training

_NOMINAL = 64
# Of an `nbs` that is larger nobody can say what it is meant for.
_MOST_NOMINAL = 1 << 20
# Chosen: from 4 times the nominal batch on, lr0 times sqrt(64 / batch) to 1 (train.py since v6.2 clips the
# gradients' norm to 10, which damps a step that sums so many images, too).
_LARGE_TIMES = 4
_NAMES = {"yolov5": "YOLOv5", "ultralytics": "ultralytics"}
_ADAPTIVE = ("adam", "nadam", "radam", "rmsprop")
# Updates that are so near to the nominal images count as nominal: those of 20, 24 and 56, not of 40 and 48.
_NEAR_RATIO = 1 / 8


@dataclass(frozen=True, slots=True)
class Update:
    """One optimizer step of a framework that accumulates: `batches` of `batch` images (all ranks), summed.

    `nominal` is how many images it aims at, 64 unless ultralytics is told another `nbs`.
    """

    batch: int
    batches: int
    nominal: int = _NOMINAL

    @property
    def images(self) -> int:
        """How many images one step sums."""
        return self.batch * self.batches

    @property
    def keeps_nominal(self) -> bool:
        """Whether it sums the nominal images within an eighth, or is one batch of at least as many."""
        return self.batch >= self.nominal or abs(self.images - self.nominal) <= _NEAR_RATIO * self.nominal

    @property
    def is_large(self) -> bool:
        """Whether a step sums so many images that lr0 may have to go down."""
        return self.images >= _LARGE_TIMES * self.nominal

    @property
    def lowest_factor(self) -> float:
        """The low end of what lr0 is to be multiplied by, sqrt(nominal / images); 1 below 4 times nominal."""
        return sqrt(self.nominal / self.images) if self.is_large else 1.0


def update_of(training: Training, batch: int) -> Update | None:
    """Return the optimizer step at a total batch, or None where the framework does not accumulate so."""
    if batch < 1 or training.framework not in _NAMES:
        return None
    classifies, nominal, _ = _told(training.framework, training.command)
    if classifies:
        return None
    return accumulated(batch, nominal)


def accumulated(batch: int, nominal: int = _NOMINAL) -> Update:
    """Return the optimizer step at a total batch of at least 1 (`max(round(64 / batch), 1)` batches)."""
    return Update(batch, max(round(nominal / batch), 1), nominal)


def learning_rate_words(training: Training, batch_now: int, batch_then: int) -> tuple[str, ...]:
    """Return what a change of the total batch means for the learning rate, in sentences."""
    if min(batch_now, batch_then) < 1 or batch_now == batch_then:
        return ()
    now, then = update_of(training, batch_now), update_of(training, batch_then)
    if now is not None and then is not None:
        return _accumulated(training, now, then)
    if training.framework == "ultralytics":
        # Its classifier averages the loss over the batch and accumulates: no published rule fits.
        return ()
    return (_by_rule(training, batch_now, batch_then),)


def keeping_nominal(batch: int, nominal: int = _NOMINAL) -> tuple[int, ...]:
    """Return the nearest batches below and above `batch` whose steps sum exactly `nominal` images."""
    small = [size for size in range(1, isqrt(nominal) + 1) if nominal % size == 0]
    divisors = sorted({*small, *(nominal // size for size in small)})
    below = [size for size in divisors if size < batch]
    above = [size for size in divisors if size > batch]
    return (*below[-1:], *above[:1])


def learning_rate_of(training: Training) -> float | None:
    """Return the initial learning rate as settings or argv tell it, or None where they do not."""
    setting = known(training.settings.lr0)
    if isinstance(setting, Setting):
        value = setting.value
        return float(value) if isinstance(value, (int, float)) and _is_rate(float(value)) else None
    return _told(training.framework, training.command).rate


def is_adaptive(training: Training) -> bool | None:
    """Tell whether its optimizer scales its own steps, as Adam does; None where it is not known."""
    setting = known(training.settings.optimizer)
    name = str(setting.value).lower() if isinstance(setting, Setting) and setting.value else ""
    if name.startswith(_ADAPTIVE):
        return True
    return False if name == "sgd" else None


def rate_text(rate: float) -> str:
    """Return a learning rate with up to three digits that count: "0.00375"."""
    return f"{rate:.3g}"


def _accumulated(training: Training, now: Update, then: Update) -> tuple[str, ...]:
    name = _NAMES[training.framework]
    if now.images == then.images:
        made = "one batch" if then.batches == 1 else f"{then.batches} batches of {then.batch}"
        return (
            f"nothing to change in the learning rate: {name} accumulates to {then.images} images ({made})",
        )
    words = [f"an update then sums {then.images} images instead of {now.images}"]
    if is_adaptive(training):
        factor = sqrt(then.images / now.images)
        words.append(
            f"with an optimizer like Adam the sum changes no step: lr0 times {factor:.2f} (the square-root"
            " rule) may be tried"
        )
    elif then.is_large:
        words.append(
            f"the step grows with it, {then.images / then.nominal:.3g} times that of {then.nominal} images:"
            f" {_range(training, then)}, and keep the whole warm-up"
        )
    elif then.batch > then.nominal:
        words.append(
            f"{name} sums the loss over the batch, so the step grows with it by itself (the linear rule):"
            " leave lr0 as it is, and keep the warm-up"
        )
    elif then.images != then.nominal and then.keeps_nominal:
        words.append(
            f"{then.batch} does not divide {then.nominal}; {then.images} images are within an eighth of it"
        )
    elif then.images != then.nominal:
        sizes = " or ".join(map(str, keeping_nominal(then.batch, then.nominal)))
        words.append(f"{then.batch} does not divide {then.nominal}: {sizes} would keep {then.nominal} images")
    return tuple(words)


def _range(training: Training, then: Update) -> str:
    rate = learning_rate_of(training)
    if rate is None and _chooses_its_own(training):
        return "optimizer=auto chooses lr0 by itself"
    if rate is None:
        return f"lr0 times {then.lowest_factor:.2f} to 1"
    return f"lr0 {rate_text(rate * then.lowest_factor)} to {rate_text(rate)}"


def _chooses_its_own(training: Training) -> bool:
    """Tell whether ultralytics chooses the learning rate: what lr0 says is ignored then (its trainer)."""
    optimizer = known(training.settings.optimizer)
    is_auto = isinstance(optimizer, Setting) and optimizer.value == "auto"
    return training.framework == "ultralytics" and is_auto


def _by_rule(training: Training, now: int, then: int) -> str:
    rate, factor, adaptive = learning_rate_of(training), then / now, is_adaptive(training)

    def times(power: float) -> str:
        return rate_text(factor**power) if rate is None else rate_text(rate * factor**power)

    noun = "learning rate times" if rate is None else f"learning rate {rate_text(rate)} to"
    start = "without accumulation the learning rate usually goes with the batch"
    linear = f"{noun} {times(1.0)} (linear rule, Goyal et al. 2017)"
    root = f"{noun} {times(0.5)} (square-root rule; McCandlish et al. 2018: a power of 0.5 to 1)"
    if adaptive is None:
        return f"{start}: with SGD {linear}, with Adam {root}"
    return f"{start}: {root if adaptive else linear}"


class _Told(NamedTuple):
    """What argv tells: whether a classifier is trained, at how many images an update aims, and a rate."""

    classifies: bool
    nominal: int
    rate: float | None


# Asked for several times a second, and the same for as long as a training runs.
@lru_cache(maxsize=16)
def _told(framework: str, command: tuple[str, ...]) -> _Told:
    if framework == "ultralytics":
        read = read_yolo_command(command, python=True)
        pair = read.arguments.last("nbs") if read is not None else None
        is_number = pair is not None and pair.value.isdecimal() and 0 < int(pair.value) <= _MOST_NOMINAL
        nominal = int(pair.value) if pair is not None and is_number else _NOMINAL
        return _Told(read is not None and read.arguments.task == "classify", nominal, None)
    if framework == "yolov5":
        yolov5 = read_yolov5_command(command, python=True)
        return _Told(yolov5 is not None and yolov5.task == "classify", _NOMINAL, None)
    return _Told(classifies=False, nominal=_NOMINAL, rate=_given(command))


def _given(command: tuple[str, ...]) -> float | None:
    """Return the learning rate that argv gives: `--lr 0.1`, `--learning_rate=5e-5`, `optimizer.lr=0.1`."""
    found = find_flag(command[1:], "lr0")
    return float(found.value) if found is not None and _is_rate(found.value) else None


def _is_rate(value: float) -> bool:
    return isfinite(value) and value > 0
