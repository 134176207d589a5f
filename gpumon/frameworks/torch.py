"""Any other PyTorch training: recognised by its DataLoader workers, its GPU memory, or `gpumon run`."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpumon.advice.knobs import torch as flags
from gpumon.frameworks.process_tree import NOTEBOOK, Machine, ProcessTree, launch_of
from gpumon.frameworks.ranks import RankGroup, group_ranks
from gpumon.frameworks.torch_processes import is_notebook, is_training
from gpumon.frameworks.version import package_directories, package_version
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessSeen
from gpumon.model.training import Setting, Settings, Training

_IN_CODE = Missing("not on its command line")


@dataclass(slots=True)
class Torch:
    """Finds PyTorch trainings of unknown kind. `known` are those of the last scan."""

    machine: Machine
    known: tuple[Training, ...] = ()
    name: str = field(default="torch", init=False)

    def find(self, processes: tuple[ProcessSeen, ...]) -> tuple[Training, ...]:
        """Return the trainings among `processes` that no other framework has taken."""
        tree = ProcessTree.of(processes)
        mains = [process for process in processes if is_training(tree, process, self.machine)]
        return tuple(self._training(group, tree) for group in group_ranks(tree, mains))

    def _training(self, group: RankGroup, tree: ProcessTree) -> Training:
        # Loaded with the first training, as for YOLOv5.
        from gpumon.frameworks.build import Recognised, build_training

        files = self.machine.files(group.main.id.pid)
        version = package_version(files, package_directories(files, group.main), self.name)
        is_in_notebook = is_notebook(group.main)
        notes = ("its framework is not known: settings are those on its command line",)
        if is_in_notebook:
            notes = ("it runs in a notebook: its settings stand in the notebook's code",)
        launch = launch_of(group.main)
        recognised = Recognised(
            framework=self.name,
            name=NOTEBOOK if is_in_notebook else (launch.base if launch is not None else "") or "python",
            settings=read_settings(group.main.command),
            framework_version=version or Missing("cannot be told"),
            run_dir=Missing("a training of unknown kind has none that gpumon knows"),
            notes=notes,
        )
        before = [training.members for training in self.known if training.id == group.main.id]
        return build_training(group, tree, self.machine, recognised, *before[:1])


def read_settings(command: tuple[str, ...]) -> Settings:
    """Return the settings that common flags in argv name."""

    def get(name: str) -> Maybe[Setting]:
        found = flags.find_flag(command[1:], name)
        return _IN_CODE if found is None else Setting(found.value, f"argv {found.spelled}")

    workers = get("workers")
    missing = dict.fromkeys(
        ("cache", "device", "optimizer", "weights", "cfg", "data", "resume", "multi_scale", "image_weights",
         "lr0", "pin_memory"),
        _IN_CODE,
    )  # fmt: skip
    return Settings(
        batch_size=get("batch_size"),
        workers=workers,
        workers_asked=workers,
        imgsz=get("imgsz"),
        epochs=get("epochs"),
        **missing,
    )
