"""Which Python processes train with PyTorch, told from outside, and which only look like it."""

from __future__ import annotations

import re

from gpumon.advice.knobs import torch as flags
from gpumon.advice.knobs.launch import Launch
from gpumon.advice.knobs.train_command import read_yolo_command
from gpumon.frameworks.process_tree import (
    Machine,
    ProcessTree,
    is_helper,
    is_spawned,
    is_worker,
    launch_of,
    variable,
)
from gpumon.frameworks.ranks import is_launcher
from gpumon.frameworks.version import names_workers
from gpumon.model.process import ProcessSeen
from gpumon.reporter.wire import VARIABLE

# Programs that use a DataLoader or a GPU without training.
_OTHERS = frozenset(
    {
        "val", "validate", "valid", "test", "detect", "export", "predict", "prediction", "infer", "inference",
        "evaluate", "eval", "evaluation", "benchmark", "benchmarks", "track", "serve", "server", "hubconf",
        "api", "app", "demo", "pytest", "unittest", "uvicorn", "gunicorn", "hypercorn", "celery", "vllm",
        "tensorboard", "streamlit", "gradio", "jupyter", "notebook", "gpumon", "pip", "mlflow", "nvitop",
        "gpustat", "yolov5", "tritonserver", "sglang", "text_generation_server", "comfyui",
    }
)  # fmt: skip
_KERNELS = ("ipykernel", "ipykernel_launcher", "colab_kernel_launcher")
_WORD = re.compile(r"[a-z0-9]+", re.IGNORECASE)


def has_workers(tree: ProcessTree, process: ProcessSeen) -> bool:
    """Tell whether torch has named a child of `process` (or of its fork server) a DataLoader worker."""
    for child in tree.children(process):
        if is_worker(child) or (is_helper(child) and any(map(is_worker, tree.children(child)))):
            return True
    return False


def is_training(tree: ProcessTree, process: ProcessSeen, machine: Machine) -> bool:
    """Tell whether `process` is the main process of some PyTorch training, or of one of its ranks."""
    launch = launch_of(process)
    if launch is None or is_worker(process) or is_helper(process) or is_launcher(process):
        return False
    if _is_fork(tree, process) or _is_other(launch, process):
        return False
    if has_workers(tree, process):
        return True
    if process.id.pid in machine.gpu_pids or _is_reported(tree, process, machine):
        # A parent that only waits for the ranks it spawned is their launcher.
        spawned = [child for child in tree.children(process) if is_spawned(child)]
        return not _is_kernel(launch) and not any(is_training(tree, child, machine) for child in spawned)
    return not _is_kernel(launch) and _has_old_workers(tree, process, machine)


def _is_reported(tree: ProcessTree, process: ProcessSeen, machine: Machine) -> bool:
    """Tell whether `gpumon run` has started `process` as a training: with torch, under no other one with it.

    Without workers and without a GPU nothing else tells it from any other program.
    """
    if not _has_torch_and_reporter(process, machine):
        return False
    parent = tree.parent(process)
    return parent is None or is_spawned(process) or not _has_torch_and_reporter(parent, machine)


def _has_torch_and_reporter(process: ProcessSeen, machine: Machine) -> bool:
    if is_launcher(process) or not variable(process, VARIABLE):
        return False
    return machine.files(process.id.pid).has_loaded("libtorch") is True


def _is_fork(tree: ProcessTree, process: ProcessSeen) -> bool:
    parent = tree.parent(process)
    return parent is not None and parent.command == process.command and not is_spawned(process)


def is_notebook(process: ProcessSeen) -> bool:
    """Tell whether `process` is the kernel of a notebook."""
    launch = launch_of(process)
    return launch is not None and _is_kernel(launch)


def _is_kernel(launch: Launch) -> bool:
    return launch.base.removesuffix(".py") in _KERNELS


def _is_other(launch: Launch, process: ProcessSeen) -> bool:
    if read_yolo_command(process.command, python=True) is not None:
        return True  # a training of that kind has been found before
    name = launch.module.split(".")[0] if launch.module else launch.base.removesuffix(".py")
    last = launch.module.rsplit(".", 1)[-1]
    return any(part.lower() in _OTHERS or part.lower().split("-")[0] in _OTHERS for part in (name, last))


def _has_old_workers(tree: ProcessTree, process: ProcessSeen, machine: Machine) -> bool:
    """Tell whether children that are forks of `process` are the DataLoader workers of an older torch.

    Many servers fork; so torch must be loaded, or, where that is hidden, argv must speak of training.
    """
    if not any(child.command == process.command for child in tree.children(process)):
        return False
    files = machine.files(process.id.pid)
    loaded = files.has_loaded("libtorch")
    if loaded is None:
        words = {word.lower() for word in _WORD.findall(" ".join(process.command[:3]))}
        return "train" in words and flags.find_flag(process.command, "epochs") is not None
    return loaded and not names_workers(files, process)
