"""torchvision's reference trainings: `references/*/train.py` of github.com/pytorch/vision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gpumon.frameworks.build import Recognised, build_training
from gpumon.frameworks.process_tree import (
    Machine,
    ProcessTree,
    absolute,
    is_helper,
    is_worker,
    launch_of,
)
from gpumon.frameworks.ranks import RankGroup, group_ranks, is_launcher
from gpumon.frameworks.torch import read_settings
from gpumon.frameworks.version import package_directories, package_version
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.process import ProcessSeen
from gpumon.model.training import Setting, Settings, Training

# What lies beside train.py, and its defaults: workers, batch of one rank, epochs (read in main, 2025).
_FILES = {
    "classification": ("presets.py", "transforms.py"),
    "detection": ("engine.py", "coco_utils.py"),
}
_DEFAULTS = {"classification": (16, 32, 90), "detection": (4, 2, 26)}


@dataclass(slots=True)
class Torchvision:
    """Finds torchvision's reference trainings. `known` are those of the last scan."""

    machine: Machine
    known: tuple[Training, ...] = ()
    name: str = field(default="torchvision", init=False)

    def find(self, processes: tuple[ProcessSeen, ...]) -> tuple[Training, ...]:
        """Return the reference trainings among `processes`."""
        tree = ProcessTree.of(processes)
        mains = [process for process in processes if self._task(tree, process)]
        return tuple(self._training(group, tree) for group in group_ranks(tree, mains))

    def _task(self, tree: ProcessTree, process: ProcessSeen) -> str:
        """Return which of the trainings a process is the main process of, or ""."""
        launch = launch_of(process)
        parent = tree.parent(process)
        if launch is None or launch.base != "train.py":
            return ""
        if is_worker(process) or is_helper(process) or is_launcher(process):
            return ""
        if parent is not None and parent.command == process.command:
            return ""  # a fork: a worker of an older torch
        path = absolute(launch.script, known(process.working_directory)) or ""
        folder = path.rpartition("/")[0]
        task = folder.rpartition("/")[2]
        files = self.machine.files(process.id.pid)
        beside = _FILES.get(task, ())
        return task if beside and all(files.exists(f"{folder}/{name}") for name in beside) else ""

    def _training(self, group: RankGroup, tree: ProcessTree) -> Training:
        files = self.machine.files(group.main.id.pid)
        task = self._task(tree, group.main)
        version = package_version(files, package_directories(files, group.main), self.name)
        recognised = Recognised(
            framework=self.name,
            name=f"{task}/train.py",
            settings=_with_defaults(read_settings(group.main.command), task, group.world_size),
            framework_version=version or Missing("cannot be told"),
            run_dir=Missing("it writes checkpoints to --output-dir, and no results"),
        )
        before = [training.members for training in self.known if training.id == group.main.id]
        return build_training(group, tree, self.machine, recognised, *before[:1])


def _with_defaults(settings: Settings, task: str, ranks: int) -> Settings:
    """Return the settings of argv with the defaults of the script; its batch is that of one rank."""
    workers, batch, epochs = (Setting(value, f"default of {task}/train.py") for value in _DEFAULTS[task])
    asked = _or(settings.workers, workers)
    of_a_rank = _or(settings.batch_size, batch)
    total = int(of_a_rank.value or 0) * ranks
    return replace(
        settings,
        workers=asked,
        workers_asked=asked,
        batch_size=replace(of_a_rank, value=total),
        epochs=_or(settings.epochs, epochs),
    )


def _or(setting: Maybe[Setting], default: Setting) -> Setting:
    return default if isinstance(setting, Missing) else setting
