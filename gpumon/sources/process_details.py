"""What a process does not change while it runs: command, user, directory, environment."""

from __future__ import annotations

import os
from collections.abc import Collection

from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean, is_clean
from gpumon.sources.proc_fields import ProcessStatus, parse_status, split_arguments
from gpumon.sources.proc_file import Absent, Denied, read_file, read_link
from gpumon.sources.users import UserNames

_COMMAND_LIMIT = 64 * 1024
_ENVIRONMENT_LIMIT = 128 * 1024
_ARGUMENT_CHARACTERS = 4096
VALUE_CHARACTERS = 1024
_STATUS_LIMIT = 8 * 1024

# What changes the speed of a training, its memory or whether it starts at all: a command that starts it again
# may have to repeat it.
REPEATED_VARIABLES: tuple[str, ...] = (
    "CUDA_DEVICE_ORDER",
    "CUDA_LAUNCH_BLOCKING",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MKL_NUM_THREADS",
    "NCCL_IB_DISABLE",
    "NCCL_P2P_DISABLE",
    "NCCL_SOCKET_IFNAME",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TORCH_CUDNN_V8_API_DISABLED",
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD",
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD",
    "WANDB_DISABLED",
    "WANDB_MODE",
    "YOLOV5_CONFIG_DIR",
    "YOLOV5_VERBOSE",
    "YOLO_CONFIG_DIR",
)
# The variables gpumon asks for; one that ends in * stands for all that begin so.
VARIABLES: tuple[str, ...] = (
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_PORT",
    "CUDA_VISIBLE_DEVICES",
    "PIN_MEMORY",
    "GPUMON_VIRTUAL_GPU",
    "GPUMON_REPORTER",
    "YOLOV5*",
    "YOLOv5*",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONPATH",
    *REPEATED_VARIABLES,
)


def decode(data: bytes) -> str:
    """Return bytes of another process as text; what is no UTF-8 becomes surrogates, for `clean` to see."""
    return data.decode("utf-8", "surrogateescape")


def read_command(directory: str) -> tuple[tuple[str, ...], bool]:
    """Return argv of the process at `directory` (/proc/PID), cleaned, and whether that is argv exactly.

    At most 64 KiB are read, and 4096 characters of each argument kept. Empty where it cannot be read,
    and for a zombie.
    """
    data = read_file(f"{directory}/cmdline", _COMMAND_LIMIT + 1)
    if isinstance(data, Missing):
        return (), False
    pieces, exact = split_arguments(data[:_COMMAND_LIMIT])
    arguments = tuple(decode(piece) for piece in pieces)
    cleaned = tuple(clean(argument, _ARGUMENT_CHARACTERS) for argument in arguments)
    return cleaned, exact and len(data) <= _COMMAND_LIMIT and cleaned == arguments


def read_status(directory: str) -> Maybe[ProcessStatus]:
    """Return the user of the process at `directory`, and its PIDs in namespaces."""
    data = read_file(f"{directory}/status", _STATUS_LIMIT)
    return data if isinstance(data, Missing) else parse_status(data)


def read_user(directory: str) -> int:
    """Return the effective user of the process at `directory` (root for a protected one), -1 when gone."""
    try:
        return os.stat(directory).st_uid  # noqa: PTH116 - no Path object for each process of the machine
    except OSError:
        return -1


def read_path(link: str, user_id: int, users: UserNames) -> Maybe[str]:
    """Return where a link of /proc/PID (cwd, exe) points, if that can be shown and opened as it is."""
    target = read_link(link)
    if isinstance(target, Missing):
        return _why(target, user_id, users)
    if not is_clean(target):
        return Missing("its path holds characters that cannot be shown")
    return target


def read_environment(
    directory: str, names: Collection[str], user_id: int, users: UserNames
) -> Maybe[tuple[tuple[str, str], ...]]:
    """Return those variables of the process at `directory` that are asked for, as they were at its start.

    At most 128 KiB are read; a value is cut to 1024 characters. A name ending in * is a prefix.
    """
    data = read_file(f"{directory}/environ", _ENVIRONMENT_LIMIT)
    if isinstance(data, Missing):
        return _why(data, user_id, users)
    exact = {name.encode() for name in names if not name.endswith("*")}
    prefixes = tuple(name[:-1].encode() for name in names if name.endswith("*"))
    found: list[tuple[str, str]] = []
    for entry in data.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals and (name in exact or name.startswith(prefixes)):
            found.append((clean(decode(name), 64), clean(decode(value), VALUE_CHARACTERS)))
    return tuple(found)


def _why(missing: Missing, user_id: int, users: UserNames) -> Missing:
    if isinstance(missing, Denied):
        return users.denied(user_id)
    if isinstance(missing, Absent):
        return Missing("the process is gone")
    return missing
