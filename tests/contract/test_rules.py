"""Every rule has its page, fires on a trace of its own, is silent on healthy ones, and says what it lacks."""

from __future__ import annotations

from importlib.resources import files

import pytest

from gpumon.diagnosis.diagnose import RULES, diagnose
from gpumon.diagnosis.rule import NotJudged, Rule
from gpumon.history.window import Window
from gpumon.model.finding import Finding
from gpumon.model.metrics import METRICS
from gpumon.model.training import Phase
from tests.contract.rule_traces import view_at_the_end, window_of_trace, without
from tests.lab.library import entries
from tests.unit.gpu_scene import GpuScene, Link
from tests.unit.synthetic_training import Scene

# What was really injected (or, of GPUs, told by a stand-in driver) and recorded; only traces to tune on.
OWN_TRACES: dict[str, str] = {
    "hung": "hang-high",
    "starved-no-workers": "no-workers-high",
    "starved-cpu-quota": "cpu-quota-high",
    "starved-too-many-workers": "too-many-workers-high",
    "starved-neighbours": "neighbours-middle",
    "starved-cpu-exhausted": "cores-exhausted-middle",
    "starved-remote-storage": "remote-storage-fuse-high",
    "starved-page-cache": "page-cache-high",
    "starved-local-disk": "local-disk-high",
    "starved-lock": "lock-high",
    "starved-slow-samples": "slow-samples-high",
    "starved-too-few-workers": "too-few-workers-high",
    "host-overhead": "host-gap-high",
    "batch-too-small": "batch-too-small-high",
    "compute-bound": "healthy-steady-spin",
    "ddp-imbalance": "slow-rank-high",
    "validation-share": "validation-heavy-high",
    "checkpoint-stall": "slow-checkpoint-high",
    "workers-respawned": "workers-respawned-middle",
    "nan-loss": "nan-high",
    "shm-nearly-full": "small-shm-high",
    "vram-growth": "leak-high",
    "vram-at-limit": "memory-at-limit-middle",
    "host-memory-pressure": "host-memory-high",
    "gpu-lost": "gpu-lost-high",
    "thermal-throttle": "thermal-throttle-middle",
    "power-capped": "power-capped-middle",
    "gpu-shared": "gpu-shared-middle",
    "idle-gpus": "idle-gpus-middle",
}
# Where no trace to tune on has it: made-up samples.
OWN_SCENES: dict[str, Scene] = {
    "starting": Scene(phases=(Phase.START,) * 20),
    "unclear": Scene(wait=0.05),
    "not-on-gpu": GpuScene(device="cpu", uses_gpu=False, gpu_own=None, gpu_busy=0.0, main_cpu=3.8, rate=4.0),
    "transfer-bound": GpuScene(link=Link(generation=1, received=3e9)),
    "amp-off": GpuScene(amp=False, amp_source="the log: AMP checks failed"),
    "memory-bandwidth-bound": GpuScene(sm_busy=0.9, tensor_busy=0.15, bandwidth=0.72, capability=(9, 0)),
    "data-parallel": GpuScene(replicas=2, own_busy=0.3),
}
HEALTHY = tuple(
    entry.name for entry in entries() if entry.set_name == "tune" and entry.name.startswith("healthy-")
)
SECTIONS = (
    "## What it means",
    "## What is measured",
    "## Thresholds",
    "## What it is confused with",
    "## What to do",
)
NAMES = {metric.name for metric in METRICS}
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
every_need = pytest.mark.parametrize(
    ("rule", "need"),
    [(rule, need) for rule in RULES for need in rule.needs],
    ids=lambda one: getattr(one, "id", one),
)


def own_window(rule: Rule) -> Window:
    """Return the window at the end of a trace in which the rule should fire."""
    name = OWN_TRACES.get(rule.id)
    return window_of_trace(name) if name else OWN_SCENES[rule.id].window()


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
    assert set(rule.needs) <= NAMES


@every_rule
def test_a_rule_fires_on_a_trace_of_its_own(rule: Rule) -> None:
    """There a rule gives its finding, and the diagnosis holds it."""
    window = own_window(rule)
    view = view_at_the_end(window)
    judgement = rule.judge(view)
    assert isinstance(judgement, Finding), judgement
    assert judgement.id == rule.id
    assert rule.id in [finding.id for finding in diagnose(window, view.pid)]


@every_rule
def test_a_finding_carries_evidence_with_names_of_the_vocabulary(rule: Rule) -> None:
    """Evidence names its measure, and low and high hold the value; the text is one sentence."""
    finding = rule.judge(view_at_the_end(own_window(rule)))
    assert isinstance(finding, Finding)
    assert "\n" not in finding.text
    assert not finding.text.endswith(".")
    assert finding.lost_ratio is None or 0.0 <= finding.lost_ratio <= 1.0
    for evidence in finding.evidence:
        assert evidence.metric in NAMES
        assert evidence.text
        if evidence.low is not None and evidence.high is not None:
            assert evidence.low <= evidence.value <= evidence.high


@pytest.mark.parametrize("trace", HEALTHY)
def test_nothing_fires_on_a_healthy_training(trace: str) -> None:
    """At the end of a negative control only its verdict is told; or, close to 5 %, that it is unclear."""
    view = view_at_the_end(window_of_trace(trace))
    fired = [rule.id for rule in RULES if isinstance(rule.judge(view), Finding)]
    assert fired in (["compute-bound"], ["unclear"])


@every_need
def test_a_rule_says_what_it_lacks(rule: Rule, need: str) -> None:
    """Without a measure that it needs a rule does not judge, and names the reason."""
    judgement = rule.judge(view_at_the_end(without(own_window(rule), need)))
    assert isinstance(judgement, NotJudged), judgement
    assert len(judgement.reason) > 10
