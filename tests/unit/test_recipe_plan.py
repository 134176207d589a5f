"""The plan: every step has a state and evidence of this run, at every phase of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from gpumon.advice.golden_rule import plan_of
from gpumon.advice.prior import NOTHING_KNOWN, Prior, SeenRate
from gpumon.diagnosis.diagnose import examine
from gpumon.model.finding import Finding, Severity
from gpumon.model.measure import Certainty, Measure
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.suggestion import Change, MemoryOutlook, OomRisk, RiskLevel
from gpumon.model.training import Phase
from tests.unit.gpu_scene import GpuScene
from tests.unit.recipe import NO_OUTLOOK, Seen, changed, plan
from tests.unit.run_scene import view, with_loader
from tests.unit.synthetic_training import GIB, HEALTHY, STARVED, Scene
from tests.unit.test_diagnosis import scenes

_LOW = OomRisk(0.01, RiskLevel.LOW, "below 1 %")
_RATE = (("lr0", 0.01),)


def outlook(largest: int, risk: OomRisk = _LOW) -> MemoryOutlook:
    """Return an outlook with that largest safe batch."""
    return MemoryOutlook(5 * GIB, 11 * GIB, risk, largest, largest, largest + 8)


def metrics(step: PlanStep) -> set[str]:
    """Return the names of the evidence of a step."""
    return {item.metric for item in step.evidence}


def test_the_golden_rule_comes_first_and_in_order() -> None:
    """Batch, workers, learning rate, then what matters besides."""
    assert list(plan(Seen(GpuScene())))[:4] == ["batch", "workers", "learning-rate", "amp"]


def test_a_healthy_training_has_every_step_ticked() -> None:
    """The largest batch, workers that feed the GPU, updates of 64 images, AMP that is on."""
    steps = plan(Seen(GpuScene(), _RATE), outlook=outlook(16))
    assert {step.state for step in steps.values()} == {StepState.DONE}
    assert steps["batch"].text == "batch 16 is the largest that is safe"
    assert steps["workers"].text.startswith("4 workers feed the GPU: it waits only")
    assert steps["learning-rate"].text == (
        "an update sums 64 images (4 batches of 16), whatever the batch: lr0 0.01 stays"
    )
    assert steps["amp"].text == "mixed precision is on, says the log: AMP checks passed"


def test_the_evidence_is_of_this_run() -> None:
    """Peak, risk, largest batch; wait, balance, busy ratio; images of an update; the checklist of AMP."""
    steps = plan(Seen(GpuScene(), _RATE, accumulate=4), outlook=outlook(16))
    assert metrics(steps["batch"]) == {
        "training_gpu_memory_used_bytes",
        "oom_risk_ratio",
        "largest_safe_batch",
    }
    assert metrics(steps["workers"]) == {"data_wait_ratio", "worker_busy_ratio", "gpu_busy_ratio"}
    assert metrics(steps["learning-rate"]) == {"update_images", "accumulate", "lr0"}
    assert metrics(steps["amp"]) == {"gpu_compute_capability", "cuda_version", "data_wait_ratio"}
    (balance,) = (item for item in steps["workers"].evidence if item.metric == "worker_busy_ratio")
    assert balance.text == "its 4 workers are busy 40 %: they can prepare 2.5 times what is taken"


def test_a_starved_training_gets_its_workers_first() -> None:
    """The suggestion stands at its step; a larger batch waits for it."""
    steps = plan(Seen(STARVED), changed("workers", 2, 4), outlook=outlook(32))
    assert (steps["workers"].state, steps["workers"].suggestion) == (StepState.TO_DO, 0)
    assert steps["workers"].text == "workers 4"
    assert steps["batch"].state == StepState.LATER
    assert "brings nothing while the GPU waits for data" in steps["batch"].text


def test_workers_that_cannot_feed_the_gpu_are_not_ticked() -> None:
    """Where no number of workers helps the step is for later and says so, else it stays open."""
    steps = plan(Seen(STARVED), changed("workers", 2, 2))
    assert (steps["workers"].state, steps["workers"].suggestion) == (StepState.LATER, 0)
    without = plan(Seen(STARVED))
    assert (without["workers"].state, without["workers"].suggestion) == (StepState.TO_DO, None)


def test_a_larger_batch_is_to_do_and_leaves_the_rate() -> None:
    """16 to 32 keeps 64 images a step: the rate is ticked for both."""
    steps = plan(Seen(HEALTHY, _RATE), changed("batch_size", 16, 32), outlook=outlook(32))
    assert (steps["batch"].state, steps["batch"].suggestion) == (StepState.TO_DO, 0)
    assert steps["learning-rate"].state == StepState.DONE
    assert "and as many at batch 32: lr0 0.01 stays" in steps["learning-rate"].text


def test_an_odd_batch_brings_the_rate_into_the_plan() -> None:
    """16 to 24 changes what an update sums: that comes with the change."""
    steps = plan(Seen(HEALTHY, _RATE), changed("batch_size", 16, 24))
    assert steps["learning-rate"].state == StepState.LATER
    assert "an update then sums 72 images instead of 64" in steps["learning-rate"].text


def test_a_pair_of_batch_and_workers_is_one_change() -> None:
    """The suggestion of a batch that brings its workers stands at both steps."""
    pair = replace(changed("batch_size", 16, 32), together=(Change("workers", 4, 6),))
    steps = plan(Seen(HEALTHY), changed("amp", "off", "on"), pair)
    assert (steps["batch"].suggestion, steps["workers"].suggestion) == (1, 1)


def test_the_batch_of_more_gpus_is_no_change_of_the_batch() -> None:
    """What a launcher changes with it belongs to its own step."""
    gpus = replace(changed("launcher", "1 GPU", "2 GPUs"), together=(Change("batch_size", 16, 32),))
    steps = plan(Seen(GpuScene(others=(0.0,)), _RATE), gpus, outlook=outlook(16))
    assert steps["batch"].state == steps["learning-rate"].state == StepState.DONE
    assert (steps["gpus"].state, steps["gpus"].suggestion) == (StepState.TO_DO, 0)


@pytest.mark.parametrize(
    ("scene", "seen", "state", "words"),
    [
        (HEALTHY, outlook(24), StepState.DONE, "no gain worth a restart"),
        (HEALTHY, outlook(8), StepState.DONE, "batch 16 is above the margin"),
        (HEALTHY, outlook(8, OomRisk(0.07, RiskLevel.ELEVATED, "7 %")), StepState.TO_DO, "only 8 is safe"),
        (HEALTHY, outlook(16, OomRisk(0.6, RiskLevel.HIGH, "it grows")), StepState.TO_DO, "it grows"),
        (HEALTHY, NO_OUTLOOK, StepState.UNKNOWN, "no training step seen yet"),
        (replace(HEALTHY, batch_size=0), outlook(8), StepState.UNKNOWN, "the present batch is not known"),
        (
            replace(HEALTHY, gpu_busy=0.3, main_cpu=1.0),
            outlook(32),
            StepState.DONE,
            "no gain worth a restart",
        ),
        (Scene(wait=0.05), outlook(32), StepState.UNKNOWN, "before there is a verdict"),
        (replace(HEALTHY, gpu=False), NO_OUTLOOK, StepState.UNKNOWN, "computes on the CPU"),
    ],
)
def test_where_the_batch_stands(scene: Scene, seen: MemoryOutlook, state: StepState, words: str) -> None:
    """Without a suggestion: safe, too large, at risk, unknown, or after what limits the training now."""
    step = plan(Seen(scene), outlook=seen)["batch"]
    assert (step.state, words in step.text) == (state, True), step.text


@pytest.mark.parametrize(
    ("scene", "state", "words"),
    [
        (Scene(wait=None), StepState.UNKNOWN, "the main thread cannot be seen"),
        (Scene(wait=0.05), StepState.UNKNOWN, "too near to 5 % to call"),
        (Scene(seconds=2), StepState.UNKNOWN, "only 2 s of steady training seen"),
        (Scene(phases=(Phase.START,) * 20), StepState.UNKNOWN, "it has not begun to train"),
        (Scene(workers=1), StepState.DONE, "1 worker feeds the GPU"),
        (Scene(workers=0, sees_loading=True), StepState.DONE, "no workers are needed"),
        (Scene(gpu_busy=0.6, main_cpu=0.1), StepState.DONE, "busy only 60 % has another reason"),
        (replace(HEALTHY, gpu=False), StepState.DONE, "feed the training"),
    ],
)
def test_where_the_workers_stand(scene: Scene, state: StepState, words: str) -> None:
    """Fed, too near to call, not seen, or not begun: the wait decides, never the busy ratio."""
    step = plan(Seen(scene))["workers"]
    assert (step.state, words in step.text) == (state, True), step.text


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (
            Seen(replace(HEALTHY, batch_size=24), _RATE),
            StepState.DONE,
            "instead of 64, +12 %: lr0 0.01",
        ),
        (Seen(replace(HEALTHY, batch_size=128)), StepState.DONE, "grows with the batch by itself: lr0 stays"),
        (Seen(replace(HEALTHY, batch_size=256)), StepState.UNKNOWN, "0.005 to 0.01 is right, its own is not"),
        (
            Seen(replace(HEALTHY, batch_size=256), (("lr0", 0.02),)),
            StepState.TO_DO,
            "0.005 to 0.01 instead of 0.02",
        ),
        (Seen(replace(HEALTHY, batch_size=256), (("lr0", 0.008),)), StepState.DONE, "0.008 is right"),
        (Seen(replace(HEALTHY, batch_size=0)), StepState.UNKNOWN, "the batch is not known"),
        (Seen(replace(HEALTHY, framework="torch")), StepState.UNKNOWN, "linearly with SGD"),
        (
            Seen(replace(HEALTHY, losses=(float("nan"), 0.1, 0.1))),
            StepState.TO_DO,
            "lower lr0 in a copy of the file of hyperparameters",
        ),
    ],
)
def test_where_the_learning_rate_stands(seen: Seen, state: StepState, words: str) -> None:
    """Built in, off by a little, too large a step, not known, or diverged."""
    step = plan(seen)["learning-rate"]
    assert (step.state, words in step.text) == (state, True), step.text


def test_an_earlier_run_tells_which_batch_the_rate_was_made_for() -> None:
    """Without accumulation: from 64 to 16 the rate would go to a quarter."""
    prior = Prior(rates=(SeenRate(6, 64, None, 148.0, 140.0, 155.0),))
    seen = Seen(replace(HEALTHY, framework="torch"), (("optimizer", "SGD"),))
    step = plan(seen, prior=prior)["learning-rate"]
    assert step.state == StepState.UNKNOWN
    assert "an earlier run had batch 64, this one 16" in step.text
    assert "learning rate times 0.25" in step.text


def test_the_fastest_earlier_run_is_evidence() -> None:
    """What this machine has reached before stands beside what it reaches now."""
    prior = Prior(rates=(SeenRate(2, 16, None, 90.0, 88.0, 92.0), SeenRate(6, 32, None, 148.0, 140.0, 155.0)))
    step = plan(Seen(STARVED), prior=prior)["workers"]
    (fastest,) = (item for item in step.evidence if item.metric == "images_per_second")
    assert fastest.text == "the fastest earlier run made 148 images/s with 6 workers and batch 32"


@pytest.mark.parametrize(
    ("scene", "state", "words"),
    [
        (GpuScene(amp=False), StepState.TO_DO, "mixed precision (AMP) is off"),
        (GpuScene(amp=False, capability=(6, 1)), StepState.DONE, "nothing to gain: compute capability 6.1"),
        (GpuScene(amp=None), StepState.UNKNOWN, "whether AMP is on is not known"),
        (GpuScene(amp=False, wait=0.41, idle=0.02, cpu=0.96), StepState.LATER, "so AMP gains less"),
    ],
)
def test_where_mixed_precision_stands(scene: GpuScene, state: StepState, words: str) -> None:
    """On, off, of no use, not known; after the workers where the GPU waits."""
    step = plan(Seen(scene))["amp"]
    assert (step.state, words in step.text) == (state, True), step.text


def test_the_checklist_is_ticked_with_numbers() -> None:
    """Tensor cores and their use, the driver, and whether the CPU is the bottleneck."""
    scene = GpuScene(tensor_busy=0.2, capability=(6, 1), cuda="10.2", wait=0.41, idle=0.02, cpu=0.96)
    words = [item.text for item in plan(Seen(scene))["amp"].evidence]
    assert words[0] == "tensor cores: no, it came with 7.0 (compute capability 6.1)"
    assert words[1] == "tensor cores at work: yes (20 % of the time)"
    assert words[2] == "driver for CUDA 10.2: no, 11.1 is needed (560.35.03)"
    assert words[3].startswith("the CPU is the bottleneck: yes, so AMP gains less (wait for data 41 %")


def test_a_cache_comes_after_the_workers() -> None:
    """Suggested beside workers it is for later; alone it is to do; one that is there is ticked."""
    both = plan(Seen(STARVED), changed("workers", 2, 4), changed("cache", "", "ram"))
    alone = plan(Seen(STARVED), changed("cache", "", "ram"))
    there = plan(Seen(HEALTHY, (("cache", "ram"),)))
    assert (both["cache"].state, both["cache"].suggestion) == (StepState.LATER, 1)
    assert (alone["cache"].state, alone["cache"].suggestion) == (StepState.TO_DO, 0)
    assert there["cache"].state == StepState.DONE
    assert "cache" not in plan(Seen(HEALTHY))


def test_a_step_that_does_not_matter_is_left_out() -> None:
    """No image size, no second GPU, no AMP on the CPU."""
    assert {"images", "gpus"} & set(plan(Seen(GpuScene()))) == set()
    assert "amp" not in plan(Seen(replace(HEALTHY, gpu=False)))
    assert plan(Seen(STARVED), changed("images", "4000 px", "640 px"))["images"].suggestion == 0


def test_idle_gpus_wait_for_a_fed_one() -> None:
    """A finding without a suggestion: later where the training is starved."""
    step = plan(Seen(GpuScene(others=(0.0,), wait=0.41, workers=2, idle=0.02, cpu=0.96)))["gpus"]
    assert (step.state, step.suggestion) == (StepState.LATER, None)


@settings(deadline=None, max_examples=100)
@given(scenes)
def test_the_plan_is_whole_whatever_is_read(scene: Scene) -> None:
    """The golden rule's three steps are always there; each step has words, and indices are in range."""
    made = (changed("workers", 1, 2), changed("batch_size", 16, 32))
    steps = plan(Seen(scene), *made)
    assert list(steps)[:3] == ["batch", "workers", "learning-rate"]
    for step in steps.values():
        assert step.text
        assert step.suggestion is None or 0 <= step.suggestion < len(made)
        assert all(item.text for item in step.evidence)
    assert plan(Seen(scene), *made) == steps


def test_nothing_known_is_said_as_such() -> None:
    """A training of which only its process is known: every step says what is missing."""
    seen = Seen(Scene(wait=None, workers=0, rate=None, gpu_busy=None, gpu_own=None, batch_size=0, seconds=1))
    steps = plan(seen, outlook=NO_OUTLOOK)
    assert {step.state for step in steps.values()} == {StepState.UNKNOWN}


@pytest.mark.parametrize(
    "scene",
    [
        GpuScene(uses_gpu=False, gpu_busy=0.0, main_cpu=1.0, gpu_own=None, device=""),
        GpuScene(device="cpu", uses_gpu=False, gpu_busy=0.0, main_cpu=1.0, gpu_own=None),
    ],
)
def test_before_all_steps_it_has_to_compute_on_the_gpu(scene: GpuScene) -> None:
    """A training on the CPU of a machine with a GPU: no step about batch and workers comes first."""
    steps = plan(Seen(scene), changed("workers", 2, 4))
    assert "amp" not in steps
    for name in ("batch", "workers"):
        assert steps[name].state in {StepState.LATER, StepState.UNKNOWN}, steps[name]


def test_a_rank_that_is_late_is_no_fed_gpu() -> None:
    """Rank 0 waits for no data, but for the rank that does."""
    samples = [
        with_loader(
            sample,
            slowest_rank=1,
            slowest_rank_data_wait_ratio=Measure(0.7, Certainty.EXACT, "made up"),
            rank_data_wait_spread_ratio=0.7,
        )
        for sample in Scene(ranks=2).samples()
    ]
    seen = view(samples)
    findings = examine(seen).findings
    steps = {step.name: step for step in plan_of(seen, findings, (), outlook(32), NOTHING_KNOWN)}
    assert findings[0].id == "ddp-imbalance"
    assert (steps["workers"].state, steps["workers"].text) == (StepState.TO_DO, findings[0].text)
    assert steps["batch"].state == StepState.LATER


def test_more_gpus_are_to_do_once_all_before_is_done() -> None:
    """A larger batch first, then the idle GPUs."""
    scene = GpuScene(others=(0.0,))
    gpus = changed("launcher", "1 GPU", "2 GPUs")
    alone = plan(Seen(scene), gpus)["gpus"]
    after = plan(Seen(scene), changed("batch_size", 16, 32), gpus)["gpus"]
    assert (alone.state, alone.suggestion) == (StepState.TO_DO, 0)
    assert (after.state, after.suggestion) == (StepState.LATER, 1)


def test_a_training_that_hangs_has_no_step_before_that() -> None:
    """Every number is of before: batch and workers are for later, the reason is told once."""
    seen = Seen(HEALTHY).view()
    hung = Finding("hung", Severity.CRITICAL, "no batch has come for 60 s", 0.0)
    steps = plan_of(seen, (hung,), (), outlook(32), NOTHING_KNOWN)
    assert [step.state for step in steps[:2]] == [StepState.LATER] * 2
    assert steps[0].text == "no batch has come for 60 s; that comes first"
    assert steps[1].text == "as for the batch"
