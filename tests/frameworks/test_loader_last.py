"""The times of last steps are told with their source, or why there are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.frameworks.loader_last import last_steps
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.training import Setting
from gpumon.reporter import wire
from gpumon.sources.interpreter_reading import InterpreterReading, IteratorReading, LastStepsReading
from gpumon.sources.reporter_reading import Look, ReporterReading, compose
from tests.frameworks.test_loader import training as of
from tests.reporter.test_reading import REPORT, START, S

TRAINING = replace(of(), framework="yolov5", command=("python", "train.py"))
ITERATOR = IteratorReading(1, 0.0, 0, batch_size=8, images=13, drop_last=False)
NO_REPORT = Missing("it was not started by `gpumon run`")
FOUND = LastStepsReading(3, 0.15, 0.01, 0.2, 0.002)
LOOKS = InterpreterReading("interpreter (CPython 3.11)", train=ITERATOR, last_steps=FOUND)


def test_both_times_are_sampled() -> None:
    """With their standard errors, and over how many epochs."""
    found = last_steps(TRAINING, LOOKS, ITERATOR, NO_REPORT)
    assert found.images == 5
    source = "interpreter (CPython 3.11), 3 epochs"
    assert found.last_seconds == Measure(0.15, Certainty.SAMPLED, source, 0.01)
    assert found.full_seconds == Measure(0.2, Certainty.SAMPLED, source, 0.002)


def why_not(
    iterator: Maybe[IteratorReading] = ITERATOR,
    looks: Maybe[InterpreterReading] = LOOKS,
    framework: str = "yolov5",
    command: tuple[str, ...] = ("python", "train.py"),
    *,
    multi_scale: bool = False,
) -> str:
    """Return the reason why there are no times."""
    settings = replace(TRAINING.settings, multi_scale=Setting(multi_scale, "argv"))
    training = replace(TRAINING, framework=framework, command=command, settings=settings)
    found = last_steps(training, looks, iterator, NO_REPORT)
    assert isinstance(found.last_seconds, Missing)
    assert found.last_seconds == found.full_seconds
    return found.last_seconds.reason


def test_before_an_epoch_has_ended_there_are_none() -> None:
    """The first of a run does not count."""
    assert "no epoch was seen to end yet" in why_not(looks=replace(LOOKS, last_steps=None))


def test_other_frameworks_may_run_ahead_of_the_gpu() -> None:
    """Of YOLOv5 it is known that each step waits for it."""
    assert "YOLOv5" in why_not(framework="ultralytics")


def test_images_of_changing_size_cannot_be_compared() -> None:
    """In rectangles, or at several scales, a batch differs from the others not only in their number."""
    assert "change in size" in why_not(command=("python", "train.py", "--rect"))
    assert "change in size" in why_not(multi_scale=True)


@pytest.mark.parametrize(
    ("iterator", "reason"),
    [
        (replace(ITERATOR, images=None), "how many images an epoch has is not told"),
        (replace(ITERATOR, drop_last=True), "drops the last batch"),
        (replace(ITERATOR, images=16), "all batches of an epoch are of one size"),
        (Missing("nothing was seen"), "nothing was seen"),
    ],
)
def test_a_loader_without_a_smaller_batch_says_so(iterator: Maybe[IteratorReading], reason: str) -> None:
    """Each in its words."""
    assert reason in why_not(iterator)


def test_without_looks_the_reason_is_theirs() -> None:
    """As no right to read its memory."""
    assert why_not(looks=Missing("not permitted")) == "not permitted"


def reported(*, scaled: int | None = 40, fused: bool = False, in_background: bool = False) -> ReporterReading:
    """Return a report of 40 batches, four of them passes' last with 5 of 8 samples, and of a GradScaler."""
    counts = replace(
        START,
        bits=wire.LOADER_IN_BACKGROUND if in_background else 0,
        batches=40,
        optimizer_steps=40,
        steps=40,
        step_ns=36 * S // 5 + 4 * S // 10,
        last_ns=4 * S // 10,
        last_steps=4,
        last_samples=5,
    )
    report = replace(
        REPORT, loaders=(counts,), scaler_steps=scaled or 0, fused_scaler_steps=40 if fused else 0
    )
    return compose((Look(100 * S, report),))


def test_what_the_training_tells_is_exact_and_comes_first() -> None:
    """A tenth of a second for 5 samples, a fifth for 8, where a GradScaler waits for the GPU in each step."""
    found = last_steps(TRAINING, LOOKS, ITERATOR, reported())
    assert found.images == 5
    assert found.last_seconds == Measure(0.1, Certainty.EXACT, "reporter")
    assert found.full_seconds == Measure(0.2, Certainty.EXACT, "reporter")


@pytest.mark.parametrize(
    "report",
    [reported(scaled=None), reported(scaled=10), reported(fused=True), reported(in_background=True)],
    ids=[
        "no scaler",
        "one step for several batches",
        "a fused optimizer",
        "another thread takes the batches",
    ],
)
def test_steps_that_may_not_wait_for_the_gpu_are_not_taken(report: ReporterReading) -> None:
    """Then looks count, where there are any."""
    assert last_steps(TRAINING, LOOKS, ITERATOR, report) == last_steps(TRAINING, LOOKS, ITERATOR, NO_REPORT)
