"""The loader's reading from states of threads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.shared_memory import shared_memory_need_bytes
from gpumon.frameworks.loader import read_loader
from gpumon.frameworks.loader_wait import NO_WORKERS
from gpumon.frameworks.loader_wait_account import proportion
from gpumon.model.host import SharedMemoryReading
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId, ProcessReading, Role, ThreadStates
from gpumon.model.reading import LoaderReading
from gpumon.model.training import Member, Setting, Settings, Training

MAIN = ProcessId(100, 1)
SHM = Missing("not asked")
SETTINGS = Settings(
    batch_size=Setting(8, "argv"),
    workers=Setting(2, "argv"),
    imgsz=Setting(320, "argv"),
    epochs=Setting(3, "argv"),
)


def training(*, train: int = 2, val: int = 2, settings: Settings = SETTINGS, world_size: int = 1) -> Training:
    members = [Member(MAIN, 1, Role.MAIN, 0 if world_size > 1 else None)]
    rank = 0 if world_size > 1 else None
    members += [Member(ProcessId(200 + n, 2), 100, Role.TRAIN_WORKER, rank) for n in range(train)]
    members += [Member(ProcessId(300 + n, 3), 100, Role.VAL_WORKER, rank) for n in range(val)]
    return Training(MAIN, "yolov5", "exp", (), True, "/w", 0, settings, tuple(members), world_size=world_size)


def main(**counts: int) -> ThreadStates:
    return ThreadStates(MAIN, MAIN.pid, sum(counts.values()), **counts)


def worker(number: int, **counts: int) -> ThreadStates:
    pid = 200 + number
    return ThreadStates(ProcessId(pid, 2), pid, sum(counts.values()), **counts)


def row(pid: int, role: Role, cpu: float, reads: Maybe[float] = 0.0) -> ProcessReading:
    ticks = 2 if role is Role.TRAIN_WORKER else 3
    return ProcessReading(
        ProcessId(pid, ticks), 100, role, "p", (), "me", "S", cpu_busy_ratio=cpu, read_bytes_per_second=reads
    )


def read(*states: ThreadStates, of: Training | None = None, pin_thread: bool | None = False) -> LoaderReading:
    return read_loader(of or training(), states, (), SHM, pin_thread=pin_thread)


def wait(reading: LoaderReading) -> Measure:
    assert isinstance(reading.data_wait_ratio, Measure)
    return reading.data_wait_ratio


def test_main_in_poll_waits_for_data_without_a_pin_thread() -> None:
    """Without CUDA the main thread polls the workers' queue when it starves."""
    reading = read(main(running=3, polling=17), worker(0, running=20), worker(1, running=20))
    assert wait(reading).value == 0.85
    assert wait(reading).certainty is Certainty.SAMPLED
    assert (reading.main_samples, reading.main_waiting_samples, reading.main_running_samples) == (20, 17, 3)
    assert reading.worker_idle_ratio == 0.0


def test_main_in_a_timed_futex_waits_for_data_with_a_pin_thread() -> None:
    """With a pin thread the queue is one of threads, and poll is something else."""
    states = (main(running=5, futex_timed=12, polling=3), worker(0, running=20))
    assert wait(read(*states, pin_thread=True)).value == 0.6
    assert wait(read(*states, pin_thread=False)).value == 0.15
    assert wait(read(*states, pin_thread=None)).value == 0.75


def test_sleep_is_no_wait_for_data() -> None:
    """A CUDA sync that sleeps, as a spin does, is the GPU's time and not the loader's."""
    reading = read(main(sleeping=18, running=2), worker(0, polling=20), worker(1, polling=20))
    assert wait(reading).value == 0.0
    assert reading.worker_idle_ratio == 1.0


def test_error_is_never_0() -> None:
    """Twenty looks that found no wait do not prove that there is none."""
    measure = wait(read(main(running=20), worker(0, polling=20)))
    assert measure.standard_error is not None
    assert 0.01 < measure.standard_error < 0.1


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_proportion_has_a_sound_error(pair: tuple[int, int]) -> None:
    """The share lies in [0, 1], its error is above 0 and about that of the binomial where counts are many."""
    count, of = pair
    ratio, error = proportion(count, of)
    assert 0 <= ratio <= 1
    assert 0 < error <= 0.5
    if min(count, of - count) >= 30:
        assert error == pytest.approx((ratio * (1 - ratio) / of) ** 0.5, rel=0.1)


def test_no_workers_means_no_wait_can_be_told() -> None:
    """With 0 workers loading and computing are one thread's running."""
    none = replace(SETTINGS, workers=Setting(0, "argv"))
    reading = read(main(running=20), of=training(train=0, val=0, settings=none))
    assert reading.data_wait_ratio == Missing(NO_WORKERS)
    assert reading.workers == 0


def test_workers_that_are_not_there_yet_are_missing() -> None:
    """Before the loader is built the number of workers is not known."""
    reading = read(main(running=20), of=training(train=0, val=0))
    assert reading.workers == Missing("no DataLoader workers seen yet")
    assert isinstance(reading.data_wait_ratio, Missing)


def test_stopped_training_is_paused() -> None:
    """A stopped main thread is neither waiting nor computing."""
    reading = read(main(stopped=20), worker(0, polling=20))
    assert reading.data_wait_ratio == Missing("paused: its main thread is stopped")


def test_another_users_starved_training_is_an_estimate() -> None:
    """Where only states are known, a main thread that sleeps while workers run most likely waits."""
    reading = read(main(sleeping=16, running=4), worker(0, running=19, sleeping=1))
    measure = wait(reading)
    assert measure.certainty is Certainty.ESTIMATED
    assert measure.value == 0.8
    assert measure.low == pytest.approx(0.6)
    assert measure.high == 1.0
    assert isinstance(reading.worker_idle_ratio, Missing)


def test_another_users_sleepers_tell_nothing() -> None:
    """Where all sleep and nothing tells why, there is no number."""
    reading = read(main(sleeping=16, running=4), worker(0, sleeping=20))
    assert isinstance(reading.data_wait_ratio, Missing)
    assert "another user" in reading.data_wait_ratio.reason


def test_worker_shares_are_means_over_the_workers() -> None:
    """Disk, remote, lock and sleep are shares of looks; one stopped look does not count."""
    reading = read(
        main(running=20),
        worker(0, disk=10, running=5, futex_untimed=5),
        worker(1, remote=10, sleeping=9, stopped=1, polling=0),
    )
    assert reading.worker_disk_ratio == 0.25
    assert reading.worker_lock_ratio == 0.125
    assert reading.worker_remote_ratio == pytest.approx(10 / 19 / 2)
    assert reading.worker_sleeping_ratio == pytest.approx(9 / 19 / 2)


def test_cpu_and_disk_reads_come_from_the_processes() -> None:
    """Where the threads tell no CPU time, the processes do; what validation's workers use stands apart."""
    rows = (
        row(200, Role.TRAIN_WORKER, 0.9, 1e6),
        row(201, Role.TRAIN_WORKER, 0.7, 2e6),
        row(300, Role.VAL_WORKER, 0.2),
        row(301, Role.VAL_WORKER, 0.0),
    )
    reading = read_loader(training(), (), rows, SHM)
    assert reading.worker_cpu_ratio == pytest.approx(0.8)
    assert reading.val_worker_cpu_ratio == pytest.approx(0.1)
    assert reading.read_bytes_per_second == 3e6
    assert isinstance(reading.data_wait_ratio, Missing)


def test_other_ranks_workers_do_not_blur_rank_0() -> None:
    """The wait is rank 0's, so are the means; the states of all workers are kept."""
    base = training(world_size=2)
    other = Member(ProcessId(400, 4), 101, Role.TRAIN_WORKER, 1)
    both = replace(base, members=(*base.members, other))
    states = (main(running=20), worker(0, polling=20), worker(1, polling=20))
    reading = read(*states, ThreadStates(other.id, 400, 20, running=20), of=both)
    assert reading.workers == 2
    assert reading.worker_idle_ratio == 1.0
    assert len(reading.worker_states) == 3


def test_shm_need_is_what_was_measured() -> None:
    """Batch 8, 320 pixels, 2 and 2 workers: 32.0 MB by the formula, 32.2 MB measured."""
    needed = read(main(running=1)).shm_needed_bytes
    assert isinstance(needed, Measure)
    assert needed.value == pytest.approx(32.05e6, rel=0.01)
    assert needed.low is not None
    assert needed.high is not None
    assert needed.low <= needed.value <= needed.high


def test_shm_need_without_a_validation_loader_has_none_in_it() -> None:
    """No workers for it were seen: not twice the train workers."""
    needed = read(main(running=1), of=training(val=0)).shm_needed_bytes
    assert isinstance(needed, Measure)
    assert needed.value == shared_memory_need_bytes(2, 8, 320, val_workers=0).value


def test_shm_need_of_an_unknown_batch_is_missing() -> None:
    """AutoBatch's -1 is no batch size."""
    auto = replace(SETTINGS, batch_size=Setting(-1, "argv"))
    assert isinstance(read(main(running=1), of=training(settings=auto)).shm_needed_bytes, Missing)


def test_shm_is_passed_through() -> None:
    """The shared memory the training sees stands in its loader's reading."""
    shm = SharedMemoryReading(64, 32)
    assert read_loader(training(), (), (), shm).shm == shm
