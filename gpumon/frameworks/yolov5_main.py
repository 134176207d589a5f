"""The main process of a YOLOv5 training: recognised by its command line and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.knobs.train_command import Yolov5Command, read_yolov5_command, version_by_flags
from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.process_tree import VIRTUAL_GPU_VARIABLE, Machine, absolute, launch_of, variable
from gpumon.frameworks.run_directory import RunDirectory
from gpumon.frameworks.version import package_directories, package_version, yolov5_repository_version
from gpumon.model.measure import known
from gpumon.model.process import ProcessSeen

# Flags that, together with a script called train.py, speak for YOLOv5 where its files are hidden.
_TELLING = frozenset({"imgsz", "img_size", "cfg", "hyp", "data", "weights"})


@dataclass(frozen=True, slots=True)
class Yolov5Main:
    """A process recognised as the main process of YOLOv5. `root` is the repository, where there is one."""

    process: ProcessSeen
    command: Yolov5Command | None
    version: str
    version_is_known: bool
    root: str | None = None
    run: RunDirectory | None = None
    notes: tuple[str, ...] = ()


def recognise(process: ProcessSeen, machine: Machine) -> Yolov5Main | None:
    """Return the training that `process` is the main process of, by its command line and its files."""
    command = read_yolov5_command(process.command, python=launch_of(process) is not None)
    if command is None or command.launch.launcher:
        return None
    files = machine.files(process.id.pid)
    if command.console or command.launch.module.startswith("yolov5."):
        return _from_package(process, command, files)
    if command.named or "train" in command.launch.base:
        return _from_script(process, command, files)
    return None


def _from_script(process: ProcessSeen, command: Yolov5Command, files: FileView) -> Yolov5Main | None:
    """Return a training by a script that lies in a YOLOv5 repository, or seems to."""
    root = _root(process, command, files)
    version = None if root is None else yolov5_repository_version(files, root)
    guess = version_by_flags(process.command, command)
    has_flags = guess is not None and any(
        given.option.dest in _TELLING for given in command.parse(process.command, guess).given
    )
    if version is not None:
        is_one = command.named or has_flags
        return Yolov5Main(process, command, version, version_is_known=True, root=root) if is_one else None
    if not command.named or guess is None:
        return None
    if variable(process, VIRTUAL_GPU_VARIABLE) is not None:
        return Yolov5Main(process, command, guess, version_is_known=False, root=root)
    script = _script(process, command)
    if has_flags and (script is None or not files.exists(script)):
        note = "its files cannot be seen: recognised by its flags alone"
        return Yolov5Main(process, command, guess, version_is_known=False, root=root, notes=(note,))
    return None


def _from_package(process: ProcessSeen, command: Yolov5Command, files: FileView) -> Yolov5Main:
    """Return a training of the PyPI package, or of a clone called yolov5 beside the directory."""
    directory = known(process.working_directory)
    if not command.console and directory is not None:
        version = yolov5_repository_version(files, f"{directory}/yolov5")
        if version is not None:
            root = f"{directory}/yolov5"
            return Yolov5Main(process, command, version, version_is_known=True, root=root)
    version = package_version(files, package_directories(files, process), "yolov5")
    name = f"pypi {version or '7.0.14'}"
    return Yolov5Main(process, command, name, version_is_known=version is not None)


def _script(process: ProcessSeen, command: Yolov5Command) -> str | None:
    """Return the absolute path of the script, for a module the file it stands for."""
    path = command.launch.script or f"{command.launch.module.replace('.', '/')}.py"
    return absolute(path, known(process.working_directory))


def _root(process: ProcessSeen, command: Yolov5Command, files: FileView) -> str | None:
    script = _script(process, command)
    if script is None:
        return None
    # Python looks for the modules beside what a linked script really is.
    folder = parent_of(files.real_path(script))
    return folder if command.task == "detect" else parent_of(folder)


def parent_of(path: str) -> str:
    """Return the directory that holds `path`."""
    return path.rstrip("/").rpartition("/")[0] or "/"
