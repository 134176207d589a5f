"""A Training put together from its processes, its settings and its files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.process_tree import (
    VIRTUAL_GPU_VARIABLE,
    Machine,
    ProcessTree,
    absolute,
    is_worker,
    variable,
)
from gpumon.frameworks.ranks import RankGroup
from gpumon.frameworks.repeat import command_of, environment_of
from gpumon.frameworks.roles import members_of
from gpumon.frameworks.settings_yolov5 import autobatch_in
from gpumon.frameworks.version import names_workers
from gpumon.frameworks.workers import WorkerContext, settle_workers
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.training import Member, Setting, Settings, Training

_LOG_HEAD_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a framework knows of a training before its processes are given roles.

    `version` is what its rules go by; `framework_version` what is shown, Missing where it is a guess.
    """

    framework: str
    name: str
    settings: Settings
    version: str = ""
    framework_version: Maybe[str] = Missing("not known")
    task: str = "detect"
    run_dir: Maybe[str] = Missing("has none")
    notes: tuple[str, ...] = ()


def build_training(
    group: RankGroup,
    tree: ProcessTree,
    machine: Machine,
    recognised: Recognised,
    known_members: Iterable[Member] = (),
) -> Training:
    """Return the training that `group` is."""
    files = machine.files(group.main.id.pid)
    starter = group.starter
    timeline = variable(group.main, VIRTUAL_GPU_VARIABLE)
    directory = known(starter.working_directory)
    log_path = files.log_path()
    settings, notes = _with_autobatch(recognised.settings, files, log_path)
    training = Training(
        id=group.main.id,
        framework=recognised.framework,
        name=recognised.name,
        command=command_of(starter, machine.files(starter.id.pid), machine.shell),
        command_is_exact=starter.command_is_exact,
        command_directory=starter.working_directory,
        user_id=group.main.user_id,
        settings=settings,
        members=(),
        run_dir=recognised.run_dir,
        log_path=log_path,
        framework_version=recognised.framework_version,
        world_size=group.world_size,
        simulated=timeline is not None,
        timeline_path=None if timeline is None else absolute(timeline, directory) or timeline,
        environment=environment_of(starter, machine.shell),
        notes=(*recognised.notes, *notes, *_notes(group)),
    )
    context = WorkerContext(
        framework=recognised.framework,
        version=recognised.version,
        settings=settings,
        machine=machine,
        task=recognised.task,
        world_size=group.world_size,
        visible_devices=variable(group.main, "CUDA_VISIBLE_DEVICES"),
    )
    return with_members(training, group, tree, context, known_members)


def with_members(
    training: Training,
    group: RankGroup,
    tree: ProcessTree,
    context: WorkerContext,
    known_members: Iterable[Member],
) -> Training:
    """Return `training` with the processes it has now, their roles, and the workers that come of them."""
    main = group.main
    below = tree.descendants(main)
    named: bool | None = any(is_worker(process) for process in below) or None
    if named is None and any(process.command == main.command for process in below):
        named = names_workers(context.machine.files(main.id.pid), main)
    plan = context.plan(names_workers=named)
    members = members_of(tree, group.mains, group.launchers, plan, known_members)
    settings = settle_workers(training.settings, context.effective(), members)
    return replace(training, members=members, settings=settings, visible_gpus=context.gpus())


def _with_autobatch(
    settings: Settings, files: FileView, log_path: Maybe[str]
) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings with the batch that AutoBatch chose, where the log is a file that tells."""
    batch = settings.batch_size
    if not (isinstance(batch, Missing) and batch.reason.startswith("AutoBatch")):
        return settings, ()
    if isinstance(log_path, Missing):
        return settings, ()
    head = files.read_text(log_path, _LOG_HEAD_BYTES, head=True)
    chosen = None if isinstance(head, Missing) else autobatch_in(head)
    if chosen is None:
        return settings, ()
    setting = Setting(chosen, "AutoBatch's line in the log")
    return replace(settings, batch_size=setting), ("AutoBatch chose the batch size",)


def _notes(group: RankGroup) -> tuple[str, ...]:
    notes = []
    if group.main.pid_in_container is not None:
        notes.append("it runs in a container: run the command there")
    if isinstance(group.main.environment, Missing):
        notes.append(f"its environment is hidden: {group.main.environment.reason}")
    if isinstance(group.starter.working_directory, Missing):
        notes.append(f"its directory is hidden: {group.starter.working_directory.reason}")
    if not group.starter.command_is_exact:
        notes.append("its command line holds characters that were changed here: no command can be offered")
    if group.world_size > len(group.mains):
        notes.append(f"{len(group.mains)} of its {group.world_size} ranks run on this machine")
    return tuple(notes)
