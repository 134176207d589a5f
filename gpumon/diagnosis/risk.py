"""The probability that a training runs out of GPU memory before it ends, from signs of its memory.

- Records. Peaks of exchangeable steps set a new record within m more steps after n of them
  ln((n + m) / n) times on average (record theory), by an exponential amount of mean g each: with the room H
  the probability is 1 - exp(-records * exp(-H / g)). Steps whose peaks hardly differ set no record that can
  be seen: the expected number is shrunk by how many were seen of those that were due.
  The last batch of an epoch is a record of this kind. It is smaller (YOLOv5 and ultralytics drop none), so
  it needs no more at once; but its tensors have other sizes, for which the caching allocator may ask for
  segments of their own. Whether there is one is not known: readings have batches, not images. After the
  first epoch the peak has it in it; the simulated trainings have one in every epoch.
- Sizes. --multi-scale draws one of 21 sizes for each step; the largest has 2.25 times the pixels. Told from
  the tenth step on.
- The first validation, at twice the batch, where little room is left for it.
- A flush of the allocator: the driver refused memory once already.
- Steady growth, by its pace.

The weights are fitted on simulated trainings (`python -m tests.lab.risk --fit`), not on real GPUs: an
estimate, shown as a word with its number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import exp, log

# YOLOv5's --multi-scale: sides of 0.5 to 1.5 times the image size in 21 steps (its train.py, at 640 pixels).
SIZES = 21
LARGEST_AREA = 2.25
_LEAST_SIDE, _MOST_SIDE = 0.5, 1.5
# From here on a probability is told as elevated (gpumon.diagnosis.memory).
_TOLD = 0.05


class Ground(str, Enum):
    """What a probability rests on most."""

    RECORDS = "records"
    SIZES = "sizes"
    VALIDATION = "validation"
    FLUSHES = "flushes"
    GROWTH = "growth"


@dataclass(frozen=True, slots=True)
class Signs:
    """What the risk is judged from, in bytes.

    `batch_bytes` is about what a batch takes of the peak. `records` is how many new records are expected
    until the end, `rises` are those of the high-water mark that were seen since the first validation, and
    `rises_due` is how many were to be expected there. `size_probability` is that of a larger image that
    does not fit, `growth_probability` that steady growth fills the memory.
    """

    total_bytes: int
    headroom_bytes: int
    batch_bytes: float
    records: float
    rises: tuple[float, ...] = ()
    rises_due: float = 0.0
    has_validation_ahead: bool = False
    size_probability: float = 0.0
    growth_probability: float = 0.0
    flushes: int = 0


@dataclass(frozen=True, slots=True)
class Weights:
    """What the signs weigh.

    `record_ratio` is the mean amount of a record as a share of the device, as good as `record_count` seen
    ones; `due_count` says the same of how often they come. `validation_probability` is that of the
    first validation where less than `validation_ratio` of a batch's memory is left for it. Of what records
    have above 5 % only `excess_ratio` counts: steps are not exchangeable, and the allocator gives cached
    memory back before it fails. Neither is a reason to shrink sizes, which are drawn evenly, or validation.
    `flush_probabilities` are the least after none, one, and more flushes. `growth_ratio` of the growth's own
    probability counts: it may come to rest. `tight_probability` is the least before the last step where less
    than `tight_ratio` of the device is left.
    """

    record_ratio: float = 0.015
    record_count: float = 4.0
    due_count: float = 1e9
    validation_probability: float = 0.5
    validation_ratio: float = 0.3
    flush_probabilities: tuple[float, float, float] = (0.0, 0.5, 0.8)
    growth_ratio: float = 1.0
    excess_ratio: float = 1.0
    tight_ratio: float = 0.0
    tight_probability: float = 0.0


# Facts on allocation, 3.3: what is published or derived, before anything was fitted.
PUBLISHED = Weights()
# On 210 simulated trainings (seeds 0 to 209), `python -m tests.lab.risk --fit`. The first validation is not
# fitted: the simulated one takes little, and users report failures there (yolov5 issue 2586, pull request
# 9212). Nor is what is told where it is tight: a V100 of 16 GB of which 15.3 were held failed at random
# between epoch 26 and 157 (yolov5 issues 2586, 4057, 4872). 0.15 of a batch is, of 0.1, 0.12, 0.15, 0.2 and
# 0.3, the most without a false alarm in those runs (but for those of --multi-scale). Fitted while sizes and
# the first validation were shrunk like records. Growth's weight and its odds (gpumon.diagnosis.growth) were
# chosen anew on the leaks among seeds 0 to 419, when growth was found by more windows.
FITTED = Weights(
    record_ratio=0.006,
    record_count=8.0,
    validation_probability=0.3,
    validation_ratio=0.15,
    flush_probabilities=(0.0, 0.05, 0.1),
    growth_ratio=0.85,
    excess_ratio=0.1,
    tight_ratio=0.044,
    tight_probability=0.06,
)


@dataclass(frozen=True, slots=True)
class Risk:
    """A probability and what it rests on most."""

    probability: float
    ground: Ground


def risk_of(signs: Signs, weights: Weights = FITTED) -> Risk:
    """Return the probability of running out of memory until the end of the run."""
    apart = {
        Ground.RECORDS: _calibrated(signs, weights),
        Ground.SIZES: signs.size_probability,
        Ground.VALIDATION: _validation_probability(signs, weights),
    }
    # These three are different events; a flush and growth tell of one that has begun already.
    none = 1.0
    for probability in apart.values():
        none *= 1.0 - probability
    told = {
        max(apart, key=lambda one: apart[one]): 1.0 - none,
        Ground.FLUSHES: weights.flush_probabilities[min(signs.flushes, 2)],
        Ground.GROWTH: weights.growth_ratio * signs.growth_probability,
    }
    ground = max(told, key=lambda one: told[one])
    return Risk(min(1.0, max(0.0, told[ground])), ground)


def _calibrated(signs: Signs, weights: Weights) -> float:
    """Return the probability of a record that does not fit, shrunk to how often trainings failed by one."""
    probability = record_probability(signs, weights)
    calibrated = min(probability, _TOLD) + weights.excess_ratio * max(0.0, probability - _TOLD)
    if signs.records > 0 and signs.headroom_bytes < weights.tight_ratio * signs.total_bytes:
        return max(calibrated, weights.tight_probability)
    return calibrated


def record_probability(signs: Signs, weights: Weights = FITTED) -> float:
    """Return the probability that a record among the steps to come does not fit."""
    prior = weights.record_ratio * signs.total_bytes
    amount = (weights.record_count * prior + sum(signs.rises)) / (weights.record_count + len(signs.rises))
    seen = (weights.due_count + len(signs.rises)) / (weights.due_count + max(signs.rises_due, 0.0))
    if amount <= 0:
        return 0.0
    return 1.0 - exp(-signs.records * min(1.0, seen) * exp(-max(0, signs.headroom_bytes) / amount))


def size_probability(steps_done: int, steps_left: int, batch_bytes: float, headroom_bytes: float) -> float:
    """Return the probability that --multi-scale draws a size that does not fit.

    The largest of n draws is the j-th of 21 sizes with (j / 21)^n - ((j - 1) / 21)^n; it made the peak,
    of which `batch_bytes` go with the pixels. One of m more draws is the i-th or larger with
    1 - ((i - 1) / 21)^m. Raises ValueError without a step done.
    """
    if steps_done < 1:
        raise ValueError("no step was done")
    areas = [_area(size) for size in range(SIZES)]
    probability = 0.0
    for largest in range(SIZES):
        drawn = ((largest + 1) / SIZES) ** steps_done - (largest / SIZES) ** steps_done
        too_large = next(
            (
                size
                for size in range(largest + 1, SIZES)
                if batch_bytes * (areas[size] / areas[largest] - 1.0) > headroom_bytes
            ),
            SIZES,
        )
        probability += drawn * (1.0 - (too_large / SIZES) ** steps_left)
    return probability


def records_expected(steps_done: int | None, steps_left: int | None) -> float:
    """Return how many records are expected until the end: as many steps again where either is not known."""
    if steps_done is None or steps_left is None:
        return log(2.0)
    return log((max(1, steps_done) + steps_left) / max(1, steps_done))


def _validation_probability(signs: Signs, weights: Weights) -> float:
    is_tight = signs.headroom_bytes < weights.validation_ratio * signs.batch_bytes
    return weights.validation_probability if signs.has_validation_ahead and is_tight else 0.0


def _area(size: int) -> float:
    side = _LEAST_SIDE + (_MOST_SIDE - _LEAST_SIDE) * size / (SIZES - 1)
    return side * side
