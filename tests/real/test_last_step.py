"""The last step of an epoch of a real YOLOv5, which has fewer images, is timed as its own stamps say."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean, median

import pytest

from gpumon.model.measure import Measure
from gpumon.model.training import Phase
from tests.lab.watch import Look, Watch
from tests.real import recipes
from tests.real.stage import Stage
from tests.real.truth import LoaderWait

pytestmark = pytest.mark.real

_EPOCHS = 3
# Three standard errors: beyond them chance leads one time in four hundred.
_ERRORS = 3.0
_PATIENCE_SECONDS = 150.0
# Validation sets up its model between the last step and its own first batch.
_SET_UP_RATIO = 0.15


def test_the_last_step_is_that_of_the_stamps(stage: Stage) -> None:
    """Its images are those that are left, its time and that of full steps are as the loader's stamps say."""
    recipe = recipes.ENDS
    training = stage.fresh(recipe)
    with Watch(training.pid) as watch:
        watch.until(lambda look: look.reading.phase is Phase.TRAIN, 180)
        watch.until(lambda look: _epochs(look) >= _EPOCHS, _PATIENCE_SECONDS)
    loader = watch.looks[-1].reading.loader
    assert loader.last_batch_size == recipe.dataset.train_images % recipe.batch_size
    last, full = loader.last_step_seconds, loader.step_seconds
    assert isinstance(last, Measure)
    assert isinstance(full, Measure)
    batches = -(-recipe.dataset.train_images // recipe.batch_size)
    true_last, true_full = _stamped(training.waits, batches)
    print(f"last step {last.value:.3f} s, by stamps {true_last:.3f}; full {full.value:.3f}, {true_full:.3f}")
    assert last.standard_error is not None
    assert full.standard_error is not None
    reach = _ERRORS * last.standard_error
    assert true_last - _SET_UP_RATIO * true_full - reach <= last.value <= true_last + reach
    assert pytest.approx(true_full, abs=_ERRORS * full.standard_error) == full.value


def _epochs(look: Look) -> int:
    """Return over how many epochs the last step was seen."""
    found = look.reading.loader.last_step_seconds
    return int(found.source.rsplit(", ", 1)[1].split()[0]) if isinstance(found, Measure) else 0


def _stamped(waits: list[LoaderWait], batches: int) -> tuple[float, float]:
    """Return the mean of the last steps, and of full ones the median epoch's, without the first epoch."""
    steps = [
        after.start - wait.end for wait, after in pairwise(waits) if wait.loader == 0 and wait.end is not None
    ]
    epochs = [steps[first : first + batches] for first in range(batches, len(steps) - batches + 1, batches)]
    return fmean(steps[-1] for steps in epochs), median(fmean(steps[:-1]) for steps in epochs)
