"""The baselines: each says what its published rule says, and shows the weakness that is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gpumon.model.gpu import BusySample
from gpumon.model.host import CoreReading
from gpumon.model.measure import known, number
from gpumon.model.sample import Sample
from tests.lab.baselines import (
    BelowNinety,
    FiveTwenty,
    FixedWorkers,
    KempnerPulse,
    TraceMl,
    all_cores,
    simple_baselines,
    yolov5_default,
)
from tests.lab.baselines_sagemaker import SageMaker, sagemaker_baselines
from tests.lab.score_judgement import Advice, Diagnoser, Judgement
from tests.unit.synthetic_training import GIB, HEALTHY, STARVED, Scene

FEW = "starved-too-few-workers"
# As many workers as its rule of workers per cores wants.
FED = replace(HEALTHY, workers=8)


def last_word(
    diagnoser: Diagnoser, scene: Scene, change: Callable[[Sample], Sample] = lambda s: s
) -> Judgement:
    """Return what is said at the end of a scene."""
    judgement = Judgement(abstains=True)
    for sample in scene.samples():
        judgement = diagnoser.see(change(sample))
    return judgement


def with_gpu(**fields: object) -> Callable[[Sample], Sample]:
    """Return a change of the GPU's reading."""

    def change(sample: Sample) -> Sample:
        return replace(sample, gpus=tuple(replace(gpu, **fields) for gpu in sample.gpus))  # type: ignore[arg-type]

    return change


def with_core(busy: float, iowait: float = 0.0) -> Callable[[Sample], Sample]:
    """Return a change of the first core."""

    def change(sample: Sample) -> Sample:
        cores = known(sample.host.cores) or ()
        first = CoreReading(0, busy, iowait, 0.0)
        return replace(sample, host=replace(sample.host, cores=(first, *cores[1:])))

    return change


@pytest.mark.parametrize("make", [BelowNinety, FiveTwenty, TraceMl])
def test_rules_of_thumb_tell_a_starved_training_from_a_fed_one(make: Callable[[], Diagnoser]) -> None:
    """With the GPU 58 % busy it is starved, with 96 % it is not."""
    assert FEW == last_word(make(), STARVED).verdict
    assert "compute-bound" == last_word(make(), replace(HEALTHY, gpu_busy=0.96)).verdict


@pytest.mark.parametrize("make", [BelowNinety, FiveTwenty])
def test_utilization_blames_a_low_gpu_on_the_loader(make: Callable[[], Diagnoser]) -> None:
    """A GPU that idles for another reason is called starved: what these rules cannot know."""
    assert FEW == last_word(make(), replace(HEALTHY, gpu_busy=0.6)).verdict


def test_less_than_ten_seconds_are_no_mean() -> None:
    """A rule on a mean abstains at first."""
    assert last_word(BelowNinety(), replace(STARVED, seconds=9)).abstains


def test_utilization_takes_all_that_is_idle_for_waiting() -> None:
    """Its estimates of the wait and of the gain follow from the busy share alone."""
    judgement = last_word(BelowNinety(), STARVED)

    assert number(judgement.wait) == pytest.approx(0.42)
    assert number(judgement.fed_speedup) == pytest.approx(1 / 0.58)
    assert judgement.advice == Advice({"workers": 8})


@pytest.mark.parametrize(("idle", "second"), [(0.15, "compute-bound"), (0.25, "starved-local-disk")])
def test_tensorflow_is_of_two_minds_below_twenty_percent(idle: float, second: str) -> None:
    """Moderately bound comes with a second thought."""
    judgement = last_word(FiveTwenty(), replace(HEALTHY, gpu_busy=1 - idle))

    assert (FEW, second) == judgement.labels


def test_traceml_begins_at_ten_percent() -> None:
    """A wait of 7 % is fine by it, one of 12 % is not; a GPU idle for another reason is overhead."""
    assert "compute-bound" == last_word(TraceMl(), replace(HEALTHY, wait=0.05, gpu_busy=0.92)).verdict
    assert FEW == last_word(TraceMl(), replace(HEALTHY, wait=0.15, gpu_busy=0.85)).verdict
    assert "host-overhead" == last_word(TraceMl(), replace(HEALTHY, gpu_busy=0.6)).verdict


def test_traceml_without_times_of_steps_says_nothing() -> None:
    """It needs the wait."""
    assert last_word(TraceMl(), replace(STARVED, wait=None)).abstains


@pytest.mark.parametrize(
    ("busy", "memory_busy", "pcie", "label"),
    [
        (0.95, 0.3, 2e8, "compute-bound"),
        (0.55, 0.6, 2e8, "compute-bound"),
        (0.45, 0.55, 2e8, "memory-bandwidth-bound"),
        (0.25, 0.1, 2e9, FEW),
        (0.25, 0.1, 2e8, ""),
        (0.01, 0.0, 0.0, ""),
    ],
)
def test_kempnerpulse_takes_the_first_class_that_matches(
    busy: float, memory_busy: float, pcie: float, label: str
) -> None:
    """A starved YOLOv5 moves 0.2 GB/s, far below its 1 GB/s: it sees no loader there."""
    change = with_gpu(gpu_memory_busy_ratio=memory_busy, gpu_pcie_receive_bytes_per_second=pcie)

    assert label == last_word(KempnerPulse(), replace(HEALTHY, gpu_busy=busy), change).verdict


def test_sagemaker_says_nothing_for_its_patience() -> None:
    """1000 points at two a second, then a scan a minute: nothing before 540 s."""
    starved = replace(STARVED, gpu_busy=0.5)

    assert last_word(SageMaker(), replace(starved, seconds=539)).abstains
    assert not last_word(SageMaker(), replace(starved, seconds=540)).abstains


def test_sagemaker_sees_a_cpu_bottleneck_only_where_the_gpu_stands_still() -> None:
    """The GPU must be below 10 % in the very moments in which a core is above 90 %."""
    impatient = sagemaker_baselines()["sagemaker, no patience"]
    slow, still = replace(FED, gpu_busy=0.75), replace(FED, gpu_busy=0.05)

    assert "compute-bound" == last_word(impatient(), slow, with_core(1.0)).verdict
    assert FEW == last_word(impatient(), still, with_core(1.0)).verdict
    assert FEW != last_word(impatient(), still, with_core(0.5)).verdict


def test_sagemaker_looks_at_the_drivers_finer_samples() -> None:
    """A GPU that is idle in two thirds of a second's samples and busy in the others has a bottleneck."""
    fine = tuple(BusySample(1.0, busy) for busy in (0.0, 0.0, 1.0))
    scene, impatient = replace(FED, gpu_busy=0.33), sagemaker_baselines()["sagemaker, no patience"]

    def change(sample: Sample) -> Sample:
        return with_gpu(busy_samples=fine)(with_core(1.0)(sample))

    assert FEW == last_word(impatient(), scene, change).verdict


def test_sagemaker_sees_waits_for_a_disk() -> None:
    """Above 50 % iowait with an idle GPU."""
    scene, impatient = replace(FED, gpu_busy=0.02), sagemaker_baselines()["sagemaker, no patience"]

    assert "starved-local-disk" == last_word(impatient(), scene, with_core(0.3, 0.6)).verdict


def test_sagemaker_names_the_batch_where_nothing_is_much_used() -> None:
    """CPU, GPU and memory below 70 %."""
    scene = replace(FED, gpu_busy=0.5, cpu=0.2)

    assert "batch-too-small" == last_word(SageMaker(10, 1), scene).verdict


def test_sagemaker_takes_the_first_validation_for_growing_memory() -> None:
    """A step of more than 5 points: the weakness of its rule."""
    diagnoser = SageMaker(10, 1)
    last_word(diagnoser, FED)
    label = last_word(diagnoser, replace(FED, gpu_own=6 * GIB)).verdict

    assert "vram-growth" == label


@pytest.mark.parametrize(
    ("workers", "label"), [(5, FEW), (6, "compute-bound"), (17, "starved-too-many-workers")]
)
def test_sagemaker_compares_workers_with_cores(workers: int, label: str) -> None:
    """70 to 200 % of 8 cores are right to it, whether or not the loop waits."""
    assert label == last_word(SageMaker(10, 1), replace(FED, workers=workers, cpu=0.05)).verdict


def test_advice_for_everybody_follows_its_formula() -> None:
    """PyTorch: as many as the cores it may run on; YOLOv5: 8, but no more than cores and batch."""
    scene = replace(STARVED, cores=16, affinity=12, batch_size=6)

    assert Advice({"workers": 12}) == last_word(FixedWorkers(all_cores), scene).advice
    assert Advice({"workers": 6}) == last_word(FixedWorkers(yolov5_default), scene).advice


@pytest.mark.parametrize("make", [*simple_baselines().values(), *sagemaker_baselines().values()])
def test_a_sample_without_a_training_is_no_reason_to_speak(make: Callable[[], Diagnoser]) -> None:
    """Nobody diagnoses an empty machine."""
    assert last_word(make(), STARVED, lambda sample: replace(sample, trainings=())).abstains
