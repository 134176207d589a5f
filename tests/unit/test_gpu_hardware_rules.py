"""What a GPU itself suffers from: heat, power, neighbours, silence, and being left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gpumon.diagnosis.rule import NotJudged, Rule, Silent
from gpumon.diagnosis.rules import (
    data_parallel,
    gpu_lost,
    gpu_shared,
    idle_gpus,
    not_on_gpu,
    power_capped,
    thermal_throttle,
)
from gpumon.model.finding import Severity
from gpumon.model.gpu import DriverState
from gpumon.model.training import Phase
from tests.unit.gpu_scene import GpuScene, found, judged
from tests.unit.synthetic_training import GIB

HOT = GpuScene(throttle_thermal=0.4, temperature=88.0, sm_clock=1.3e9)
CAPPED = GpuScene(throttle_power=0.5, sm_clock=1.5e9)
SHARED = GpuScene(own_busy=0.6, stranger_busy=0.4, stranger_bytes=3 * GIB)
LOST = GpuScene(lost_at=14, others=(0.0,))
ON_CPU = GpuScene(device="cpu", uses_gpu=False, gpu_own=None, gpu_busy=0.0, main_cpu=3.8, rate=4.0)
UNSEEN = replace(ON_CPU, device="0")
SPARE = GpuScene(others=(0.0, 0.01))
ONE_PROCESS = GpuScene(replicas=2, own_busy=0.3)
HARDWARE: tuple[tuple[Rule, GpuScene], ...] = (
    (thermal_throttle.RULE, HOT),
    (power_capped.RULE, CAPPED),
    (gpu_shared.RULE, SHARED),
    (gpu_lost.RULE, LOST),
    (not_on_gpu.RULE, ON_CPU),
    (not_on_gpu.RULE, UNSEEN),
    (idle_gpus.RULE, SPARE),
    (data_parallel.RULE, ONE_PROCESS),
)


@pytest.mark.parametrize(("rule", "scene"), HARDWARE, ids=lambda value: getattr(value, "id", ""))
def test_each_fires_on_its_own_fault(rule: Rule, scene: GpuScene) -> None:
    """On its fault a rule gives a finding of its id."""
    assert found(rule, scene).id == rule.id


@pytest.mark.parametrize("rule", list(dict.fromkeys(rule for rule, _ in HARDWARE)), ids=lambda rule: rule.id)
def test_each_is_silent_on_a_healthy_training(rule: Rule) -> None:
    """Nothing of the hardware fires where nothing is the matter."""
    assert isinstance(judged(rule, GpuScene()), Silent)


def test_heat_is_told_with_its_degrees_and_its_cost() -> None:
    """The sentence has share, degrees and clock; the loss is the lower clock, within the slowed time."""
    finding = found(thermal_throttle.RULE, HOT)
    assert finding.text == (
        "heat slows the GPU 40 % of the time: 88 °C, it brakes hard at 95; its clock is 1300 MHz, 62 % of its"
        " highest"
    )
    assert finding.lost_ratio == pytest.approx(1 - 1.3 / 2.1)


def test_a_moment_of_heat_is_no_finding() -> None:
    """Up to 1 % of the time is silent."""
    assert isinstance(judged(thermal_throttle.RULE, replace(HOT, throttle_thermal=0.008)), Silent)


def test_the_hottest_of_several_gpus_is_named() -> None:
    """With several GPUs the sentence says which one."""
    text = found(thermal_throttle.RULE, replace(HOT, replicas=2)).text
    assert text.startswith("heat slows GPU 0 40 % of the time")


def test_a_power_cap_at_full_clock_is_silent() -> None:
    """Full load at the power limit is no fault while the clock stays up."""
    assert isinstance(judged(power_capped.RULE, replace(CAPPED, sm_clock=1.95e9)), Silent)


def test_a_low_clock_without_a_cap_is_silent() -> None:
    """An idle GPU lowers its clock by itself."""
    assert isinstance(judged(power_capped.RULE, replace(CAPPED, throttle_power=0.02)), Silent)


def test_the_power_brake_is_a_warning() -> None:
    """A brake pulled from outside is graver than a limit, whatever the clock says."""
    finding = found(power_capped.RULE, GpuScene(throttle_brake=0.2))
    assert finding.severity is Severity.WARNING
    assert "its power supply is overloaded" in finding.text


def test_a_neighbour_is_named_with_what_it_takes() -> None:
    """PID, share of time and memory of the other process; the loss is its share."""
    finding = found(gpu_shared.RULE, SHARED)
    assert finding.text.startswith("process 9000 keeps the GPU busy 40 % of the time and holds 3.0 GiB")
    assert finding.lost_ratio == pytest.approx(0.4)


def test_a_neighbour_that_only_holds_memory_is_silent() -> None:
    """Memory alone costs no time."""
    assert isinstance(judged(gpu_shared.RULE, replace(SHARED, stranger_busy=0.0)), Silent)


def test_a_desktop_on_the_card_is_silent() -> None:
    """A few per cent for a screen are no neighbour."""
    assert isinstance(judged(gpu_shared.RULE, replace(SHARED, stranger_busy=0.06)), Silent)


def test_a_hidden_process_list_is_not_judged() -> None:
    """Who shares the GPU cannot be told without the driver's list."""
    judgement = judged(gpu_shared.RULE, replace(SHARED, lists_processes=False))
    assert isinstance(judgement, NotJudged)
    assert "hidden by the container" in judgement.reason


def test_the_lost_gpu_is_named_with_its_last_words() -> None:
    """Which GPU, why, since when, and how hot it was before."""
    finding = found(gpu_lost.RULE, LOST)
    assert finding.text.startswith(
        "GPU 0 (RTX 3060) does not answer any more: the GPU has fallen off the bus"
    )
    assert finding.since_unix_seconds == 1.7e9 + 14
    assert finding.evidence[0].text == "when it last answered it had 68 °C"


def test_a_driver_that_is_gone_is_not_a_lost_gpu() -> None:
    """After an update of the driver nothing answers, while trainings go on."""
    scene = replace(LOST, driver_state=DriverState.MISMATCHED)
    assert isinstance(judged(gpu_lost.RULE, scene), NotJudged)


def test_a_lost_gpu_of_others_is_silent() -> None:
    """A training that still has its GPU is not told of another one."""
    scene = GpuScene(replicas=2, lost_at=0, seconds=20)
    assert isinstance(judged(gpu_lost.RULE, scene), Silent)


def test_a_training_on_the_cpu_by_its_flag() -> None:
    """The flag is told as the reason."""
    text = found(not_on_gpu.RULE, ON_CPU).text
    assert text == (
        "the training computes on the CPU on 4 cores, although RTX 3060 is there: it was started with"
        " --device cpu"
    )


def test_a_training_on_the_cpu_in_spite_of_its_flag() -> None:
    """Where it asked for a GPU, a PyTorch without CUDA is the likeliest reason."""
    assert "built without CUDA" in found(not_on_gpu.RULE, UNSEEN).text


@pytest.mark.parametrize(
    "blind",
    [
        lambda scene: replace(scene, lists_processes=False),
        lambda scene: replace(scene, stranger_busy=0.5, stranger_note="PID of another namespace"),
        lambda scene: replace(scene, seconds=3),
    ],
    ids=["hidden", "unmapped", "early"],
)
def test_whether_it_is_on_the_gpu_is_not_guessed(blind: Callable[[GpuScene], GpuScene]) -> None:
    """Without a sound list of processes, or before the first steps, nothing is said."""
    assert isinstance(judged(not_on_gpu.RULE, blind(UNSEEN)), NotJudged)


def test_a_training_that_starts_is_not_told_to_be_on_the_cpu() -> None:
    """A GPU is taken at the first step."""
    scene = replace(UNSEEN, phases=(Phase.START,) * 20)
    assert isinstance(judged(not_on_gpu.RULE, scene), NotJudged)


def test_a_virtual_gpu_is_none_that_a_real_training_could_use() -> None:
    """Beside a simulated training its GPU is listed, and says nothing of another one on the CPU."""
    assert isinstance(judged(not_on_gpu.RULE, replace(ON_CPU, virtual=(0,))), Silent)


def test_idle_gpus_are_counted_and_named() -> None:
    """How many of how many, which, and how many are used."""
    finding = found(idle_gpus.RULE, SPARE)
    assert finding.text == "2 of 3 GPUs idle (1, 2) while the training uses 1"


def test_idle_gpus_do_not_help_a_training_that_waits() -> None:
    """Under a data wait the sentence says so."""
    assert "only once it does not wait" in found(idle_gpus.RULE, replace(SPARE, wait=0.4)).text


@pytest.mark.parametrize(
    "scene",
    [
        replace(SPARE, others=(0.4, 0.3)),
        replace(SPARE, other_used=5 * GIB),
        replace(SPARE, other_total=2 * GIB),
        replace(SPARE, others=()),
        replace(SPARE, virtual=(1, 2)),
    ],
    ids=["busy", "held", "small", "none", "virtual"],
)
def test_gpus_that_are_no_help_are_not_idle(scene: GpuScene) -> None:
    """What is busy, held by somebody, or much smaller is left out."""
    assert isinstance(judged(idle_gpus.RULE, scene), Silent)


def test_other_gpus_that_tell_nothing_are_not_judged() -> None:
    """MIG and the like hide how busy a GPU is."""
    assert isinstance(judged(idle_gpus.RULE, replace(SPARE, others=(None,))), NotJudged)


def test_a_context_on_a_second_gpu_is_no_replica() -> None:
    """A few hundred MiB without work are a CUDA context."""
    scene = replace(ONE_PROCESS, replica_bytes=GIB // 2, own_busy=0.0)
    assert isinstance(judged(data_parallel.RULE, scene), Silent)


def test_ranks_are_not_data_parallel() -> None:
    """With a process for each GPU there is nothing to tell."""
    assert isinstance(judged(data_parallel.RULE, replace(ONE_PROCESS, ranks=2)), Silent)
