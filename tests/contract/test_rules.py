"""Every rule has its page, fires on its own trace, is silent on a healthy one, and says what it lacks."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import pytest

from gpumon.diagnosis.diagnose import RULES, diagnose
from gpumon.diagnosis.rule import NotJudged, Rule, Silent
from gpumon.diagnosis.view import View, view_of
from gpumon.model.finding import Finding
from gpumon.model.measure import Missing
from gpumon.model.metrics import METRICS
from gpumon.model.training import Phase
from tests.unit.synthetic_training import GIB, HEALTHY, PID, STARVED, Scene

NAN = float("nan")
OWN_TRACES: dict[str, Scene] = {
    "starting": Scene(phases=(Phase.START,) * 20),
    "starved-no-workers": Scene(workers=0, wait=None, idle=None, cpu=None, queue=None, gpu_busy=0.43),
    "starved-too-many-workers": Scene(wait=0.68, workers=4, idle=0.04, cpu=0.31, queue=0.64, cores=2),
    "starved-cpu-exhausted": Scene(wait=0.5, workers=8, idle=0.01, cpu=0.92, queue=0.3, main_cpu=0.5),
    "starved-too-few-workers": STARVED,
    "compute-bound": HEALTHY,
    "unclear": Scene(wait=0.05),
    "nan-loss": Scene(losses=(NAN, 0.03, 0.02)),
    "shm-nearly-full": Scene(shm_total=64 * 2**20, shm_free=5 * 2**20),
    "vram-at-limit": Scene(gpu_own=int(11.8 * GIB)),
}
# What to take away so that a rule cannot judge; `starting` needs only the phase, which is always there,
# and `unclear` exists for what is missing.
DEPRIVED: dict[str, Scene] = {
    "starved-too-many-workers": replace(OWN_TRACES["starved-too-many-workers"], queue=None),
    "starved-cpu-exhausted": replace(OWN_TRACES["starved-cpu-exhausted"], queue=None),
    "starved-too-few-workers": replace(STARVED, wait=None),
    "compute-bound": replace(HEALTHY, wait=None),
    "nan-loss": replace(HEALTHY, losses=None),
    "vram-at-limit": replace(OWN_TRACES["vram-at-limit"], gpu_mig=True),
    "starved-no-workers": replace(OWN_TRACES["starved-no-workers"], seconds=2),
    "unclear": replace(OWN_TRACES["unclear"], seconds=5),
}
SECTIONS = (
    "## What it means",
    "## What is measured",
    "## Thresholds",
    "## What it is confused with",
    "## What to do",
)
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def view(scene: Scene) -> View:
    """Return the view of a scene."""
    found = view_of(scene.window(), PID)
    assert found is not None
    return found


@every_rule
def test_a_rule_has_its_page(rule: Rule) -> None:
    """The page lies beside the rule as package data and has all sections."""
    text = files("gpumon.diagnosis.rules").joinpath(rule.page).read_text(encoding="utf-8")
    assert text.startswith(f"# {rule.id}\n")
    assert [section for section in SECTIONS if section not in text] == []


def test_every_page_belongs_to_a_rule() -> None:
    """There is no page without its rule."""
    pages = {entry.name for entry in files("gpumon.diagnosis.rules").iterdir() if entry.name.endswith(".md")}
    assert pages == {rule.page for rule in RULES}


@every_rule
def test_a_rule_needs_only_measures_of_the_vocabulary(rule: Rule) -> None:
    """Names in `needs` are names of METRICS."""
    assert set(rule.needs) <= {metric.name for metric in METRICS}


@every_rule
def test_a_rule_fires_on_its_own_trace(rule: Rule) -> None:
    """On its own trace a rule gives its finding, and the diagnosis holds it."""
    scene = OWN_TRACES[rule.id]
    judgement = rule.judge(view(scene))
    assert isinstance(judgement, Finding)
    assert judgement.id == rule.id
    assert rule.id in [finding.id for finding in diagnose(scene.window(), PID)]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.id != "compute-bound"], ids=lambda r: r.id)
def test_a_rule_is_silent_on_a_healthy_training(rule: Rule) -> None:
    """Nothing but the healthy verdict fires on a healthy training."""
    assert isinstance(rule.judge(view(HEALTHY)), Silent)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.id in DEPRIVED], ids=lambda rule: rule.id)
def test_a_rule_says_what_it_lacks(rule: Rule) -> None:
    """Without its signal a rule does not judge, and names the reason."""
    judgement = rule.judge(view(DEPRIVED[rule.id]))
    assert isinstance(judgement, NotJudged)
    assert len(judgement.reason) > 10


def test_the_rule_of_shared_memory_says_what_it_lacks() -> None:
    """A /dev/shm that cannot be seen is not judged."""
    sample = HEALTHY.sample(0)
    reading = sample.trainings[0]
    blind = replace(reading, loader=replace(reading.loader, shm=Missing("another user's mount")))
    rule = next(rule for rule in RULES if rule.id == "shm-nearly-full")
    window = Scene(seconds=1).window()
    found = view_of(replace(window, samples=(replace(sample, trainings=(blind,)),)), PID)
    assert found is not None
    judgement = rule.judge(found)
    assert isinstance(judgement, NotJudged)
    assert "another user's mount" in judgement.reason


@every_rule
def test_a_finding_carries_evidence_with_names_of_the_vocabulary(rule: Rule) -> None:
    """Evidence names its measure, and low and high hold the value."""
    judgement = rule.judge(view(OWN_TRACES[rule.id]))
    assert isinstance(judgement, Finding)
    names = {metric.name for metric in METRICS}
    for evidence in judgement.evidence:
        assert evidence.metric in names
        assert evidence.text
        if evidence.low is not None and evidence.high is not None:
            assert evidence.low <= evidence.value <= evidence.high
