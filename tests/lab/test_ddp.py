"""Ranks started by torch's launcher are one training, each process with its role."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from gpumon.model.measure import number
from gpumon.model.process import Role
from gpumon.model.training import Training
from tests.lab.training import Dose, LabTraining, started
from tests.lab.watch import Look, Watch
from tests.real import truth

_RANKS = 2
# Rank 1 loads three times as slowly as rank 0, which meets it after each batch.
_DOSE = Dose("ddp", workers=1, load_ms=1.0, wait_ms=4.0, compute_ms=10.0, more=("--rank-wait-ms", "10"))
_WATCH_SECONDS = 8.0
# Only a failing test waits so long.
_PATIENCE_SECONDS = 180.0
_WAIT_ERROR = 0.10


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabTraining]:
    """Two ranks with one worker each, on the CPU by gloo."""
    with started(_DOSE, tmp_path_factory.mktemp("ddp"), ranks=_RANKS) as training:
        training.until_batches()
        yield training


@pytest.fixture(scope="module")
def look(looks: list[Look]) -> Look:
    """What gpumon tells after a few seconds."""
    return looks[-1]


@pytest.fixture(scope="module")
def looks(launched: LabTraining) -> list[Look]:
    """What gpumon tells from when it has looked into every rank."""
    with Watch(_ranks(launched)[0]) as watch:
        watch.until(lambda look: isinstance(look.reading.loader.slowest_rank, int), _PATIENCE_SECONDS)
        return watch.for_seconds(_WATCH_SECONDS)


def _ranks(launched: LabTraining) -> list[int]:
    """Return the PIDs of the ranks in their order."""
    ranks = psutil.Process(launched.process.pid).children()
    return [rank.pid for rank in sorted(ranks, key=lambda rank: int(rank.environ()["RANK"]))]


def test_ranks_are_one_training(launched: LabTraining, look: Look) -> None:
    """The launcher's ranks are one training of two, whose main process is rank 0."""
    training = look.reading.training
    assert (training.framework, training.world_size) == ("torch", _RANKS)
    assert [member.rank for member in training.members if member.role is Role.MAIN] == [0]
    assert _ranks(launched) == [*training.pids(Role.MAIN), *training.pids(Role.RANK)]
    others = [*look.report.attachment.candidates]
    assert not [other for other in others if set(other.pids()) & set(training.pids())]


def test_launcher_has_its_role(launched: LabTraining, look: Look) -> None:
    """The process that was started is the launcher."""
    assert (launched.process.pid,) == look.reading.training.pids(Role.LAUNCHER)


def test_each_worker_belongs_to_its_rank(look: Look) -> None:
    """Every rank has its own worker."""
    training: Training = look.reading.training
    workers = [member for member in training.members if member.role is Role.TRAIN_WORKER]
    assert sorted(member.rank or 0 for member in workers) == [0, 1]
    parents = {member.id.pid: member.rank for member in training.members}
    assert all(parents[worker.parent_pid] == worker.rank for worker in workers)


def test_command_is_the_launchers(launched: LabTraining, look: Look) -> None:
    """What can be run again is what was typed: the launcher with its script."""
    command = launched.process.args
    assert isinstance(command, list)
    assert tuple(command) == look.reading.training.command


def test_slowest_rank_is_the_one_whose_loader_is(launched: LabTraining, looks: list[Look]) -> None:
    """Rank 1 waits for its loader about as long as its own stamps say, rank 0 for rank 1 instead."""
    slowest = [look.reading.loader for look in looks[1:]]
    found = [number(loader.slowest_rank_data_wait_ratio) or 0.0 for loader in slowest]
    start, end = looks[0].seconds, looks[-1].seconds
    record = launched.record
    of_rank_1 = truth.loader_waits(record.with_name(f"{record.name}.1"))
    real = truth.data_wait_ratio(of_rank_1, start, end)
    assert {loader.slowest_rank for loader in slowest} == {1}
    assert pytest.approx(real, abs=_WAIT_ERROR) == sum(found) / len(found)


def test_spread_between_the_ranks_is_told(launched: LabTraining, looks: list[Look]) -> None:
    """The difference between the ranks is about that of their stamps."""
    start, end = looks[0].seconds, looks[-1].seconds
    record = launched.record
    records = (record, record.with_name(f"{record.name}.1"))
    waits = [truth.data_wait_ratio(truth.loader_waits(one), start, end) for one in records]
    spreads = [number(look.reading.loader.rank_data_wait_spread_ratio) or 0.0 for look in looks[1:]]
    assert pytest.approx(waits[1] - waits[0], abs=2 * _WAIT_ERROR) == sum(spreads) / len(spreads)
