"""Ranks started by torch's launcher are one training, each process with its role."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from gpumon.model.process import Role
from gpumon.model.training import Training
from tests.lab.training import Dose, LabTraining, started
from tests.lab.watch import Look, Watch

_RANKS = 2
_DOSE = Dose("ddp", workers=1, load_ms=1.0, wait_ms=4.0, compute_ms=10.0)


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabTraining]:
    """Two ranks with one worker each, on the CPU by gloo."""
    with started(_DOSE, tmp_path_factory.mktemp("ddp"), ranks=_RANKS) as training:
        training.until_batches()
        yield training


@pytest.fixture(scope="module")
def look(launched: LabTraining) -> Look:
    """What gpumon tells after a few seconds."""
    with Watch(_ranks(launched)[0]) as watch:
        return watch.until(lambda look: look.reading.loader.main_samples > 0, 20)


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
