"""Main processes put together to trainings: the ranks of one launcher are one training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gpumon.frameworks.process_tree import (
    LAUNCHER_NAME,
    ProcessTree,
    is_spawned,
    launch_of,
    variable,
    whole,
)
from gpumon.frameworks.roles import RankMain
from gpumon.model.process import ProcessSeen

_DDP_SCRIPT = "/_temp_"


@dataclass(frozen=True, slots=True)
class RankGroup:
    """The main processes of one training, rank 0 first, and what launched them, outermost first."""

    mains: tuple[RankMain, ...]
    launchers: tuple[ProcessSeen, ...] = ()

    @property
    def main(self) -> ProcessSeen:
        """The process of the lowest rank."""
        return self.mains[0].process

    @property
    def starter(self) -> ProcessSeen:
        """The process that the user started."""
        return self.launchers[0] if self.launchers else self.main

    @property
    def world_size(self) -> int:
        """The number of ranks, over all machines where the environment tells."""
        return max(whole(variable(self.main, "WORLD_SIZE")) or 1, len(self.mains))


def group_ranks(tree: ProcessTree, mains: Iterable[ProcessSeen]) -> tuple[RankGroup, ...]:
    """Put main processes that one launcher started together, each group in order of rank."""
    groups: dict[tuple[str, int], list[ProcessSeen]] = {}
    for main in mains:
        launcher = _launcher(tree, main)
        if launcher is not None:
            key = ("launcher", launcher.id.pid)
        elif whole(variable(main, "RANK")) is not None and variable(main, "MASTER_PORT") is not None:
            key = ("started together", main.parent_pid)
        else:
            key = ("alone", main.id.pid)
        groups.setdefault(key, []).append(main)
    return tuple(_group(tree, kind == "alone", members) for (kind, _), members in groups.items())


def _group(tree: ProcessTree, alone: bool, mains: list[ProcessSeen]) -> RankGroup:
    if alone:
        return RankGroup((RankMain(mains[0]),))
    # Where the environment is hidden, the launcher's order of starting is the order of ranks.
    by_start = sorted(mains, key=lambda main: (main.id.start_ticks, main.id.pid))
    ranked = [(whole(variable(main, "RANK")), index, main) for index, main in enumerate(by_start)]
    ranks = sorted(((index if rank is None else rank), index, main) for rank, index, main in ranked)
    launcher = _launcher(tree, by_start[0])
    launchers = () if launcher is None else _launchers(tree, launcher)
    return RankGroup(tuple(RankMain(main, rank) for rank, _, main in ranks), launchers)


def _launcher(tree: ProcessTree, main: ProcessSeen) -> ProcessSeen | None:
    """Return the nearest launcher above `main`, unless another training lies between.

    torch.multiprocessing.spawn makes the parent the launcher.
    """
    if is_spawned(main):
        return tree.parent(main)
    for above in tree.ancestors(main):
        if is_launcher(above):
            return above
        launch = launch_of(above)
        if launch is not None:
            return None
    return None


def _launchers(tree: ProcessTree, nearest: ProcessSeen) -> tuple[ProcessSeen, ...]:
    """Return the launcher with what started it, where ultralytics did so for its own DDP."""
    above = tree.parent(nearest)
    is_own = any(_DDP_SCRIPT in argument for argument in nearest.command)
    if is_own and above is not None and launch_of(above) is not None:
        return (above, nearest)
    return (nearest,)


def is_launcher(process: ProcessSeen) -> bool:
    """Tell whether a process launches ranks: torchrun and its kin."""
    if process.name == LAUNCHER_NAME:
        return True
    launch = launch_of(process)
    return launch is not None and launch.launcher != ""
