"""Who is who among the processes of a training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.roles import WorkerPlan, split
from gpumon.model.process import Role
from gpumon.model.training import Training
from tests.frameworks import scene
from tests.frameworks.scene import Scene, add_files

V7 = WorkerPlan(train=8, val=8, asked=8)
ONE = (1000,)


@pytest.fixture
def machine(tmp_path: Path) -> Scene:
    """A machine in whose directory YOLOv5 v7.0 lies."""
    return Scene(str(add_files(tmp_path, scene.V7_0)))


def counts(training: Training) -> dict[Role, int]:
    """Count the members by role."""
    return dict(Counter(member.role for member in training.members))


def groups(*sizes: int, pause: int = 40) -> list[int]:
    """Start ticks of groups of forks, one tick apart, with pauses between the groups."""
    starts: list[int] = []
    for size in sizes:
        first = starts[-1] + pause if starts else 1000
        starts += [first + index for index in range(size)]
    return starts


@pytest.mark.parametrize(
    ("starts", "plan", "expected"),
    [
        (groups(8, 8), V7, 8),
        (groups(8, 8, pause=1), V7, 8),
        (groups(8), V7, 8),
        (groups(3), V7, 3),
        (groups(8, 3), V7, 8),
        # Half of what was expected of each: the cap is another one than we think.
        (groups(4, 4), V7, 4),
        (groups(2, 2), WorkerPlan(train=2, val=2, asked=2), 2),
        (groups(2, 4), WorkerPlan(train=2, val=4, asked=2), 2),
        # Without any expectation: a clear pause, or none.
        (groups(3, 5), WorkerPlan(), 3),
        (groups(8), WorkerPlan(), 8),
        (groups(3, 3, 3), WorkerPlan(), 9),
        # On busy cores two forks of one loader are some ticks apart; validation's come seconds later.
        (groups(1, 1, pause=40), WorkerPlan(), 2),
        (groups(2, 2, pause=15), WorkerPlan(), 4),
        (groups(1, 1, pause=300), WorkerPlan(), 1),
        # As many as were asked for where nothing caps them are one loader, however far apart.
        (groups(1, 1, pause=300), WorkerPlan(asked=2, is_capped=False), 2),
        (groups(2, 2, pause=300), WorkerPlan(asked=2, is_capped=False), 2),
        # What no cap would give alone: 10 = 5 + 5.
        (groups(10), WorkerPlan(asked=8), 5),
        # --image-weights: the val workers are the older ones.
        (groups(8, 4), WorkerPlan(train=4, val=8, asked=4, val_first=True), 8),
        # close_mosaic has forked the train workers anew, after the val workers.
        (groups(8, 4), WorkerPlan(train=4, val=8, asked=4), 8),
        ([], V7, 0),
        (ONE, V7, 1),
    ],
)
def test_splits_workers_into_the_older_and_the_younger_group(
    starts: Sequence[int], plan: WorkerPlan, expected: int
) -> None:
    """By the expected numbers, by a pause between their starts, by the pairs that a cap can give."""
    assert expected == split(starts, plan)


@given(
    st.integers(1, 16),
    st.integers(1, 64),
    st.lists(st.integers(0, 500), max_size=40).map(sorted),
    st.booleans(),
)
def test_never_splits_outside_the_workers(asked: int, cap: int, starts: list[int], val_first: bool) -> None:
    """Whatever the starts and the expectation."""
    plan = WorkerPlan(train=min(cap, asked), val=min(cap, 2 * asked), asked=asked, val_first=val_first)
    assert 0 <= split(starts, plan) <= len(starts)


def test_train_and_val_workers(machine: Scene) -> None:
    """Train workers are forked first; the val loader's come after the val labels are read."""
    main = machine.add(["python", "train.py", "--workers", "2"])
    train = machine.fork(main, 2, start=1500)
    val = machine.fork(main, 2, start=1550)
    training = machine.one()
    assert tuple(train) == training.pids(Role.TRAIN_WORKER)
    assert tuple(val) == training.pids(Role.VAL_WORKER)
    assert (main,) == training.pids(Role.MAIN)


def test_the_pool_of_the_label_scan(machine: Scene) -> None:
    """Forks that torch has not named, while others are, are no workers."""
    main = machine.add(["python", "train.py", "--workers", "2"])
    machine.fork(main, 2, start=1500)
    pool = machine.fork(main, 7, start=1520, name="python")
    assert tuple(pool) == machine.one().pids(Role.POOL)


def test_the_workers_of_an_older_torch_have_no_name_of_their_own(machine: Scene) -> None:
    """They are forks with the argv of the main process."""
    main = machine.add(["python", "train.py", "--workers", "2"])
    machine.fork(main, 2, start=1500, name="python")
    assert counts(machine.one()) == {Role.MAIN: 1, Role.TRAIN_WORKER: 2}


def test_unnamed_forks_of_a_torch_that_names_its_workers_are_the_pool(tmp_path: Path) -> None:
    """The version stands in the name of torch's .dist-info directory."""
    add_files(tmp_path, scene.V7_0)
    add_files(tmp_path, ["venv/bin/python", "venv/lib/python3.10/site-packages/torch-2.13.0+cpu.dist-info/"])
    machine = Scene(str(tmp_path))
    main = machine.add([f"{tmp_path}/venv/bin/python", "train.py"])
    machine.fork(main, 7, start=1500, name="python")
    assert counts(machine.one()) == {Role.MAIN: 1, Role.POOL: 7}


def test_other_children_and_those_of_the_fork_server(machine: Scene) -> None:
    """Python 3.14 forks from a server; git, the resource tracker and TensorBoard are others."""
    main = machine.add(["python", "train.py", "--workers", "2"])
    server = machine.add(
        ["python", "-c", "from multiprocessing.forkserver import main; main(3)"], parent=main, start=1400
    )
    machine.add(
        ["python", "-c", "from multiprocessing.resource_tracker import main;main(4)"], parent=main, start=1401
    )
    for index in range(2):
        machine.add(
            ["python", "-c", "from multiprocessing.forkserver import main; main(3)"],
            parent=server,
            name="pt_data_worker",
            start=1500 + index,
        )
    assert counts(machine.one()) == {Role.MAIN: 1, Role.TRAIN_WORKER: 2, Role.OTHER: 2}


def test_only_rank_0_validates(machine: Scene) -> None:
    """The workers of the other ranks are all train workers."""
    launcher = machine.add(
        ["python", "/bin/torchrun", "--nproc_per_node", "2", "train.py"], name="pt_elastic"
    )
    for rank in range(2):
        variables = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_PORT": "1"}
        main = machine.add(
            ["python", "-u", "train.py", "--workers", "2"],
            parent=launcher,
            start=1000 + rank,
            environment=variables,
        )
        machine.fork(main, 2, start=1500)
        if rank == 0:
            machine.fork(main, 2, start=1600)
    training = machine.one()
    assert counts(training) == {
        Role.LAUNCHER: 1,
        Role.MAIN: 1,
        Role.RANK: 1,
        Role.TRAIN_WORKER: 4,
        Role.VAL_WORKER: 2,
    }


def test_workers_keep_their_roles_when_one_group_is_forked_anew(machine: Scene) -> None:
    """Close to the end of a training the train workers may be the younger ones."""
    main = machine.add(["python", "train.py", "--workers", "2"])
    train = machine.fork(main, 2, start=1500)
    val = machine.fork(main, 2, start=1600)
    before = machine.one()
    machine.end(*train)
    late = machine.fork(main, 2, start=9000)
    after = machine.refresh(before)
    assert tuple(late) == after.pids(Role.TRAIN_WORKER)
    assert tuple(val) == after.pids(Role.VAL_WORKER)
