"""A process that goes on with an earlier run begins anew: its memory, its first validation, its steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, repeat

import pytest

from gpumon.advice.memory import MemoryModel, model_of
from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.diagnosis.own_epochs import epochs_seen
from gpumon.diagnosis.rule import NotJudged
from gpumon.diagnosis.rules import vram_at_limit, vram_growth
from gpumon.diagnosis.view import View
from gpumon.model.measure import Missing
from gpumon.model.sample import Sample
from gpumon.model.suggestion import OomRisk
from gpumon.model.training import Phase, Setting
from tests.unit.run_scene import changed, finding, judged, phased, view, with_progress
from tests.unit.synthetic_training import GIB, HEALTHY, Scene

_LATE = replace(HEALTHY, epoch=20)
_FULL = replace(_LATE, gpu_own=int(11.3 * GIB))


def resumed(sample: Sample) -> Sample:
    """Return the sample of a training that was started with --resume."""
    training = sample.trainings[0].training
    settings = replace(training.settings, resume=Setting("runs/train/exp/weights/last.pt", "argv"))
    return changed(sample, training=replace(training, settings=settings))


def of(*spans: tuple[Phase, int], scene: Scene = _LATE) -> list[Sample]:
    """Return the samples of a resumed training in these phases."""
    return [resumed(sample) for sample in phased(*spans, scene=scene)]


def memory(seen: View) -> GpuMemory:
    """Return the memory that must be known."""
    found = memory_of(seen)
    assert isinstance(found, GpuMemory)
    return found


def risk(seen: View) -> OomRisk:
    """Return the risk that must be known."""
    found = memory(seen).risk
    assert isinstance(found, OomRisk)
    return found


def test_a_run_in_a_late_epoch_has_validated() -> None:
    """Unless it was resumed: nothing says then that this process did."""
    assert memory(view(_LATE.samples())).validated
    assert not memory(view(of((Phase.TRAIN, 20)))).validated


@pytest.mark.parametrize(("words", "counts"), [((), True), (("--exist-ok",), False)])
def test_rows_of_results_tell_where_the_epoch_is_not_known(words: tuple[str, ...], counts: bool) -> None:
    """Not in a directory that another run may have written to."""

    def told(sample: Sample) -> Sample:
        training = sample.trainings[0].training
        unknown = with_progress(sample, epoch=Missing("not looked into"), epoch_results=3)
        return changed(unknown, training=replace(training, command=(*training.command, *words)))

    assert memory(view([told(sample) for sample in _LATE.samples()])).validated is counts


def test_a_resumed_run_has_the_margin_of_a_new_one() -> None:
    """Less can be used until a validation was seen."""
    seen = view(of((Phase.TRAIN, 20)))
    model = model_of(seen, memory(seen))
    assert isinstance(model, MemoryModel)
    assert model.allowed == pytest.approx(0.95 * 12 * GIB)


def test_steps_of_an_earlier_process_do_not_count() -> None:
    """Half of the epoch that was seen, not 20 epochs before it: so the largest size may yet be drawn."""
    scene = replace(_LATE, batch=50, multi_scale=True)
    seen = view(of((Phase.TRAIN, 20), scene=scene))
    assert memory(seen).steps_done == 50
    assert memory(view(scene.samples())).steps_done == 20_050
    model = model_of(seen, memory(seen))
    assert isinstance(model, MemoryModel)
    assert model.slope == pytest.approx(2.25 * (model.peak - model.base) / model.batch)


def test_a_validation_that_was_seen_counts() -> None:
    """Once it is over: one that runs may yet grow."""
    assert memory(view(of((Phase.TRAIN, 10), (Phase.VALIDATE, 5), (Phase.TRAIN, 10)))).validated
    assert not memory(view(of((Phase.TRAIN, 10), (Phase.VALIDATE, 5)))).validated


def test_a_validation_is_remembered_when_its_samples_are_gone() -> None:
    """Half an hour ago; and while the next one runs."""
    spans = ((Phase.TRAIN, 300), (Phase.VALIDATE, 20), (Phase.TRAIN, 1500))
    assert memory(view(of(*spans))).validated
    assert memory(view(of(*spans, (Phase.VALIDATE, 5)))).validated


def test_an_epoch_that_changed_while_watched_counts() -> None:
    """A validation shorter than a look came with it."""
    samples = [
        with_progress(sample, epoch=20 + index // 10) for index, sample in enumerate(of((Phase.TRAIN, 20)))
    ]
    assert memory(view(samples)).validated
    assert memory(view(samples)).steps_done == 1500


def test_the_first_validation_of_a_resumed_run_is_told_where_its_start_was_seen() -> None:
    """Who comes later does not know whether there was one: it is not said to be still to come."""
    begun, late = of((Phase.START, 5), (Phase.TRAIN, 15), scene=_FULL), of((Phase.TRAIN, 20), scene=_FULL)
    assert "the first validation to come" in risk(view(begun)).rests_on
    assert "is still to come" in finding(vram_at_limit.RULE, begun).text
    assert "the first validation" not in risk(view(late)).rests_on


def test_a_start_is_remembered_when_its_samples_are_gone() -> None:
    """Of ten minutes ago."""
    begun = of((Phase.START, 30), (Phase.TRAIN, 600), scene=_FULL)
    assert "the first validation to come" in risk(view(begun)).rests_on


def _commanded(word: str, framework: str = "yolov5") -> list[Sample]:
    scene = replace(_LATE, command=("python", "train.py", word), framework=framework)
    return list(scene.samples())


@pytest.mark.parametrize(
    ("word", "framework", "validated"),
    [
        ("--noval", "yolov5", False),
        ("--nov", "yolov5", False),
        ("--notest", "yolov5", False),
        ("--nosave", "yolov5", True),
        ("val=False", "ultralytics", False),
        ("val=True", "ultralytics", True),
    ],
)
def test_who_is_told_not_to_validate_has_not(word: str, framework: str, *, validated: bool) -> None:
    """The first validation comes after the last epoch."""
    found = memory(view(_commanded(word, framework)))
    assert found.validated is validated
    assert found.is_settled


def test_growth_is_judged_without_validations_too() -> None:
    """From the first epoch's end on; a resumed process has a first epoch again."""
    assert not isinstance(judged(vram_growth.RULE, _commanded("--noval")), NotJudged)
    assert isinstance(judged(vram_growth.RULE, of((Phase.TRAIN, 20))), NotJudged)


def test_rows_of_another_run_in_the_same_directory_are_no_epochs() -> None:
    """--exist-ok: results.csv has 30 rows of it."""
    samples = [with_progress(sample, epoch_results=30) for sample in replace(HEALTHY, epoch=0).samples()]
    assert not memory(view(samples)).validated


def test_epochs_are_counted_when_their_samples_are_gone() -> None:
    """25 of 24 s each, of which full samples show seven and a half."""
    spans = tuple(chain.from_iterable(repeat(((Phase.TRAIN, 20), (Phase.VALIDATE, 4)), 25)))
    samples = [
        with_progress(sample, epoch=20 + second // 24, batch=min(20, second % 24), batches=20)
        for second, sample in enumerate(of(*spans))
    ]
    assert epochs_seen(view(samples)) == pytest.approx(25, rel=0.1)
