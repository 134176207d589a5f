"""What earlier runs on this machine taught: passed into the advice and kept in recordings, never looked up.

A prior is a frozen value. Who has a database of runs builds one (gpumon.recording.runs_prior); without one
it is empty, and the advice rests on what is seen now and on published figures alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import TypeAlias

from gpumon.history.stats import Z_90, Interval
from gpumon.model.suggestion import Change, Effect

Value: TypeAlias = int | float | str | bool | None

# Chosen: ±10 % where the rate doubles, until the machine has a history. DS-Analyzer (Mohan et al., VLDB'21),
# which measures each part by a run of its own, was at most 4 % off.
_MODEL_ERROR = 0.10
# What two runs of the same settings differ by, as a share of that error: taken as the noise of a measurement
# that a proof is judged with (_LEAST_CHANGE).
REPEAT_RATIO = 0.25
# That figure weighs as much as four proofs.
_PRIOR_PROOFS = 4
# A gain of less than a quarter is mostly the noise of both measurements: it counts as that of a quarter.
_LEAST_CHANGE = 0.25
# In standard deviations. One proof that is further off (another program came or went) counts as this: alone
# it makes the intervals less than three times as wide.
_MOST_DEVIATIONS = 6.0


@dataclass(frozen=True, slots=True)
class SeenMemory:
    """The peak that an earlier run of the same model and image size held on a GPU, in bytes a rank.

    `batch_size` is that of one rank. `has_validation`: a validation was seen in it.
    """

    batch_size: int
    peak_bytes: int
    has_validation: bool


@dataclass(frozen=True, slots=True)
class SeenRate:
    """The speed of an earlier run of the same training on this machine, with a 90 % interval.

    `batch_size` and `workers` are those of one rank, images per second those of all ranks.
    `data_wait_ratio` is None where it was not measured.
    """

    workers: int
    batch_size: int
    cache: str | None
    images_per_second: float
    images_per_second_low: float
    images_per_second_high: float
    data_wait_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class SeenProof:
    """A change that gpumon had predicted, and what it brought: factors on images per second."""

    setting: str
    predicted: float
    achieved: float


@dataclass(frozen=True, slots=True)
class SeenPrediction:
    """The newest prediction for changed settings that was shown while a run was watched.

    `changes` begin with the setting that the suggestion is about. `curve` has the predicted factor on
    images per second for other values of this setting alone.
    """

    changes: tuple[Change, ...]
    speedup: Effect | None = None
    images_per_second: Effect | None = None
    data_wait_ratio: Effect | None = None
    gpu_memory_bytes: Effect | None = None
    curve: tuple[tuple[int, Effect], ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The run of this machine that the training at hand is a change of.

    `number` is that in the database of runs, `settings` are those that were known, as (name, value). The
    numbers are over all of its steady training, with 90 % intervals; None where not measured.
    `gpu_memory_bytes` is the peak of one rank, its upper end what further training hardly exceeds.
    """

    number: int
    settings: tuple[tuple[str, Value], ...]
    images_per_second: Interval | None = None
    data_wait_ratio: Interval | None = None
    gpu_memory_bytes: Interval | None = None
    predictions: tuple[SeenPrediction, ...] = ()


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known before the first look.

    `memory` and `rates` are of the training at hand, whose model, image size and GPU they share (the rates
    its data and machine too); `proofs` are of any training on this machine. `earlier` is the run that the
    training at hand is a change of, `run` its own number in the database; None where there is none yet.
    """

    memory: tuple[SeenMemory, ...] = ()
    rates: tuple[SeenRate, ...] = ()
    proofs: tuple[SeenProof, ...] = ()
    earlier: EarlierRun | None = None
    run: int | None = None


NOTHING_KNOWN = Prior()


def model_error(prior: Prior, setting: str) -> float:
    """Return how far predictions about a setting are off: half a 90 % interval, relative, per doubling.

    Without proofs it is 0.10 (chosen). Proofs of the same setting move it: the deviation of the
    logarithm of achieved over predicted, in units of what is expected for a gain of that size, is taken as
    normal around 0 with a scale whose prior is a scaled inverse chi-squared worth 4 proofs; its posterior
    scale is sqrt((4 + sum z^2) / (4 + n)) times that of the prior (Gelman et al., Bayesian Data Analysis, 3rd
    ed., 2.6). The noise of both measurements is in it, so it never gets too small. A z beyond 6 counts as 6.
    """
    deviations = [
        _deviation(proof) for proof in prior.proofs if proof.setting == setting and _is_usable(proof)
    ]
    squares = sum(min(abs(z), _MOST_DEVIATIONS) ** 2 for z in deviations)
    return _MODEL_ERROR * sqrt((_PRIOR_PROOFS + squares) / (_PRIOR_PROOFS + len(deviations)))


def _is_usable(proof: SeenProof) -> bool:
    return proof.predicted > 0 and proof.achieved > 0


def _deviation(proof: SeenProof) -> float:
    """Return how far a proof is off, in standard deviations of the prior for a gain of that size."""
    change = min(1.0, max(_LEAST_CHANGE, abs(proof.predicted - 1.0)))
    return log(proof.achieved / proof.predicted) / (_MODEL_ERROR / Z_90 * change)
