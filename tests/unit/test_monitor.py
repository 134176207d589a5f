"""The monitor's tick, with every part made up and the clock moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpumon.model.gpu import DriverReading, DriverState, GpusReading
from gpumon.model.report import AttachState
from gpumon.model.sample import SourceError
from gpumon.model.training import Phase
from gpumon.monitor.attaching import Wish
from tests.unit.monitor_parts import REAL_GPU, Stage
from tests.unit.trainings import KILLED, training

ANN = training(4000)
BOB = training(4500, start_ticks=200, directory="/home/bob/yolov5")
DEMO = training(5000, timeline_path="demo")
OTHER_DEMO = training(5500, timeline_path="other")


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Return a monitor with one training."""
    stage = Stage(ANN)
    yield stage
    stage.close()


@pytest.fixture
def everything() -> Iterator[Stage]:
    """Return a monitor of all trainings, of which there are none yet."""
    stage = Stage(wish=Wish(everything=True))
    yield stage
    stage.close()


def test_before_the_first_tick_there_is_nothing(stage: Stage) -> None:
    """No report, no window, and nothing was read."""
    assert (None, None, []) == (stage.monitor.report(), stage.monitor.window(), stage.gpus.asked)


def test_samples_come_in_sequence(stage: Stage) -> None:
    """Each tick takes one sample with the next number and the time of the clock."""
    samples = [stage.tick().sample for _ in range(3)]

    assert [0, 1, 2] == [sample.sequence for sample in samples]
    assert [1000.0, 1001.0, 1002.0] == [sample.instant.monotonic_seconds for sample in samples]


def test_a_sample_holds_what_the_parts_read(stage: Stage) -> None:
    """GPUs, host, training, own cost and names are those of the parts."""
    sample = stage.tick().sample

    assert ((REAL_GPU,), "box", 1.0) == (sample.gpus, sample.hostname, sample.interval_seconds)
    assert (0.01, [ANN]) == (sample.self_reading.cpu_ratio, [r.training for r in sample.trainings])
    assert ((), ()) == (sample.errors, sample.late_sources)


def test_the_report_is_kept_for_all_threads(stage: Stage) -> None:
    """The newest report and its window can be asked for at any time."""
    report = stage.tick(3)
    window = stage.monitor.window()

    assert window is not None
    assert (report, report.sample) == (stage.monitor.report(), window.newest)


def test_every_training_has_its_judgement(everything: Stage) -> None:
    """The report has an entry for each training that was read."""
    everything.trainings = (ANN, BOB)

    assert [4000, 4500] == [judged.pid for judged in everything.tick().trainings]


def test_listeners_are_told_after_each_tick(stage: Stage) -> None:
    """When a listener hears of news, the report is already there."""
    heard: list[int] = []

    def listen() -> None:
        report = stage.monitor.report()
        assert report is not None
        heard.append(report.sample.sequence)

    stage.monitor.subscribe(listen)
    stage.tick(3)

    assert [0, 1, 2] == heard


def test_a_gpu_source_that_fails_is_an_error_in_the_sample(stage: Stage) -> None:
    """The failure is told in words, and the last good reading stands."""
    stage.tick()
    stage.gpus.failure = RuntimeError("the driver went away")
    sample = stage.tick().sample

    assert (SourceError("nvml", "RuntimeError: the driver went away"),) == sample.errors
    assert (REAL_GPU,) == sample.gpus


def test_a_gpu_source_that_never_worked_is_a_driver_that_failed(stage: Stage) -> None:
    """Without any reading the driver's state carries the words."""
    stage.gpus.failure = RuntimeError("no such library")
    sample = stage.tick().sample

    expected = DriverReading(DriverState.FAILED, "RuntimeError: no such library")
    assert (expected, ()) == (sample.driver, sample.gpus)


def test_errors_of_a_training_are_in_the_sample(stage: Stage) -> None:
    """What could not be read of a training is told with the rest."""
    stage.tick()
    trouble = SourceError("log", "permission denied")
    stage.following(ANN).troubles = (trouble,)

    assert (trouble,) == stage.tick().sample.errors


def test_late_sources_of_a_training_are_in_the_sample(stage: Stage) -> None:
    """A dead mount under the run directory is named."""
    stage.tick()
    stage.following(ANN).slow = ("shm",)

    assert ("shm",) == stage.tick().sample.late_sources


def test_the_lateness_of_a_sample_is_kept(stage: Stage) -> None:
    """How long after its time a sample was taken stands in it."""
    assert stage.monitor.tick(0.25).sample.late_seconds == 0.25


def test_scans_are_told_which_processes_hold_gpus(stage: Stage) -> None:
    """A process with memory on a GPU may be a training; the next scan knows their PIDs."""
    stage.tick(7)

    assert [frozenset(), frozenset({4000})] == stage.scans


def test_while_searching_scans_are_more_frequent() -> None:
    """Every 2 s without a training; with one 5 s after the scan that still searched."""
    searching, attached = Stage(), Stage(ANN)
    searching.tick(12)
    attached.tick(12)
    searching.close()
    attached.close()

    assert (6, 3) == (len(searching.scans), len(attached.scans))


def test_a_starting_training_is_scanned_for_every_second_until_its_run_directory_is_known(
    stage: Stage,
) -> None:
    """A short training may be over before a scan in 5 s would find what it wrote."""
    stage.tick()
    stage.following(ANN).phase = Phase.START
    stage.tick(6)
    before = len(stage.scans)
    stage.tick(4)
    while_unknown = len(stage.scans) - before
    stage.trainings = (replace(ANN, run_dir="runs/train/exp"),)
    stage.tick(2)
    before = len(stage.scans)
    stage.tick(5)

    assert (4, 1) == (while_unknown, len(stage.scans) - before)


def test_what_a_scan_finds_anew_is_handed_on(stage: Stage) -> None:
    """A training that is followed already gets its newer picture."""
    stage.tick()
    newer = replace(ANN, notes=("its log was found",))
    stage.trainings = (newer,)
    stage.tick(6)

    assert [newer] == stage.following(ANN).refreshed


def test_a_training_sees_all_gpus(stage: Stage) -> None:
    """A training is read with the GPUs of the same tick."""
    stage.tick()

    assert [(REAL_GPU,)] == [gpus.gpus for gpus in stage.following(ANN).seen]


def test_a_choice_is_taken_at_the_next_tick() -> None:
    """Choosing attaches, and only the chosen training is read."""
    stage = Stage(ANN, BOB)
    choosing = stage.tick()
    stage.monitor.choose(4500)
    chosen = stage.tick()
    stage.close()

    assert (AttachState.CHOOSING, ()) == (choosing.attachment.state, choosing.sample.trainings)
    assert (AttachState.ATTACHED, [BOB]) == (
        chosen.attachment.state,
        [reading.training for reading in chosen.sample.trainings],
    )


def test_what_was_followed_before_a_choice_is_given_back(stage: Stage) -> None:
    """Changing to another training closes the first."""
    stage.tick()
    stage.trainings = (ANN, BOB)
    stage.tick(6)
    stage.monitor.choose(4500)
    stage.tick()

    assert (1, 0) == (stage.following(ANN).closed, stage.following(BOB).closed)


def test_an_ended_training_keeps_its_picture(stage: Stage) -> None:
    """After its end it is still read and reported, as ended."""
    stage.tick()
    stage.following(ANN).ended = KILLED
    stage.trainings = ()
    report = stage.tick(6)

    assert (AttachState.ENDED, KILLED) == (report.attachment.state, report.sample.trainings[0].ended)
    assert stage.following(ANN).closed == 0


def test_an_ended_training_gets_no_advice(stage: Stage) -> None:
    """What has ended cannot be changed."""
    stage.tick()
    stage.following(ANN).ended = KILLED

    assert () == stage.tick(3).trainings[0].suggestions


def test_a_restart_takes_the_place_of_an_ended_training(stage: Stage) -> None:
    """The next scan finds the restarted training; the old one is given back."""
    stage.tick()
    stage.following(ANN).ended = KILLED
    stage.trainings = (training(6000, start_ticks=900),)
    report = stage.tick(4)

    assert [6000] == [reading.training.id.pid for reading in report.sample.trainings]
    assert stage.following(ANN).closed == 1


def test_after_an_end_the_next_scan_comes_at_once(stage: Stage) -> None:
    """Who restarts a training does not wait 5 s for gpumon to see it."""
    stage.tick()
    scans = len(stage.scans)
    stage.following(ANN).ended = KILLED
    stage.tick(3)

    assert len(stage.scans) > scans


def test_virtual_gpus_follow_the_real_ones(everything: Stage) -> None:
    """The GPU of a simulated training comes after the driver's own, with the next index and its label."""
    everything.trainings = (DEMO,)
    sample = everything.tick().sample

    assert [(0, False), (1, True)] == [(gpu.index, gpu.simulated) for gpu in sample.gpus]
    assert DriverState.OK is sample.driver.state
    assert not sample.driver.simulated


def test_without_a_driver_the_virtual_one_speaks(everything: Stage) -> None:
    """On a machine without a GPU the driver is the simulated one, and says so."""
    everything.gpus.reading = GpusReading(DriverReading(DriverState.ABSENT, "no driver"))
    everything.trainings = (DEMO,)
    sample = everything.tick().sample

    assert ([0], True) == ([gpu.index for gpu in sample.gpus], sample.driver.simulated)


def test_two_demos_have_two_gpus(everything: Stage) -> None:
    """Each simulated training brings its own."""
    everything.trainings = (DEMO, OTHER_DEMO)

    assert [0, 1, 2] == [gpu.index for gpu in everything.tick().sample.gpus]


def test_the_virtual_gpu_of_a_demo_that_is_gone_is_given_back(everything: Stage) -> None:
    """No timeline stays open without its training."""
    everything.trainings = (DEMO,)
    everything.tick()
    everything.trainings = ()
    sample = everything.tick(7).sample

    assert ((REAL_GPU,), 1) == (sample.gpus, everything.virtual["demo"].closed)


def test_closing_gives_everything_back_once(everything: Stage) -> None:
    """Trainings, virtual GPUs, host and own cost are closed, and what the parts started is stopped."""
    everything.trainings = (DEMO,)
    everything.tick()

    everything.close()

    assert (1, 1) == (everything.following(DEMO).closed, everything.virtual["demo"].closed)
    assert (1, 1, 1) == (everything.host.closed, everything.own.closed, everything.stopped)


def test_closing_twice_is_harmless(everything: Stage) -> None:
    """A second closing raises nothing and closes no training twice."""
    everything.trainings = (DEMO,)
    everything.tick()

    everything.close()
    everything.close()

    assert (1, 1) == (everything.following(DEMO).closed, everything.virtual["demo"].closed)


def test_a_monitor_that_never_ticked_can_be_closed(stage: Stage) -> None:
    """Closing needs no beginning."""
    stage.close()

    assert [] == stage.gpus.asked
