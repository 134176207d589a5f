"""Reading the system and the terminal."""

from __future__ import annotations

import io
import platform
from pathlib import Path

from gpumon.doctor.gather.system import count_nvidia_gpus, read_py_spy, read_system, read_terminal
from gpumon.model.measure import Missing
from gpumon.settings import Settings
from gpumon.sources.py_spy import Ran
from tests.sources.fake_proc import write


def test_the_system_here() -> None:
    """Kernel and Python are those that run the tests."""
    found = read_system()

    assert (platform.release(), platform.python_version()) == (found.release, found.python)


def test_gpus_on_the_bus_are_counted_by_vendor_and_class(tmp_path: Path) -> None:
    """NVIDIA's audio function and another vendor's GPU are none."""
    devices = {
        "a": ("0x10de", "0x030000"),
        "b": ("0x10de", "0x030200"),
        "c": ("0x10de", "0x040300"),
        "d": ("0x1002", "0x030000"),
    }
    files = {
        f"bus/pci/devices/{name}/{file}": f"{word}\n"
        for name, words in devices.items()
        for file, word in zip(("vendor", "class"), words, strict=True)
    }

    assert count_nvidia_gpus(write(tmp_path, files)) == 2


def test_a_system_without_a_bus(tmp_path: Path) -> None:
    """Not known is not none."""
    assert isinstance(count_nvidia_gpus(str(tmp_path)), Missing)


def test_the_version_of_the_module(tmp_path: Path) -> None:
    """The first line of its file names it among other words."""
    text = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\nGCC version: 12\n"
    proc = write(tmp_path / "proc", {"driver/nvidia/version": text})

    assert read_system(proc, str(tmp_path)).nvidia_module == "550.54.14"


def test_py_spy_tells_its_version() -> None:
    """It is run once, for its name and version."""
    asked: list[list[str]] = []

    def run(words: list[str], seconds: float) -> Ran:
        asked.append(words)
        assert seconds > 0
        return Ran("py-spy 0.4.3\n")

    assert (read_py_spy(lambda: "/x/py-spy", run), asked) == ("py-spy 0.4.3", [["/x/py-spy", "--version"]])


def test_a_py_spy_that_does_not_start() -> None:
    """A broken one is as good as none."""
    found = read_py_spy(lambda: "/x/py-spy", lambda words, seconds: Ran(error="Exec format error"))  # noqa: ARG005

    assert found == Missing("it does not start: Exec format error")


def test_no_py_spy() -> None:
    """None is installed."""
    assert read_py_spy(lambda: None) == Missing("not installed")


def test_a_terminal_that_is_none() -> None:
    """A stream without a terminal has no size of its own."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    found = read_terminal(Settings(color=False), stream, {"TERM": "xterm\x1b[0m"}, is_terminal=True)

    assert (False, "latin-1", "xterm", False) == (
        found.is_terminal,
        found.encoding.lower().replace("iso8859-1", "latin-1"),
        found.term,
        found.is_color_wanted,
    )
