"""What the time of a fed GPU goes to: gaps, launches, full precision, its memory, its link."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.diagnosis.rule import NotJudged, Rule, Silent
from gpumon.diagnosis.rules import (
    amp_off,
    batch_too_small,
    host_overhead,
    memory_bandwidth_bound,
    transfer_bound,
)
from gpumon.diagnosis.step import Step, step_of
from gpumon.diagnosis.view import view_of
from tests.unit.gpu_scene import GpuScene, Link, found, judged
from tests.unit.synthetic_training import GIB, PID

GAP = GpuScene(gpu_busy=0.6, main_cpu=1.0)
SMALL = GpuScene(batch_size=3, batch_rate=14.0, gpu_own=2 * GIB)
COUNTED = GpuScene(sm_busy=0.9, tensor_busy=0.4, bandwidth=0.3, capability=(9, 0))
EMPTY = replace(COUNTED, sm_busy=0.12, gpu_own=2 * GIB)
NO_AMP = GpuScene(amp=False, amp_source="the log: AMP checks failed")
MOVING = replace(COUNTED, bandwidth=0.72, tensor_busy=0.15)
SLOW_LINK = GpuScene(link=Link(generation=1, received=3e9))
CLASSES: tuple[tuple[Rule, GpuScene], ...] = (
    (host_overhead.RULE, GAP),
    (batch_too_small.RULE, SMALL),
    (batch_too_small.RULE, EMPTY),
    (amp_off.RULE, NO_AMP),
    (memory_bandwidth_bound.RULE, MOVING),
    (transfer_bound.RULE, SLOW_LINK),
)


@pytest.mark.parametrize(("rule", "scene"), CLASSES, ids=lambda value: getattr(value, "id", ""))
def test_each_fires_on_its_own_fault(rule: Rule, scene: GpuScene) -> None:
    """On its fault a rule gives a finding of its id."""
    assert found(rule, scene).id == rule.id


@pytest.mark.parametrize("scene", [GpuScene(), COUNTED], ids=["without counters", "with counters"])
@pytest.mark.parametrize(
    "rule", [host_overhead, batch_too_small, amp_off, transfer_bound], ids=lambda r: r.__name__
)
def test_each_is_silent_on_a_healthy_training(rule: object, scene: GpuScene) -> None:
    """None of them fires where nothing is the matter."""
    assert isinstance(judged(rule.RULE, scene), Silent)  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", [host_overhead.RULE, batch_too_small.RULE], ids=lambda rule: rule.id)
@pytest.mark.parametrize("blind", [{"wait": None}, {"gpu_busy": None}, {"seconds": 2}], ids=str)
def test_without_wait_or_utilisation_nothing_is_said(rule: Rule, blind: dict[str, None]) -> None:
    """Both rest on the step's parts; without one of them they do not judge."""
    assert isinstance(judged(rule, replace(GAP, **blind)), NotJudged)  # type: ignore[arg-type]


def test_the_gap_is_the_idle_time_without_the_wait() -> None:
    """Busy 60 %, waiting 10 %: the gap is 30 %, within the ends of both."""
    view = view_of(replace(GAP, wait=0.1).window(), PID)
    assert view is not None
    step = step_of(view)
    assert isinstance(step, Step)
    assert step.gap.value == pytest.approx(0.3, abs=0.01)
    assert step.gap.low < step.gap.value < step.gap.high


def test_the_gap_is_told_with_the_saturated_core() -> None:
    """One core of the main process is busy while others idle: no case for more workers."""
    finding = found(host_overhead.RULE, GAP)
    assert finding.text.startswith("the GPU idles 40 % of each step with a batch at hand (it waits only 0 %")
    assert finding.text.endswith("on 1 core while 6 cores idle")
    assert finding.lost_ratio == pytest.approx(0.4)


def test_a_main_process_that_sleeps_is_no_overhead() -> None:
    """Who sleeps through the gap waits for something else: a disk, a barrier."""
    assert isinstance(judged(host_overhead.RULE, replace(GAP, main_cpu=0.05)), Silent)


def test_a_data_wait_is_no_overhead() -> None:
    """Idle time that is spent waiting for a batch is not the loop's."""
    assert isinstance(judged(host_overhead.RULE, replace(GAP, wait=0.38)), Silent)


def test_a_small_batch_is_told_with_its_step() -> None:
    """Images, time of a step and the memory that is left."""
    text = found(batch_too_small.RULE, SMALL).text
    assert text.startswith("a batch of 3 images for each GPU in 71 ms is too small")
    assert text.endswith("2.0 of 12.0 GiB (17 %) of its memory")


@pytest.mark.parametrize(
    "scene",
    [
        replace(SMALL, gpu_own=8 * GIB),
        replace(SMALL, batch_size=8),
        replace(SMALL, batch_rate=2.0),
        replace(SMALL, wait=0.2),
        replace(SMALL, sm_busy=0.8),
    ],
    ids=["no room", "eight images", "long steps", "waits", "full SMs"],
)
def test_a_batch_is_not_too_small(scene: GpuScene) -> None:
    """Without room, with enough images, long steps, a wait, or full SMs a larger batch is not the advice."""
    assert isinstance(judged(batch_too_small.RULE, scene), Silent)


def test_counters_overrule_the_size_of_a_batch() -> None:
    """A large batch of a tiny model leaves the SMs empty all the same."""
    text = found(batch_too_small.RULE, replace(EMPTY, batch_size=64)).text
    assert text.startswith(
        "a batch of 64 images is too small for the GPU: the loop waits only 0 % for data, yet only 12 %"
    )


def test_a_step_without_its_time_is_small_by_its_memory() -> None:
    """With no rate at all so little memory shows that the images are small, and half of it does not."""
    scene = replace(SMALL, batch_rate=None, rate=None)
    assert found(batch_too_small.RULE, scene).text.startswith("a batch of 3 images for each GPU is too small")
    assert isinstance(judged(batch_too_small.RULE, replace(scene, gpu_own=5 * GIB)), NotJudged)


def test_ranks_share_the_batch() -> None:
    """What counts are the images of one GPU."""
    assert "a batch of 4 images" in found(batch_too_small.RULE, replace(SMALL, batch_size=4, ranks=2)).text


def test_amp_is_told_with_the_checklist() -> None:
    """Who says that it is off, and the answers to what people are told to check."""
    finding = found(amp_off.RULE, NO_AMP)
    assert finding.text == (
        "mixed precision (AMP) is off, says the log: AMP checks failed, on RTX 3060: tensor cores: yes"
        " (compute capability 8.6); driver for CUDA 12.6: yes (560.35.03); the CPU is the bottleneck: no"
        " (wait for data 0 % ±0.3)"
    )


def test_the_checklist_names_what_is_wrong() -> None:
    """An old driver and a loader that is the limit are answers, too."""
    text = found(amp_off.RULE, replace(NO_AMP, cuda="10.2", wait=0.4)).text
    assert "driver for CUDA 10.2: no, 11.1 is needed" in text
    assert "the CPU is the bottleneck: yes, so AMP gains less" in text


def test_a_wait_near_the_limit_is_not_certain() -> None:
    """As the plan says on the same screen: neither yes nor no."""
    assert "the CPU is the bottleneck: not certain" in found(amp_off.RULE, replace(NO_AMP, wait=0.05)).text


def test_idle_tensor_cores_prove_full_precision() -> None:
    """Where nobody tells whether AMP is on, the counters do."""
    scene = replace(COUNTED, amp=None, tensor_busy=0.001)
    assert "tensor cores of the GPU are at work only 0.1 %" in found(amp_off.RULE, scene).text


def test_old_gpus_need_no_amp() -> None:
    """Below compute capability 7.0 there are no tensor cores."""
    assert isinstance(judged(amp_off.RULE, replace(NO_AMP, capability=(6, 1))), Silent)


def test_cards_without_tensor_cores_in_spite_of_their_number() -> None:
    """The GTX 16 series has compute capability 7.5 and no tensor cores."""
    assert isinstance(judged(amp_off.RULE, replace(NO_AMP, gpu_name="NVIDIA GeForce GTX 1660 Ti")), Silent)


def test_whether_amp_is_on_is_not_guessed() -> None:
    """Without a word and without counters nothing is said."""
    assert isinstance(judged(amp_off.RULE, replace(NO_AMP, amp=None)), NotJudged)


def test_a_busy_memory_is_told_with_what_is_not_the_limit() -> None:
    """The memory's share, and that the tensor cores are not at work."""
    text = found(memory_bandwidth_bound.RULE, MOVING).text
    assert text == (
        "the memory of the GPU is the limit: it moves 72 % of what it can at most, while the tensor cores are"
        " at work only 15 % of the time and 90 % of the SMs are active"
    )


@pytest.mark.parametrize(
    "scene",
    [replace(MOVING, bandwidth=0.45), replace(MOVING, tensor_busy=0.6), replace(MOVING, wait=0.3)],
    ids=["half idle", "tensor cores", "waits"],
)
def test_a_memory_that_is_not_the_limit(scene: GpuScene) -> None:
    """Moving little, computing much, or waiting for data are other classes."""
    assert isinstance(judged(memory_bandwidth_bound.RULE, scene), Silent)


def test_without_counters_the_memory_is_not_judged() -> None:
    """Older GPUs have no such counter, and the reason is told."""
    judgement = judged(memory_bandwidth_bound.RULE, GpuScene())
    assert isinstance(judgement, NotJudged)
    assert "made to be missing" in judgement.reason


def test_a_narrow_link_is_told_with_what_it_could_be() -> None:
    """Share of time, rate, link, and how much more it could carry."""
    finding = found(transfer_bound.RULE, SLOW_LINK)
    assert finding.text == (
        "transfers to the GPU take 88 % of the time: it receives 2.8 GiB/s over PCIe 1.0 x16; the link could"
        " carry 8 times as much"
    )
    assert finding.lost_ratio == pytest.approx(0.88 * (1 - 1 / 7.88), abs=0.01)


def test_memory_that_is_not_pinned_is_blamed_from_a_tenth_on() -> None:
    """Copies from memory that is not pinned are slow: 15 % of the time is worth a word."""
    scene = GpuScene(link=Link(received=2e9), pinned=False)
    assert "does not pin its memory" in found(transfer_bound.RULE, scene).text
    assert isinstance(judged(transfer_bound.RULE, replace(scene, pinned=True)), Silent)


def test_an_idle_gpu_lowers_its_link() -> None:
    """A low generation without load is how power is saved."""
    scene = GpuScene(link=Link(generation=1, received=0.5e9), gpu_busy=0.2)
    assert isinstance(judged(transfer_bound.RULE, scene), Silent)


def test_an_unknown_link_is_not_judged() -> None:
    """Without its generation nobody knows what the link could carry."""
    assert isinstance(judged(transfer_bound.RULE, GpuScene(link=Link(generation=None))), NotJudged)


def test_without_a_rate_of_batches_that_of_images_tells_the_step() -> None:
    """42 images a second in batches of 3 are steps of 71 ms."""
    text = found(batch_too_small.RULE, replace(SMALL, batch_rate=None, rate=42.0)).text
    assert text.startswith("a batch of 3 images for each GPU in 71 ms")
