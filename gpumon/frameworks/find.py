"""The trainings among all processes of the machine, of any framework."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gpumon.frameworks.file_view import FileViewFactory, ProcessFiles
from gpumon.frameworks.process_tree import NOTEBOOK, Machine, ProcessTree, is_python_like, variable
from gpumon.frameworks.ranks import RankGroup
from gpumon.frameworks.roles import RankMain
from gpumon.frameworks.torch import Torch
from gpumon.frameworks.ultralytics import Ultralytics
from gpumon.frameworks.yolov5 import Yolov5
from gpumon.model.measure import Missing, known
from gpumon.model.process import ProcessId, ProcessSeen, Role
from gpumon.model.source import Framework
from gpumon.model.training import Training


def find_trainings(
    processes: tuple[ProcessSeen, ...],
    *,
    gpu_pids: frozenset[int] = frozenset(),
    visible_gpus: int | None = None,
    files: FileViewFactory = ProcessFiles,
    cores: int | None = None,
    boot_unix_seconds: float | None = None,
    before: tuple[Training, ...] = (),
    shell: Mapping[str, str] | None = None,
) -> tuple[Training, ...]:
    """Return all trainings among `processes`, in order of their start; one for each main process.

    `gpu_pids` are the PIDs that hold GPU memory, `visible_gpus` the number of GPUs of the machine (None
    where it is not known). `before` is the last result: trainings that were fully known are only
    refreshed, and workers keep their roles. `cores` and `boot_unix_seconds` are read where not given.
    `shell` are the variables of the shell that a command would be copied to (None: this process's own).
    """
    machine = Machine(
        files=files,
        gpu_pids=gpu_pids,
        visible_gpus=visible_gpus,
        cores=cores if cores is not None else os.cpu_count(),
        boot_unix_seconds=boot_unix_seconds if boot_unix_seconds is not None else boot_time(),
        ticks_per_second=os.sysconf("SC_CLK_TCK"),
        shell=os.environ if shell is None else shell,
    )
    remaining = tuple(
        process for process in processes if is_python_like(process) or process.id.pid in gpu_pids
    )
    found: list[Training] = []
    for training in before:
        fresh = _refreshed(training, remaining, machine)
        if fresh is not None and not _is_open(fresh, remaining):
            found.append(fresh)
            remaining = _without(remaining, fresh)
    frameworks: tuple[Framework, ...] = (
        Yolov5(machine, before),
        Ultralytics(machine, before),
        Torch(machine, before),
    )
    for framework in frameworks:
        for training in framework.find(remaining):
            found.append(training)
            remaining = _without(remaining, training)
    for training in before:
        # A loader without persistent workers has none between two epochs: its training goes on.
        fresh = _refreshed(training, remaining, machine)
        if fresh is not None and fresh.name != NOTEBOOK:
            found.append(fresh)
            remaining = _without(remaining, fresh)
    return tuple(sorted(found, key=lambda training: training.id.start_ticks))


def refresh(
    training: Training,
    processes: tuple[ProcessSeen, ...],
    *,
    gpu_pids: frozenset[int] = frozenset(),
    visible_gpus: int | None = None,
    files: FileViewFactory = ProcessFiles,
    cores: int | None = None,
    boot_unix_seconds: float | None = None,
) -> Training:
    """Return `training` as it is now: its members, their roles, and the settings that these tell.

    `processes` are at least those of its own tree. Where its run directory was not there yet, it is
    looked for again. A training whose main process is gone is returned as it was.
    """
    found = find_trainings(
        processes,
        gpu_pids=gpu_pids,
        visible_gpus=visible_gpus,
        files=files,
        cores=cores,
        boot_unix_seconds=boot_unix_seconds,
        before=(training,),
    )
    return next((fresh for fresh in found if fresh.id == training.id), training)


def started_by(
    process: ProcessSeen, trainings: tuple[Training, ...], processes: tuple[ProcessSeen, ...]
) -> frozenset[ProcessId]:
    """Return which trainings a process has started, itself or by what it has started."""
    tree = ProcessTree.of(processes)
    mains = {training.id for training in trainings}
    return frozenset(below.id for below in tree.descendants(process) if below.id in mains)


def boot_time() -> float | None:
    """Return when the machine was started, in Unix seconds, from /proc/stat."""
    try:
        text = Path("/proc/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "btime" and value.strip().isdigit():
            return float(value)
    return None


def _without(processes: tuple[ProcessSeen, ...], training: Training) -> tuple[ProcessSeen, ...]:
    taken = {member.id for member in training.members}
    return tuple(process for process in processes if process.id not in taken)


def _is_open(training: Training, processes: tuple[ProcessSeen, ...]) -> bool:
    """Tell whether something of a training may still come: its run directory, a rank, AutoBatch's choice."""
    if training.framework == "torch":
        # It may yet show itself as YOLOv5's or ultralytics', by the settings file they write.
        return True
    batch = training.settings.batch_size
    waits_for_batch = isinstance(batch, Missing) and isinstance(training.log_path, str)
    ranks = training.pids(Role.MAIN, Role.RANK)
    present = {process.id.pid for process in processes}
    all_there = len(ranks) >= training.world_size and present.issuperset(ranks)
    return isinstance(training.run_dir, Missing) or waits_for_batch or not all_there


def _refreshed(training: Training, processes: tuple[ProcessSeen, ...], machine: Machine) -> Training | None:
    """Return a known training with its present members, or None where its main process is gone."""
    # Loaded with the first training: see Yolov5.
    from gpumon.frameworks.build import with_members
    from gpumon.frameworks.workers import WorkerContext

    tree = ProcessTree.of(processes)
    by_id = {process.id: process for process in processes}
    if training.id not in by_id:
        return None
    mains = [
        RankMain(by_id[member.id], member.rank)
        for member in training.members
        if member.role in (Role.MAIN, Role.RANK) and member.id in by_id
    ]
    launchers = [
        by_id[member.id] for member in training.members if member.role is Role.LAUNCHER and member.id in by_id
    ]
    group = RankGroup(tuple(mains), tuple(launchers))
    context = WorkerContext(
        framework=training.framework,
        version=known(training.framework_version) or "",
        settings=training.settings,
        machine=machine,
        task=_task(training),
        world_size=training.world_size,
        visible_devices=variable(group.main, "CUDA_VISIBLE_DEVICES"),
    )
    return with_members(training, group, tree, context, training.members)


def _task(training: Training) -> str:
    return next((task for task in ("segment", "classify") if task in training.name), "detect")
