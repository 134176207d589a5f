"""Which other batch is advised: one that keeps what an update sums; no larger one where that is a risk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.advise import advise, report_on
from gpumon.advice.batch import larger_that_fits
from gpumon.advice.terms import ORDINARY_TERMS
from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.view import view_of
from gpumon.model.finding import Finding, Severity
from gpumon.model.measure import Missing
from gpumon.model.plan import StepState
from gpumon.model.suggestion import Change, Suggestion
from tests.unit.synthetic_training import GIB, HEALTHY, PID, Scene
from tests.unit.synthetic_training import STARVED as STARVED_WITH_ROOM
from tests.unit.test_advice import STARVED, only, suggestions


def raises_batch(suggestion: Suggestion) -> bool:
    """Tell whether a suggestion makes the batch larger, by itself or along with something else."""
    own = Change(suggestion.setting, suggestion.from_value, suggestion.to_value)
    return any(
        isinstance(each.from_value, int)
        and isinstance(each.to_value, int)
        and each.to_value > each.from_value
        for each in (own, *suggestion.together)
        if each.setting == "batch_size"
    )


def test_a_batch_is_raised_to_one_that_keeps_what_an_update_sums() -> None:
    """48 would fit, and makes updates of 48 images, and 40 of 80; 36 makes them of 72, as 24 does."""
    found = only(Scene(batch_size=24, gpu_own=4 * GIB, gpu_busy=0.7))
    assert found.to_value == 36
    assert not any("an update then sums" in words for words in found.warnings)


@pytest.mark.parametrize(
    ("scene", "batch"),
    [
        (Scene(batch_size=40, gpu_own=int(10.1 * GIB)), None),
        (Scene(batch_size=40, gpu_own=int(10.1 * GIB), framework="torch"), 44),
        (Scene(batch_size=16, gpu_own=int(6.5 * GIB)), 28),
        (Scene(batch_size=40, gpu_own=4 * GIB), 80),
        (Scene(batch_size=32, gpu_own=4 * GIB, ranks=2), 32),
    ],
)
def test_a_batch_that_fits_is_not_enough(scene: Scene, batch: int | None) -> None:
    """Not 44 for 40, nor 48 for 36: they sum fewer images; from 64 on any, and in other trainings."""
    view = view_of(scene.window(), PID)
    assert view is not None
    found = larger_that_fits(view, ORDINARY_TERMS)
    assert (None if found is None else found[1]) == batch


@pytest.mark.parametrize(("present", "batch"), [(64, 60), (48, 36)])
def test_a_smaller_batch_keeps_what_an_update_sums(present: int, batch: int) -> None:
    """From 48 to 36, not to 44 or 40, although these fit: their updates sum 44 and 80 images."""
    found = only(Scene(batch_size=present, gpu_own=int(11.95 * GIB)))
    assert (found.finding, found.to_value) == ("vram-at-limit", batch)


@pytest.mark.parametrize(
    "scene", [HEALTHY, STARVED_WITH_ROOM, Scene(workers=0, batch_size=1, gpu_busy=0.4, gpu_own=2 * GIB)]
)
@pytest.mark.parametrize("name", ["vram-growth", "vram-at-limit", "shm-nearly-full", "nan-loss"])
def test_no_larger_batch_where_memory_or_learning_is_at_risk(scene: Scene, name: str) -> None:
    """Neither alone nor together with workers, whatever room there is at the moment."""
    window = scene.window()
    findings = diagnose(window, PID)
    assert any(raises_batch(found) for found in advise(window, PID, findings))
    at_risk = (*findings, Finding(name, Severity.WARNING, "made up", 0.0))
    assert not any(raises_batch(found) for found in advise(window, PID, at_risk))


def test_a_smaller_batch_comes_before_more_workers() -> None:
    """A training that starves and may run out of memory: the first command is the one that saves it."""
    found = suggestions(replace(STARVED, gpu_own=int(11.8 * GIB), epoch=0))
    assert found[0].to_value == 14
    assert [(each.setting, each.finding) for each in found] == [
        ("batch_size", "vram-at-limit"),
        ("workers", "starved-too-few-workers"),
    ]


def test_a_batch_stays_where_a_smaller_one_costs_more_than_the_risk() -> None:
    """It would fall from 6.5 % to 5 %, and all that is to come would take longer: told, with all figures."""
    found = only(Scene(gpu_own=int(11.8 * GIB)))
    assert (found.finding, found.from_value, found.to_value) == ("vram-at-limit", 16, 16)
    assert isinstance(found.command, Missing)
    assert "longer and itself fail with up to 5.0 %: not worth it at a risk of 6.5 %" in found.text


def test_a_batch_is_lowered_where_the_risk_falls_by_more_than_that_costs() -> None:
    """From 13 % to 5 %: one image less is enough."""
    found = only(Scene(gpu_own=int(11.95 * GIB)))
    assert (found.finding, found.from_value, found.to_value) == ("vram-at-limit", 16, 15)


def test_the_plan_of_a_batch_that_stays_at_risk_says_why() -> None:
    """Above the margin, and yet nothing is to be done: the step repeats the sentence of the suggestion."""
    report = report_on(Scene(gpu_own=int(11.8 * GIB)).window(), PID)
    (step,) = (step for step in report.plan if step.name == "batch")
    assert (step.state, step.suggestion) == (StepState.DONE, 0)
    assert step.text == report.suggestions[0].text
