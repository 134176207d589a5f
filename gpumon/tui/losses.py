"""The newest losses and mAP of a training, and the word for losses that are no numbers any more."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from gpumon.paint.row import Span

if TYPE_CHECKING:
    from gpumon.model.reading import LossesReading, ProgressReading

_TABLE = "results.csv"
_NO_RESULTS = frozenset({"epoch", "time"})


def results_of(progress: ProgressReading) -> tuple[tuple[str, float], ...]:
    """Return losses, precision, recall, mAP and learning rates of the newest row of results.csv."""
    return tuple((name, value) for name, value in progress.results if name not in _NO_RESULTS)


def running_losses(progress: ProgressReading) -> tuple[LossesReading, ...]:
    """Return the losses of the epoch under way: those that are told by something else than results.csv."""
    return tuple(losses for losses in progress.losses if losses.source != _TABLE)


def loss_mark(progress: ProgressReading) -> Span | None:
    """Return the word for a loss that is NaN or infinite; None while all losses are numbers.

    The validation's alone is a warning, as in the finding: its own loss may overflow in half precision.
    """
    lost = [one for one in progress.losses if not all(isfinite(value) for _, value in one.values)]
    if not lost:
        return None
    if all(losses.is_validation for losses in lost):
        return Span("NAN VAL LOSS", "warn")
    return Span("NAN LOSS", "danger")
