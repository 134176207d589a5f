"""ultralytics trainings: `yolo ... train`, its DDP ranks, and scripts by the args.yaml they write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gpumon.advice.knobs.train_command import read_yolo_command
from gpumon.frameworks.process_tree import (
    NOTEBOOK,
    Machine,
    ProcessTree,
    is_helper,
    is_worker,
    launch_of,
)
from gpumon.frameworks.ranks import RankGroup, group_ranks, is_launcher
from gpumon.frameworks.run_directory import RunDirectory
from gpumon.frameworks.settings_ultralytics import read_settings
from gpumon.frameworks.torch_processes import has_workers
from gpumon.frameworks.ultralytics_runs import find_ultralytics_run
from gpumon.frameworks.version import package_directories, package_version
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessSeen
from gpumon.model.training import Training

_DDP_FILE = re.compile(r".*/DDP/_temp_\w+\.py$")


@dataclass(slots=True)
class Ultralytics:
    """Finds the trainings of ultralytics. `known` are those of the last scan."""

    machine: Machine
    known: tuple[Training, ...] = ()
    name: str = field(default="ultralytics", init=False)

    def find(self, processes: tuple[ProcessSeen, ...]) -> tuple[Training, ...]:
        """Return the trainings of ultralytics among `processes`."""
        tree = ProcessTree.of(processes)
        runs: dict[int, RunDirectory] = {}
        mains = list(self._mains(tree, processes, runs))
        found = (self._training(group, tree, runs) for group in group_ranks(tree, mains))
        return tuple(found)

    def _mains(
        self, tree: ProcessTree, processes: tuple[ProcessSeen, ...], runs: dict[int, RunDirectory]
    ) -> Iterator[ProcessSeen]:
        for process in processes:
            launch = launch_of(process)
            if launch is None or is_worker(process) or is_helper(process) or is_launcher(process):
                continue
            parent = tree.parent(process)
            if parent is not None and parent.command == process.command:
                continue
            command = read_yolo_command(process.command, python=True)
            if command is not None:
                # Under DDP it only waits for its ranks.
                if command.is_training and not any(map(_is_rank, tree.descendants(process))):
                    yield process
            elif _is_rank(process) or self._by_run_directory(tree, process, runs):
                yield process

    def _by_run_directory(
        self, tree: ProcessTree, process: ProcessSeen, runs: dict[int, RunDirectory]
    ) -> bool:
        """Recognise a script that trains by the args.yaml it wrote."""
        if not has_workers(tree, process) and process.id.pid not in self.machine.gpu_pids:
            return False
        started = self.machine.started_unix_seconds(process.id)
        run = find_ultralytics_run(self.machine.files(process.id.pid), process, None, started)
        if run is None:
            return False
        runs[process.id.pid] = run
        return True

    def _training(self, group: RankGroup, tree: ProcessTree, runs: dict[int, RunDirectory]) -> Training:
        # Loaded with the first training, as for YOLOv5.
        from gpumon.frameworks.build import Recognised, build_training

        files = self.machine.files(group.main.id.pid)
        starter = group.starter
        command = read_yolo_command(starter.command, python=True)
        arguments = None if command is None else command.arguments
        run = runs.get(group.main.id.pid)
        if run is None:
            started = self.machine.started_unix_seconds(starter.id)
            run = find_ultralytics_run(files, starter, arguments, started)
        version = package_version(files, package_directories(files, starter), self.name)
        recognised = Recognised(
            framework=self.name,
            name=_name(starter),
            settings=read_settings(arguments, run),
            version=version or "",
            framework_version=version or Missing("cannot be told"),
            task=_task(arguments.task if arguments is not None else "", run),
            run_dir=Missing("not found: no args.yaml since the start") if run is None else run.path,
        )
        before = [training.members for training in self.known if training.id == group.main.id]
        return build_training(group, tree, self.machine, recognised, *before[:1])


def _is_rank(process: ProcessSeen) -> bool:
    launch = launch_of(process)
    return (
        launch is not None
        and not launch.launcher
        and not is_worker(process)
        and _DDP_FILE.match(launch.script) is not None
    )


def _task(said: str, run: RunDirectory | None) -> str:
    task = run.settings.get("task") if run is not None else None
    return task if isinstance(task, str) else said or "detect"


def _name(starter: ProcessSeen) -> str:
    command = read_yolo_command(starter.command, python=True)
    if command is not None:
        words = ("yolo", command.arguments.task, command.arguments.mode)
        return " ".join(word for word in words if word)
    launch = launch_of(starter)
    return NOTEBOOK if launch is None or "kernel" in launch.base else launch.base
