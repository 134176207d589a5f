"""Fixtures around the stand-in.

A test module asks for them with `pytest_plugins = ("tests.nvml_stand_in.fixtures",)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nvml_stand_in.stage import Stage
from tests.nvml_stand_in.stand_in import Script, build


@pytest.fixture(scope="session")
def nvml_library() -> Path:
    """The path of the compiled stand-in."""
    return build()


@pytest.fixture
def nvml(nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The stand-in in this process, with one GPU and nothing else scripted."""
    script = tmp_path / "nvml.script"
    monkeypatch.setenv("GPUMON_NVML_SCRIPT", str(script))
    stage = Stage(nvml_library, script)
    stage.reset()
    stage.play(Script(), 0)
    yield stage
    stage.reset()
