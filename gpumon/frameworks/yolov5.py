"""YOLOv5 trainings: recognised by command line and the files beside it, or by their opt.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gpumon.advice.knobs import yolov5
from gpumon.advice.knobs.option import Parsed
from gpumon.advice.knobs.train_command import Yolov5Command, read_yolov5_command, version_by_flags
from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.process_tree import (
    NOTEBOOK,
    Machine,
    ProcessTree,
    absolute,
    is_helper,
    is_spawned,
    is_worker,
    launch_of,
    variable,
)
from gpumon.frameworks.ranks import RankGroup, group_ranks, is_launcher
from gpumon.frameworks.run_directory import (
    RunDirectory,
    candidates,
    find_run_directory,
    read_run_directory,
)
from gpumon.frameworks.yaml_file import Plain
from gpumon.frameworks.yolov5_main import Yolov5Main, parent_of, recognise
from gpumon.model.measure import Missing, known
from gpumon.model.process import ProcessSeen
from gpumon.model.training import Training

_SETTINGS_FILE = "opt.yaml"
_PROJECTS = {"detect": "runs/train", "segment": "runs/train-seg", "classify": "runs/train-cls"}


@dataclass(slots=True)
class Yolov5:
    """Finds the trainings of YOLOv5. `known` are those of the last scan: their workers keep their roles."""

    machine: Machine
    known: tuple[Training, ...] = ()
    name: str = field(default="yolov5", init=False)

    def find(self, processes: tuple[ProcessSeen, ...]) -> tuple[Training, ...]:
        """Return the trainings of YOLOv5 among `processes`."""
        tree = ProcessTree.of(processes)
        mains = {main.process.id.pid: main for main in self._mains(tree, processes)}
        groups = group_ranks(tree, [main.process for main in mains.values()])
        claimed: set[str] = set()
        found = []
        # In order of their start: each takes the first run directory that is not another's.
        for group in sorted(groups, key=lambda group: group.main.id.start_ticks):
            training = self._training(group, tree, mains[group.main.id.pid], claimed)
            if not isinstance(training.run_dir, Missing):
                claimed.add(training.run_dir)
            found.append(training)
        return tuple(found)

    def _mains(self, tree: ProcessTree, processes: tuple[ProcessSeen, ...]) -> Iterator[Yolov5Main]:
        for process in processes:
            if is_worker(process) or is_helper(process) or is_spawned(process) or is_launcher(process):
                continue
            parent = tree.parent(process)
            if parent is not None and parent.command == process.command:
                continue  # a fork: worker or pool
            main = recognise(process, self.machine) or self._by_run_directory(tree, process)
            if main is not None:
                yield main

    def _by_run_directory(self, tree: ProcessTree, process: ProcessSeen) -> Yolov5Main | None:
        """Recognise a notebook or script that trains YOLOv5 by the opt.yaml it wrote before its workers."""
        directory = known(process.working_directory)
        workers = [child for child in tree.children(process) if is_worker(child)]
        if not workers or directory is None or launch_of(process) is None:
            return None
        files = self.machine.files(process.id.pid)
        began = self.machine.started_unix_seconds(workers[0].id)
        paths = [path for project in _PROJECTS.values() for path in _all(files, f"{directory}/{project}")]
        run = find_run_directory(
            files, paths, _SETTINGS_FILE, self.machine.started_unix_seconds(process.id), _is_opt
        )
        # A notebook may have trained before: the settings must be written shortly before the workers.
        if run is None or began is None or run.written_unix_seconds > began + 1.0:
            return None
        note = "recognised by its opt.yaml alone: started from a notebook or a script of its own"
        command = read_yolov5_command(process.command, python=True)
        guess = None if command is None or not command.named else version_by_flags(process.command, command)
        return Yolov5Main(
            process,
            None if guess is None else command,
            guess or "v7.0",
            version_is_known=False,
            run=run,
            notes=(note,),
        )

    def _training(self, group: RankGroup, tree: ProcessTree, main: Yolov5Main, claimed: set[str]) -> Training:
        # What puts a training together is loaded with the first one: a machine without any is shown sooner.
        from gpumon.frameworks.build import Recognised, build_training
        from gpumon.frameworks.settings_yolov5 import Yolov5Sources, read_hyp, read_settings

        files = self.machine.files(main.process.id.pid)
        parsed = None if main.command is None else main.command.parse(main.process.command, main.version)
        task = main.command.task if main.command is not None else "detect"
        run = main.run or self._run(main, files, parsed, claimed)
        sources = Yolov5Sources(
            version=main.version,
            task=task,
            parsed=parsed,
            run=run,
            hyp=read_hyp(files, run),
            version_is_known=main.version_is_known,
            pin_memory=variable(main.process, "PIN_MEMORY"),
        )
        evolves = parsed is not None and parsed.last("evolve") is not None
        reason = "--evolve writes no opt.yaml" if evolves else "not found: no opt.yaml since the start"
        notes = main.notes
        if sources.is_resumed:
            notes = (*notes, "started with --resume: the other flags in argv count for nothing")
        if evolves:
            notes = (*notes, "hyperparameter evolution: every generation is a training of its own")
        recognised = Recognised(
            framework=self.name,
            name=_name(main.process, main.command),
            settings=read_settings(sources),
            version=main.version,
            framework_version=main.version if main.version_is_known else Missing("cannot be told"),
            task=task,
            run_dir=Missing(reason) if run is None else run.path,
            notes=notes,
        )
        before = [training.members for training in self.known if training.id == main.process.id]
        return build_training(group, tree, self.machine, recognised, *before[:1])

    def _run(
        self, main: Yolov5Main, files: FileView, parsed: Parsed | None, claimed: set[str]
    ) -> RunDirectory | None:
        """Find the run directory: the resumed one, or the first one written since the start."""
        from gpumon.frameworks.settings_yolov5 import fit_of_argv

        directory = known(main.process.working_directory)
        if parsed is None or directory is None or parsed.last("evolve") is not None:
            return None
        resume = parsed.last("resume")
        if resume is not None and isinstance(resume.value, str):
            checkpoint = absolute(resume.value, directory) or ""
            return read_run_directory(files, parent_of(parent_of(checkpoint)), _SETTINGS_FILE)
        started = self.machine.started_unix_seconds(main.process.id)
        paths = list(_run_paths(main, files, parsed, directory))
        if resume is not None:
            runs = [f"{directory}/runs/{name}" for name in files.names(f"{directory}/runs")]
            paths += [path for project in runs for path in _all(files, project)]
        paths = [path for path in paths if path not in claimed]
        options = yolov5.options(main.version, "detect" if main.command is None else main.command.task)
        return find_run_directory(
            files, paths, _SETTINGS_FILE, started, lambda settings: fit_of_argv(parsed, options, settings)
        )


def _run_paths(main: Yolov5Main, files: FileView, parsed: Parsed, directory: str) -> Iterator[str]:
    """Yield where the run directory may be: below --project, or the default project."""
    project, name = parsed.last("project"), parsed.last("name")
    task = main.command.task if main.command is not None else "detect"
    roots = [directory] if main.root is None else [main.root, directory]
    if project is not None:
        projects = [absolute(str(project.value), directory) or ""]
    else:
        projects = [f"{root}/{_PROJECTS[task]}" for root in roots]
    base = "exp" if name is None else str(name.value).strip("/")
    cfg = parsed.last("cfg")
    if base == "cfg" and cfg is not None:
        base = str(cfg.value).rsplit("/", 1)[-1].rsplit(".", 1)[0]
    folder, _, base = base.rpartition("/")
    for each in dict.fromkeys(projects):
        yield from candidates(files, f"{each}/{folder}".rstrip("/"), base)


def _all(files: FileView, project: str) -> list[str]:
    return [f"{project}/{name}" for name in files.names(project)]


def _is_opt(settings: dict[str, Plain]) -> bool:
    """Tell whether settings are YOLOv5's: keys that no other framework has together."""
    return {"batch_size", "workers", "hyp", "save_dir", "epochs"} <= settings.keys()


def _name(process: ProcessSeen, command: Yolov5Command | None) -> str:
    if command is None:
        launch = launch_of(process)
        return NOTEBOOK if launch is None or "kernel" in launch.base else launch.base
    folder = "" if command.task == "detect" else f"{command.task}/"
    if command.console:
        return f"yolov5 {folder.replace('/', ' ')}train"
    return f"-m {command.launch.module}" if command.launch.module else f"{folder}{command.launch.base}"
