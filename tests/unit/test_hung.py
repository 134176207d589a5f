"""A training that stands still for good is told, and one that only rests is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gpumon.diagnosis.rule import Silent
from gpumon.diagnosis.rules.hung import RULE
from gpumon.model.finding import Severity
from gpumon.model.host import SharedMemoryReading
from gpumon.model.process import Role
from gpumon.model.sample import Sample
from gpumon.model.training import Ended, Ending, Phase
from tests.unit.run_scene import (
    asleep,
    changed,
    finding,
    judged,
    replace_rate,
    with_loader,
    with_processes,
    with_progress,
)
from tests.unit.synthetic_training import GIB, HEALTHY, Scene


def _still(seconds: int, scene: Scene = HEALTHY, before: int = 20) -> list[Sample]:
    """Return samples of a training that trains for a while and then sleeps."""
    samples = replace(scene, seconds=before + seconds).samples()
    return [*samples[:before], *(asleep(sample) for sample in samples[before:])]


def test_all_asleep_is_told_after_twenty_seconds() -> None:
    """No core, no GPU, no batch: critical, all of the time is lost."""
    found = finding(RULE, _still(21))
    assert found.severity is Severity.CRITICAL
    assert found.lost_ratio == 1.0
    assert "all its processes sleep" in found.text


def test_it_says_since_when() -> None:
    """Since the first second in which nothing moved."""
    assert finding(RULE, _still(60)).since_unix_seconds == pytest.approx(1.7e9 + 19)


def test_a_long_hang_is_dated_by_the_series() -> None:
    """Samples reach back three minutes; when workers last worked is known to ten seconds."""
    found = finding(RULE, _still(320))
    assert found.since_unix_seconds == pytest.approx(1.7e9 + 20, abs=10)
    assert found.text.startswith("no batch has come for 5 min")


def test_a_pause_is_silent() -> None:
    """Fifteen seconds may be anything."""
    assert isinstance(judged(RULE, _still(15)), Silent)


def test_slow_steps_take_longer_to_tell() -> None:
    """A batch in ten seconds makes half a minute ordinary."""
    assert isinstance(judged(RULE, _still(30, Scene(batch_rate=0.1))), Silent)


def test_a_busy_gpu_is_no_hang() -> None:
    """A main process that sleeps while the GPU computes waits for it."""
    samples = [
        replace(sample, gpus=tuple(replace(gpu, gpu_busy_ratio=1.0) for gpu in sample.gpus))
        for sample in _still(40)
    ]
    assert isinstance(judged(RULE, samples), Silent)


def test_a_full_shm_is_named_as_the_reason() -> None:
    """PyTorch loses the batch that finds no room and waits for it for ever."""
    full = SharedMemoryReading(8 * GIB, GIB // 2)
    samples = [with_loader(sample, shm=full) for sample in _still(25)]
    assert "its /dev/shm of 8.0 GiB is 94 % full" in finding(RULE, samples).text


@pytest.mark.parametrize("phase", [Phase.START, Phase.CHECKPOINT])
def test_start_and_checkpoint_may_sleep_on_a_network(phase: Phase) -> None:
    """A download or an upload sleeps for a minute, and ends."""
    samples = [changed(sample, phase=phase) for sample in _still(60)]
    assert isinstance(judged(RULE, samples), Silent)


def test_a_start_that_lost_a_batch_to_a_full_shm_is_told_soon() -> None:
    """No network is waited for by workers that found no room for the first batch."""
    full = SharedMemoryReading(8 * GIB, GIB // 2)
    samples = [with_loader(changed(sample, phase=Phase.START), shm=full) for sample in _still(25)]
    assert "its /dev/shm of 8.0 GiB is 94 % full" in finding(RULE, samples).text


def _stopped(seconds: int) -> list[Sample]:
    return [
        with_processes(sample, main={"state": "T", "cpu_busy_ratio": 0.0}, workers={})
        for sample in _still(seconds)[20:]
    ]


def test_a_stopped_process_is_told_soon() -> None:
    """The state is certain, and what helps is told."""
    assert "kill -CONT" in finding(RULE, _stopped(9)).text


@pytest.mark.parametrize(
    ("count", "words"), [(1, "is stopped by a signal"), (2, "2 of its workers are stopped by a signal")]
)
def test_a_stopped_worker_is_named(count: int, words: str) -> None:
    """Batches are handed over in order: the loop waits for those of a worker that stands still."""
    samples = _still(40)
    rows = samples[-1].trainings[0].processes
    stopped = [row.id for row in rows if row.role is Role.TRAIN_WORKER][:count]
    for place in range(20, 60):
        states = (
            replace(row, state="T") if row.id in stopped else row
            for row in samples[place].trainings[0].processes
        )
        samples[place] = changed(samples[place], processes=tuple(states))
    told = finding(RULE, samples).text
    assert words in told
    assert (f"worker {stopped[0].pid} " in told) is (count == 1)


def test_a_short_stop_is_silent() -> None:
    """A tool that looks into a process stops it for moments."""
    assert isinstance(judged(RULE, _stopped(5)), Silent)


def _spinning(seconds: int) -> Sequence[Sample]:
    samples = Scene(seconds=20 + seconds, ranks=2).samples()
    moving = [with_progress(sample, batch=100 + index) for index, sample in enumerate(samples[:20])]
    standing = [
        with_loader(
            with_processes(sample, main={}, workers={"cpu_busy_ratio": 0.0}),
            batches_per_second=replace_rate(sample.trainings[0], 0.0),
        )
        for sample in samples[20:]
    ]
    return [*moving, *standing]


def test_a_rank_that_spins_on_one_batch_is_told_after_a_minute() -> None:
    """The main process is on a core, the GPU looks busy, and yet the batch stays the same."""
    assert "busy with the same batch" in finding(RULE, _spinning(62)).text


def test_a_counter_that_rests_for_half_a_minute_is_silent() -> None:
    """A log may be written late."""
    assert isinstance(judged(RULE, _spinning(30)), Silent)


def test_what_has_ended_does_not_hang() -> None:
    """An ended training moves no more, and that is as it should be."""
    ended = Ended(Ending.FINISHED, "its log says so", 1.7e9)
    samples = [changed(sample, ended=ended) for sample in _still(40)]
    assert isinstance(judged(RULE, samples), Silent)


def test_a_main_process_that_works_by_itself_is_silent() -> None:
    """A training of its own may test its model for minutes, without any worker."""
    samples = [changed(s, training=replace(s.trainings[0].training, world_size=1)) for s in _spinning(62)]
    assert isinstance(judged(RULE, samples), Silent)


def test_one_second_of_activity_does_not_end_a_hang() -> None:
    """A thread that draws a bar wakes now and then."""
    samples = _still(30)
    samples[-3] = with_processes(samples[-3], main={"cpu_busy_ratio": 0.05}, workers={})
    assert "all its processes sleep" in finding(RULE, samples).text
