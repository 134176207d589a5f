"""How a Python process was started, from its argv: launcher, script or module, and its arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PYTHON = re.compile(r"(?:python|pypy)\d*(?:\.\d+)*(?:t|d|-dbg)?$")
# CPython's own options that take a value (Python/initconfig.c); -c and -m end the options.
_WITH_VALUE = frozenset("WX")

# Launchers start the training as other processes.
_LAUNCHER_MODULES = frozenset(
    {
        "torch.distributed.run",
        "torch.distributed.launch",
        "torch.distributed.launcher",
        "accelerate.commands.launch",
    }
)
_LAUNCHER_SCRIPTS = frozenset({"torchrun", "accelerate", "accelerate-launch", "deepspeed"})
# Wrappers run it inside themselves.
_WRAPPERS = frozenset(
    {"ipython", "ipython3", "kernprof", "coverage", "viztracer", "memray", "scalene", "cProfile", "profile",
     "pdb", "debugpy", "trace", "runpy", "nsys", "wandb"}
)  # fmt: skip

_NOTEBOOKS = frozenset({"ipykernel", "ipykernel_launcher", "colab_kernel_launcher"})

# Options that take no value: of torchrun (torch/distributed/run.py), of accelerate
# (accelerate/commands/launch.py) and of deepspeed (deepspeed/launcher/runner.py); all others take one.
_SWITCHES = (
    "--standalone",
    "--no-python",
    "--no_python",
    "--run-path",
    "--run_path",
    "--use-env",
    "--use_env",
    "--module",
    "--help",
    "--virtual-local-rank",
    "--virtual_local_rank",
    "--quiet",
    "--cpu",
    "--multi_gpu",
    "--tpu",
    "--ipex",
    "--use_xpu",
    "--use_deepspeed",
    "--use_fsdp",
    "--use_megatron_lm",
    "--same_network",
    "--enable_cpu_affinity",
    "--dynamo_use_fullgraph",
    "--dynamo_use_dynamic",
    "--debug",
    "--no_local_rank",
    "--no_ssh",
    "--save_pid",
    "--force_multi",
    "--bind_cores_to_rank",
)
_TORCHRUN_MODULE = ("-m", "--module")


@dataclass(frozen=True, slots=True)
class Launch:
    """argv taken apart.

    `script` is the path of a script as it was given, `module` the name after `-m`; one of them is empty.
    `arguments_at` is the index in argv where its own arguments begin. `launcher` is the launcher that
    starts the script in other processes ("torchrun", "torch.distributed.run" ...), or empty.
    `code` tells that the program is `-c` text or stdin.
    """

    script: str = ""
    module: str = ""
    arguments_at: int = 0
    launcher: str = ""
    code: bool = False

    @property
    def base(self) -> str:
        """The last part of the script's path, or the module."""
        return _base(self.script) or self.module


def is_python(name: str) -> bool:
    """Tell whether the last part of the path `name` is that of a Python interpreter."""
    return _PYTHON.match(_base(name)) is not None


def read_launch(command: Sequence[str], *, python: bool = False) -> Launch | None:
    """Take the argv of a Python process apart; None where it is no Python process.

    `python` says that it is one although argv[0] does not (its executable does).
    """
    if not command or not (python or is_python(command[0])):
        return None
    launch = _program(command, 1)
    if launch is None or launch.code:
        return launch
    name = launch.module or launch.base.removesuffix(".py")
    if name in _LAUNCHER_MODULES or name in _LAUNCHER_SCRIPTS:
        return _launched(command, launch, name)
    if name.split(".")[0] in _WRAPPERS:
        return _wrapped(command, launch) or launch
    return launch


def _base(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _program(command: Sequence[str], position: int) -> Launch | None:
    """Skip the interpreter's options from `position` on."""
    while position < len(command):
        argument = command[position]
        if argument == "-":
            return Launch(code=True, arguments_at=position + 1)
        if not argument.startswith("-"):
            return Launch(script=argument, arguments_at=position + 1)
        if argument.startswith("--"):
            position += 2 if argument == "--check-hash-based-pycs" else 1
            continue
        step = _short_options(command, position)
        if isinstance(step, Launch):
            return step
        position = step
    return None


def _short_options(command: Sequence[str], position: int) -> int | Launch:
    """Read a group of short options, as `-u`, `-Wignore` or `-um MODULE`."""
    argument = command[position]
    for index, letter in enumerate(argument[1:], start=1):
        rest = argument[index + 1 :]
        if letter == "c":
            return Launch(code=True, arguments_at=position + (1 if rest else 2))
        if letter == "m":
            module = rest or (command[position + 1] if position + 1 < len(command) else "")
            return Launch(module=module, arguments_at=position + (1 if rest else 2))
        if letter in _WITH_VALUE:
            return position + (1 if rest else 2)
    return position + 1


def _launched(command: Sequence[str], outer: Launch, name: str) -> Launch:
    """Find the script that a launcher starts, behind the launcher's own options."""
    position, module = outer.arguments_at, False
    if name == "accelerate" and position < len(command) and command[position] == "launch":
        position += 1
    while position < len(command) and command[position].startswith("-"):
        argument = command[position]
        flag, equals, _ = argument.partition("=")
        module = module or flag in _TORCHRUN_MODULE
        is_switch = flag in _SWITCHES or flag == "-m" or _is_prefix_of_switch(flag)
        if equals or is_switch or (not flag.startswith("--") and len(flag) > 2):
            position += 1
        else:
            position += 2
    if position >= len(command):
        return Launch(launcher=name, arguments_at=len(command))
    inner = command[position]
    if module:
        return Launch(module=inner, launcher=name, arguments_at=position + 1)
    return Launch(script=inner, launcher=name, arguments_at=position + 1)


def _is_prefix_of_switch(flag: str) -> bool:
    return flag.startswith("--") and len(flag) > 4 and any(s.startswith(flag) for s in _SWITCHES)


def _wrapped(command: Sequence[str], outer: Launch) -> Launch | None:
    """Find the script that a debugger or profiler runs inside its own process."""
    for position in range(outer.arguments_at, len(command)):
        argument = command[position]
        if argument.endswith(".py"):
            return Launch(script=argument, arguments_at=position + 1)
        if argument == "-m" and position + 1 < len(command):
            return Launch(module=command[position + 1], arguments_at=position + 2)
    return None


def runs_in_notebook(command: Sequence[str]) -> bool:
    """Tell whether `command` is that of a notebook's kernel: what it runs is in no argv."""
    launch = read_launch(command, python=True)
    return launch is not None and launch.module.split(".")[0] in _NOTEBOOKS
