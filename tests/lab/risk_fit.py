"""Fits what the signs of running out of memory weigh, on runs that no figure is quoted from.

Two weights stay as they are, as they rest on reports of real GPUs: the first validation (the simulated one
keeps the outputs of two layers), and the least probability where hardly any room is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gpumon.diagnosis.risk import FITTED, PUBLISHED, Weights
from tests.lab.risk_score import Record, false_alarm_ratio, log_loss, missed_ratio, points

_CHOICES: dict[str, tuple[Any, ...]] = {
    "record_ratio": (0.002, 0.004, 0.006, 0.01, 0.015, 0.02, 0.03),
    "record_count": (0.5, 1.0, 2.0, 4.0, 8.0),
    "due_count": (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 1e9),
    "excess_ratio": (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0),
    "growth_ratio": (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 1.0),
    "flush_probabilities": tuple(
        (0.0, one, more) for one in (0.05, 0.1, 0.2, 0.5) for more in (0.1, 0.3, 0.8) if more >= one
    ),
}
_ROUNDS = 4


def fitted(records: Sequence[Record]) -> Weights:
    """Return the weights with the least loss, found weight by weight from the published ones.

    The loss is the logarithmic one, and the shares of what was missed and of false alarms: calibration alone
    would trade many of these for a little of it.
    """
    best = replace(
        PUBLISHED,
        validation_probability=FITTED.validation_probability,
        validation_ratio=FITTED.validation_ratio,
        tight_ratio=FITTED.tight_ratio,
        tight_probability=FITTED.tight_probability,
    )
    least = _loss(records, best)
    for _ in range(_ROUNDS):
        before = least
        for name, values in _CHOICES.items():
            for value in values:
                weights = replace(best, **{name: value})
                loss = _loss(records, weights)
                if loss < least - 1e-9:
                    best, least = weights, loss
        if before - least < 1e-6:
            break
    return best


def _loss(records: Sequence[Record], weights: Weights) -> float:
    told = log_loss([point for record in records for point in points(record, weights)])
    return told + missed_ratio(records, weights) + false_alarm_ratio(records, weights)
