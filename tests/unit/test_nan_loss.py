"""A loss that is no number is the first thing to be told, and what is sound is left alone."""

from __future__ import annotations

import math

from gpumon.diagnosis.diagnose import diagnose
from gpumon.model.finding import Finding, Severity
from tests.unit.synthetic_training import HEALTHY, PID, Scene

NAN = math.nan


def found(scene: Scene) -> Finding | None:
    return next((one for one in diagnose(scene.window(), PID) if one.id == "nan-loss"), None)


def test_the_sentence_names_the_losses() -> None:
    """Which losses, where, and what it means; critical, with the share as evidence."""
    finding = found(Scene(losses=(NAN, 0.1, NAN)))
    assert finding is not None
    assert finding.severity is Severity.CRITICAL
    assert finding.text == (
        "box_loss and cls_loss are nan in epoch 2, says log: the training has diverged and learns nothing"
        " any more"
    )
    assert [(e.metric, round(e.value, 2)) for e in finding.evidence] == [("losses_not_finite_ratio", 0.67)]


def test_an_infinite_loss_counts_too() -> None:
    """A loss that overflowed is called infinite, and ultralytics counts its epochs from 1."""
    finding = found(Scene(losses=(0.1, math.inf, 0.1), framework="ultralytics"))
    assert finding is not None
    assert finding.text.startswith("obj_loss is infinite in epoch 3, says log")


def test_only_the_validation_is_a_warning() -> None:
    """Where the training's own losses are finite the model may be sound."""
    finding = found(Scene(val_losses=(NAN, 0.1, 0.1)))
    assert finding is not None
    assert finding.severity is Severity.WARNING
    assert "while the training's own losses are finite" in finding.text


def test_steps_that_are_all_skipped_tell_without_any_loss() -> None:
    """A GradScaler that skips step after step says that the gradients are not finite."""
    finding = found(Scene(losses=None, skipped=1.0))
    assert finding is not None
    assert finding.severity is Severity.CRITICAL
    assert finding.evidence[0].metric == "steps_skipped_ratio"


def test_a_scaler_that_looks_for_its_scale_is_sound() -> None:
    """Some skipped steps are how a GradScaler works."""
    assert found(Scene(skipped=0.6)) is None


def test_finite_losses_are_silent() -> None:
    """A training with losses that are numbers has no such finding."""
    assert found(HEALTHY) is None
