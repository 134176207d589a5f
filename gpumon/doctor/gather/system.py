"""The system gpumon runs on, and the terminal it runs in."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

from gpumon.doctor.facts import System, TerminalFacts
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.settings import Settings
from gpumon.sources.nvml_driver import detect_wsl
from gpumon.sources.proc_file import read_file, read_names
from gpumon.sources.py_spy import Ran, find_py_spy, run_py_spy

_NVIDIA = b"0x10de"
_DISPLAY = (b"0x0300", b"0x0302")  # VGA and 3D controllers
_MOST_DEVICES = 4096
_ANSWER_SECONDS = 2.0


def read_system(proc_root: str = "/proc", sys_root: str = "/sys") -> System:
    """Return system, Python, and what there is of NVIDIA apart from the driver's own word."""
    is_fitting = sys.byteorder == "little" and sys.maxsize > 2**32
    return System(
        name=platform.system(),
        release=platform.release(),
        machine=platform.machine(),
        python=platform.python_version(),
        is_64_bit_little_endian=is_fitting,
        is_wsl=detect_wsl(),
        nvidia_gpus=count_nvidia_gpus(sys_root),
        nvidia_module=_module_version(proc_root),
        py_spy=read_py_spy(),
    )


def read_py_spy(
    find: Callable[[], str | None] = find_py_spy,
    run: Callable[[list[str], float], Ran] = run_py_spy,
) -> Maybe[str]:
    """Return py-spy's name and version, or why it cannot be used."""
    program = find()
    if program is None:
        return Missing("not installed")
    ran = run([program, "--version"], _ANSWER_SECONDS)
    if ran.error:
        return Missing(f"it does not start: {ran.error}")
    return clean(ran.output.strip(), 60) or "py-spy"


def count_nvidia_gpus(sys_root: str = "/sys") -> Maybe[int]:
    """Return how many of NVIDIA's GPUs are on the PCI bus."""
    directory = f"{sys_root}/bus/pci/devices"
    names = read_names(directory)
    if isinstance(names, Missing):
        return names
    return sum(_is_nvidia_gpu(f"{directory}/{name}") for name in sorted(names)[:_MOST_DEVICES])


def _is_nvidia_gpu(device: str) -> bool:
    vendor, kind = read_file(f"{device}/vendor", 16), read_file(f"{device}/class", 16)
    if isinstance(vendor, Missing) or isinstance(kind, Missing):
        return False
    return vendor.strip() == _NVIDIA and kind.startswith(_DISPLAY)


def _module_version(proc_root: str) -> str:
    """Return the version of the loaded NVIDIA module, "" where none is loaded."""
    data = read_file(f"{proc_root}/driver/nvidia/version", 512)
    if isinstance(data, Missing):
        return ""
    words = data.decode("ascii", "replace").split("\n")[0].split()
    return clean(next((word for word in words if word[:1].isdigit() and "." in word), "of some version"), 32)


def read_terminal(
    settings: Settings, stream: TextIO, environment: Mapping[str, str], *, is_terminal: bool
) -> TerminalFacts:
    """Return what the dashboard would have to draw with; `stream` is where it would be drawn."""
    columns, rows = 80, 24
    if is_terminal:
        try:
            columns, rows = os.get_terminal_size(stream.fileno())
        except (OSError, ValueError):
            is_terminal = False
    return TerminalFacts(
        is_terminal=is_terminal,
        columns=columns,
        rows=rows,
        encoding=stream.encoding or "",
        term=clean(environment.get("TERM", ""), 40),
        colorterm=clean(environment.get("COLORTERM", ""), 40),
        is_color_wanted=settings.color,
        is_ascii_wanted=settings.ascii,
    )
