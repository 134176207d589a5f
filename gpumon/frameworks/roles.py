"""What each process of a training does: main, train and val workers, label-scan pool, launcher, rank."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpumon.frameworks.process_tree import (
    ProcessTree,
    is_helper,
    is_spawned,
    is_worker,
)
from gpumon.model.process import ProcessId, ProcessSeen, Role
from gpumon.model.training import Member

# A pause between two groups of workers is one that is this long (ticks of 10 ms) and this many times
# longer than any pause within them: forks of one loader follow each other in a few ms each.
_PAUSE_TICKS = 5
# Where no numbers are expected the pause is all there is: forks of one loader can be as far apart as 50 ms
# where the cores are wanted by ten programs, and two workers have no other pause to compare theirs with.
_ALONE_PAUSE_TICKS = 20
_ONLY_PAUSE_TICKS = 100
_PAUSE_FACTOR = 3
_GROUP_ROLES = (Role.TRAIN_WORKER, Role.VAL_WORKER)


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """How many workers a training is expected to have.

    `train` and `val` are the expected numbers of one rank, None where nothing is known. `asked` and
    `val_factor` give the other possible pairs: a cap c gives min(c, asked) and min(c, asked * factor).
    `val_first` tells that the val workers are older (--image-weights forks the train workers anew every
    epoch). `forks_name_workers` is False where torch does not name its workers, so that forks with the
    main process's argv are them; None where that is not known. `is_capped` is False where nothing cuts what
    was asked for, so that as many workers as that are one loader's.
    """

    train: int | None = None
    val: int | None = None
    asked: int | None = None
    val_factor: int = 2
    val_first: bool = False
    names_workers: bool | None = None
    is_capped: bool = True

    def pairs(self) -> frozenset[tuple[int, int]]:
        """Return the pairs (train, val) that some cap would give."""
        if self.asked is None:
            return frozenset()
        most = min(self.asked, 512)
        return frozenset(
            (min(cap, most), min(cap, most * self.val_factor)) for cap in range(1, most * self.val_factor + 1)
        )


@dataclass(frozen=True, slots=True)
class RankMain:
    """The main process of one rank, with its rank (None without DDP)."""

    process: ProcessSeen
    rank: int | None = None


def members_of(
    tree: ProcessTree,
    mains: Sequence[RankMain],
    launchers: Sequence[ProcessSeen],
    plan: WorkerPlan,
    known: Iterable[Member] = (),
) -> tuple[Member, ...]:
    """Return all processes of a training with their roles: launchers first, then rank by rank.

    `known` are the members as they were last time: a worker keeps the role it had.
    """
    before = {member.id: member.role for member in known if member.role in _GROUP_ROLES}
    main_pids = {main.process.id.pid for main in mains}
    found = [_member(process, Role.LAUNCHER, None) for process in launchers]
    taken = main_pids | {process.id.pid for process in launchers}
    for position, main in enumerate(mains):
        found.append(_member(main.process, Role.RANK if position else Role.MAIN, main.rank))
        # Only rank 0 validates.
        found += _below(tree, main, plan, before, taken, validates=position == 0)
    for launcher in launchers:
        seen = {member.id for member in found}
        found += [
            _member(process, Role.OTHER, None)
            for process in tree.descendants(launcher)
            if process.id not in seen
        ]
    return tuple(dict.fromkeys(found))


def _below(
    tree: ProcessTree,
    main: RankMain,
    plan: WorkerPlan,
    before: dict[ProcessId, Role],
    taken: set[int],
    *,
    validates: bool,
) -> list[Member]:
    below = [process for process in tree.descendants(main.process) if process.id.pid not in taken]
    workers = worker_processes(main.process, below, names_workers=plan.names_workers)
    worker_ids = {process.id for process in workers}
    roles = dict.fromkeys(worker_ids, Role.TRAIN_WORKER)
    if validates:
        roles = _groups([process.id for process in workers], plan, before)
    members = []
    for process in below:
        if process.id in worker_ids:
            role = roles[process.id]
        elif process.command == main.process.command and not is_helper(process):
            role = Role.POOL
        else:
            role = Role.OTHER
        members.append(_member(process, role, main.rank))
    return members


def worker_processes(
    main: ProcessSeen, below: Sequence[ProcessSeen], *, names_workers: bool | None
) -> tuple[ProcessSeen, ...]:
    """Return the DataLoader workers among `below`, in the order of their start.

    torch 2.5 and later names them. Older ones are forks with the argv of `main`, or spawned; while the
    label scan runs, its pool cannot be told from them.
    """
    named = tuple(process for process in below if is_worker(process))
    if named or names_workers:
        return named
    return tuple(
        process
        for process in below
        if not is_helper(process) and (process.command == main.command or is_spawned(process))
    )


def _groups(
    workers: Sequence[ProcessId], plan: WorkerPlan, before: dict[ProcessId, Role]
) -> dict[ProcessId, Role]:
    kept = {worker: before[worker] for worker in workers if worker in before}
    counts = Counter(before.values())
    if kept and len(counts) == len(_GROUP_ROLES):
        # Both groups were told apart before: newcomers replace those that are gone.
        lost = counts - Counter(kept.values())
        shrunk = max(_GROUP_ROLES, key=lambda role: lost[role])
        if len(workers) - len(kept) <= lost[shrunk]:
            return {worker: kept.get(worker, shrunk) for worker in workers}
    first = split([worker.start_ticks for worker in workers], plan)
    older, younger = _GROUP_ROLES[::-1] if plan.val_first else _GROUP_ROLES
    return {worker: older if index < first else younger for index, worker in enumerate(workers)}


def split(starts: Sequence[int], plan: WorkerPlan) -> int:
    """Return how many of the workers, in order of their start ticks, belong to the older group.

    By the expected numbers; where these do not fit, by the only pause between their starts, or by the
    pair of numbers that some cap would give. Else all are of one group.
    """
    count = len(starts)
    # On busy cores the forks of one loader may lie as far apart as those of two.
    if not plan.is_capped and count == plan.asked:
        return count
    expected = (plan.val, plan.train) if plan.val_first else (plan.train, plan.val)
    has_numbers = plan.asked is not None or expected != (None, None)
    alone = _ALONE_PAUSE_TICKS if count > 2 else _ONLY_PAUSE_TICKS
    pause = _pause(starts, _PAUSE_TICKS if has_numbers else alone)
    pairs = {(val, train) if plan.val_first else (train, val) for train, val in plan.pairs()}
    if None not in expected and count == sum(number for number in expected if number is not None):
        # The other way round, where the train workers were forked anew (ultralytics' close_mosaic).
        swapped = expected[::-1]
        reverse = pause is not None and pause == swapped[0] and pause != expected[0]
        return swapped[0] if reverse and swapped[0] is not None else expected[0] or 0
    if pause is not None and ((pause, count - pause) in pairs or expected[0] is None):
        return pause
    if expected[0] is not None:
        return min(count, expected[0])
    fitting = [train for train, val in pairs if train + val == count]
    is_one_loader = count in {train for train, _ in pairs}
    return fitting[0] if fitting and not is_one_loader else count


def _pause(starts: Sequence[int], shortest_ticks: int) -> int | None:
    """Return after how many starts there is one clear pause, or None."""
    gaps = sorted(
        ((later - earlier, index) for index, (earlier, later) in enumerate(itertools.pairwise(starts), 1)),
        reverse=True,
    )
    if not gaps or gaps[0][0] < shortest_ticks:
        return None
    if len(gaps) > 1 and gaps[0][0] < _PAUSE_FACTOR * max(gaps[1][0], 1):
        return None
    return gaps[0][1]


def _member(process: ProcessSeen, role: Role, rank: int | None) -> Member:
    return Member(process.id, process.parent_pid, role, rank)
