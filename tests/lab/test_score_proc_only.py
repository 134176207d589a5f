"""The ablation takes away what only the interpreter tells, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.reading import LossesReading, ProgressReading, TrainingReading
from gpumon.model.sample import Sample
from tests.lab.score_gpumon import Gpumon, gpumon_without_interpreter
from tests.lab.score_proc_only import without_interpreter
from tests.unit.synthetic_training import STARVED

FRAMES = "interpreter (CPython 3.11)"
BY_FRAMES = Measure(0.41, Certainty.SAMPLED, FRAMES, 0.05)
BY_STATE = Measure(0.35, Certainty.SAMPLED, "state of the main thread", 0.1)


def seen_with_frames(index: int = 0) -> Sample:
    """Return a sample whose wait and place in the run come from frames."""
    sample = STARVED.sample(index)
    reading = sample.trainings[0]
    loader = replace(
        reading.loader,
        data_wait_ratio=BY_FRAMES,
        data_wait_ratio_by_state=BY_STATE,
        main_samples=40,
        main_waiting_samples=16,
        batches_ready=0,
    )
    losses = (LossesReading(FRAMES, 0, (("box", 0.1),)), LossesReading("results.csv", 0, (("box", 0.2),)))
    progress = replace(reading.progress, source=f"{FRAMES}: local i", losses=losses)
    return replace(sample, trainings=(replace(reading, loader=loader, progress=progress),))


def blind(sample: Sample) -> TrainingReading:
    """Return what is left of the training."""
    return without_interpreter(sample).trainings[0]


def test_the_wait_is_that_of_the_states() -> None:
    """With as many looks as the states of threads get in a second."""
    loader = blind(seen_with_frames()).loader
    assert loader.data_wait_ratio == BY_STATE
    assert (loader.main_samples, loader.main_waiting_samples) == (20, 7)


def test_what_needs_objects_of_the_training_is_gone() -> None:
    """Queue, place in the run, and losses of the bar; what files tell stays."""
    reading = blind(seen_with_frames())
    progress: ProgressReading = reading.progress
    assert isinstance(reading.loader.batches_ready, Missing)
    assert isinstance(progress.batch, Missing)
    assert ["results.csv"] == [losses.source for losses in progress.losses]
    assert isinstance(reading.interpreter, Missing)


def test_what_proc_tells_stays() -> None:
    """The workers, the machine and the GPU are as they were."""
    sample = seen_with_frames()
    left = without_interpreter(sample)
    assert left.gpus == sample.gpus
    assert left.host == sample.host
    assert left.trainings[0].loader.worker_idle_ratio == sample.trainings[0].loader.worker_idle_ratio
    assert left.trainings[0].processes == sample.trainings[0].processes


def test_a_wait_that_no_frames_told_stays() -> None:
    """Nothing changes where the interpreter was not looked into anyway."""
    assert blind(STARVED.sample(0)).loader == STARVED.sample(0).trainings[0].loader


def test_the_ablated_diagnoser_sees_less() -> None:
    """Its wait is the other one."""
    whole, ablated = Gpumon(), gpumon_without_interpreter()
    for index in range(10):
        told = [each.see(seen_with_frames(index)).wait for each in (whole, ablated)]
    assert told == [0.4, 0.35]
