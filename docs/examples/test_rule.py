"""Stolen time is told where it is felt, and where it can be known."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

from gpumon.diagnosis.diagnose import RULES, diagnose
from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.rules.cpu_stolen import RULE
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import window_of
from gpumon.model.finding import Finding
from gpumon.model.measure import Missing
from tests.unit.starved_scene import StarvedScene
from tests.unit.synthetic_training import PID


def view(scene: StarvedScene) -> View:
    """Return what the rules see of a made-up training."""
    found = view_of(scene.window(), PID)
    assert found is not None
    return found


def test_stolen_time_is_told() -> None:
    """With its share as evidence, also in the diagnosis as a whole."""
    scene = StarvedScene(stolen=0.2)
    judgement = RULE.judge(view(scene))
    assert isinstance(judgement, Finding)
    assert judgement.text.startswith("the hypervisor takes 20 % of the cores' time")
    assert RULE.id in [finding.id for finding in diagnose(scene.window(), PID)]


def test_a_quiet_host_is_silent() -> None:
    """Nothing is taken."""
    assert isinstance(RULE.judge(view(StarvedScene())), Silent)


def test_without_cores_it_is_not_judged() -> None:
    """It says that it cannot know."""
    hidden = [
        replace(sample, host=replace(sample.host, cores=Missing("/proc is not mounted")))
        for sample in StarvedScene(stolen=0.2).samples()
    ]
    found = view_of(window_of(hidden), PID)
    assert found is not None
    assert isinstance(RULE.judge(found), NotJudged)


def test_it_has_its_place_and_its_page() -> None:
    """The dashboard shows the page on Enter."""
    assert RULE in RULES
    page = files("gpumon.diagnosis.rules").joinpath(RULE.page).read_text(encoding="utf-8")
    assert page.startswith("# cpu-stolen\n")
