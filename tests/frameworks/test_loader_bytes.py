"""How large a batch is, by the best source that tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.frameworks.loader_bytes import batch_bytes
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId
from gpumon.model.training import Setting, Settings, Training
from gpumon.reporter import wire
from gpumon.sources.interpreter_reading import IteratorReading
from gpumon.sources.reporter_file import LoaderCounts, ReportCounts
from gpumon.sources.reporter_reading import Look, ReporterReading, compose

NO_REPORT = Missing("it was not started by `gpumon run`")
NO_LOOKS = Missing("its interpreter is not looked into")
SETTINGS = Settings(batch_size=Setting(16, "argv"), imgsz=Setting(320, "argv"))
YOLOV5 = Training(ProcessId(1, 1), "yolov5", "exp", (), True, "/w", 0, SETTINGS, ())
TORCH = replace(YOLOV5, framework="torch", settings=Settings())


def report(image_bytes: int) -> ReporterReading:
    loader = LoaderCounts(1, 9, 2, 8, 2, 0, 0, 4, 5, 40, 1, 1, 4, 1, 1, 5, 8, 64, 64, image_bytes)
    hooks = wire.HOOK_LOADER | wire.HOOK_OPTIMIZER
    counts = ReportCounts(1, 1, 0, 0, hooks, 4, 0, 0, 0, False, None, "", (loader,))
    return compose((Look(10, counts),))


def test_the_training_knows_it_best() -> None:
    """What the reporter saw of the tensor goes before what lies in shared memory."""
    found = batch_bytes(YOLOV5, NO_LOOKS, report(98304), 1000)
    assert found == Measure(98304.0, Certainty.EXACT, "reporter")


@pytest.mark.parametrize("told", [NO_REPORT, report(0)])
def test_shared_memory_tells_for_every_framework(told: Maybe[ReporterReading]) -> None:
    """A tensor that a worker holds has its size, whatever is trained."""
    found = batch_bytes(TORCH, NO_LOOKS, told, 98304)
    assert found == Measure(98304.0, Certainty.EXACT, "a worker's shared memory")


def test_settings_of_a_known_framework_are_an_estimate() -> None:
    """A byte for each colour of a pixel of one rank's batch; the loader's own batch size goes first."""
    ranks = replace(YOLOV5, world_size=2)
    iterator = IteratorReading(1, 1.0, 3, batch_size=4)
    assert batch_bytes(ranks, NO_LOOKS, NO_REPORT, None) == Measure(
        8 * 3 * 320.0**2, Certainty.ESTIMATED, "3 bytes a pixel"
    )
    own = batch_bytes(ranks, iterator, NO_REPORT, None)
    assert isinstance(own, Measure)
    assert own.value == 4 * 3 * 320**2


@pytest.mark.parametrize("training", [TORCH, replace(YOLOV5, settings=Settings())])
def test_nothing_is_guessed(training: Training) -> None:
    """Without any of them there is a reason."""
    assert isinstance(batch_bytes(training, NO_LOOKS, NO_REPORT, None), Missing)
