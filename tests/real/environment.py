"""A virtual environment in which PyPI's yolov5 and ultralytics train on the CPU.

YOLOv5 is AGPL: it runs there as a process of its own and nothing of it is imported here.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.cache import built_once, cache_root, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

# torch comes first and alone, so that nothing after it resolves to another build.
TORCH = ("torch==2.13.0",)
# v7.0 uses font.getsize (pillow<10), np.trapz (numpy<2) and pkg_resources (setuptools<81).
# The headless OpenCV needs no libGL.
LIBRARIES = (
    "numpy==1.26.4",
    "pandas==2.2.3",
    "opencv-python-headless==4.10.0.84",
    "pillow==9.5.0",
    "matplotlib<3.10",
    "scipy<1.15",
    "PyYAML",
    "requests",
    "tqdm",
    "seaborn",
    "psutil",
    "ipython",
    "gitpython",
    "tensorboard",
    "setuptools<81",
    "fsspec",
    "filelock",
)
# Without their dependencies: those would bring a second OpenCV, and a torch for CUDA.
FRAMEWORKS = (
    "torchvision==0.28.0",
    "thop",
    "ultralytics-thop",
    "yolov5==7.0.14",
    "fire",
    "termcolor",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "python-dateutil",
    "huggingface_hub<0.25",
    "ultralytics==8.4.190",
    "polars",
    "polars-runtime-32",
    "py-cpuinfo",
)
# pillow 9.5.0 has wheels up to 3.11, torch 2.13 from 3.10 on.
_PYTHONS = ((3, 11), (3, 10))
_INJECTED = Path(__file__).parent / "injected"
# Variables of the tests' own process that would leak into the training. PYTEST_CURRENT_TEST makes
# ultralytics write its runs into its own package.
_NOT_INHERITED = (
    "PYTHON",
    "PYTEST",
    "VIRTUAL_ENV",
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "YOLO",
    "CUDA_VISIBLE",
)


class EnvironmentUnavailable(RuntimeError):  # noqa: N818 - a state of this machine, not a mistake in the tests
    """Why no environment for a real training can be had here: no fitting Python, or pip's last lines."""


@dataclass(frozen=True, slots=True)
class RealEnvironment:
    """A virtual environment that can train, with the variables its trainings need."""

    root: Path
    python: Path
    bin_dir: Path
    variables: Mapping[str, str]

    @property
    def font(self) -> Path:
        """A font under the name that both frameworks would otherwise try to download."""
        return self.root / "config" / "Arial.ttf"

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The whole environment of a training: the shell's, without its own Python's variables, and ours."""
        environ = _inherited()
        environ["PATH"] = f"{self.bin_dir}{os.pathsep}{environ.get('PATH', os.defpath)}"
        return environ | dict(self.variables) | dict(extra or {})


@functools.cache
def yolov5_environment() -> RealEnvironment:
    """The environment for real trainings, built on first use (under a minute with pip's cache warm).

    Raises EnvironmentUnavailable when no Python fits the pins or pip cannot install them.
    """
    interpreter, version = _interpreter()
    name = digest(version, platform.machine(), *TORCH, "+", *LIBRARIES, "+", *FRAMEWORKS)
    root = built_once(
        cache_root() / f"yolov5-{name}",
        lambda folder: _build(folder, interpreter),
        # The base interpreter may have gone since; its link then dangles.
        sound=lambda folder: (folder / "venv" / "bin" / "python").exists(),
    )
    return _described(root)


def _described(root: Path) -> RealEnvironment:
    venv, config = root / "venv", root / "config"
    return RealEnvironment(
        root=root,
        python=venv / "bin" / "python",
        bin_dir=venv / "bin",
        variables={
            "VIRTUAL_ENV": str(venv),
            "PYTHONPATH": str(_INJECTED),  # its sitecustomize mends torchvision and records loader waits
            "PYTHONWARNINGS": "ignore",
            "PYTHONDONTWRITEBYTECODE": "1",
            "YOLOV5_CONFIG_DIR": str(config),
            "YOLOv5_AUTOINSTALL": "false",
            "YOLO_CONFIG_DIR": str(config),
            "YOLO_OFFLINE": "true",
            "YOLO_AUTOINSTALL": "false",
            "MPLCONFIGDIR": str(config),
            "MPLBACKEND": "Agg",
            "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",  # torch>=2.6 refuses v7.0's own last.pt otherwise
            "WANDB_MODE": "disabled",
            "OMP_NUM_THREADS": "1",  # one computing core leaves the other to the workers
        },
    )


def _build(root: Path, interpreter: str) -> None:
    _run([interpreter, "-m", "venv", str(root / "venv")])
    pip = [str(root / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    pip.append("--disable-pip-version-check")
    _run([*pip, *TORCH])
    _run([*pip, *LIBRARIES])
    _run([*pip, "--no-deps", *FRAMEWORKS])
    font = next(
        (root / "venv").glob("lib/python*/site-packages/matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf")
    )
    (root / "config").mkdir()
    shutil.copyfile(font, root / "config" / "Arial.ttf")


def _run(argv: list[str]) -> None:
    done = subprocess.run(
        argv, env=_inherited(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-20:])
        raise EnvironmentUnavailable(f"exit status {done.returncode} from: {' '.join(argv)}\n{tail}")


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}


def _interpreter() -> tuple[str, str]:
    """The path and the version of a Python that the pins have wheels for; this one if it fits."""
    if sys.version_info[:2] in _PYTHONS:
        return sys.executable, f"{sys.version_info[0]}.{sys.version_info[1]}"
    for major, minor in _PYTHONS:
        version = f"{major}.{minor}"
        found = shutil.which(f"python{version}")
        # A pyenv shim is on PATH for versions that are not chosen, and then exits with an error.
        if found and _works(found):
            return found, version
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise EnvironmentUnavailable(
        f"yolov5 7.0.14 needs Python 3.10 or 3.11 (pillow 9.5.0 has no wheel for {here}), none is on PATH"
    )


def _works(interpreter: str) -> bool:
    probe = [interpreter, "-c", "import venv, ensurepip"]
    return subprocess.run(probe, env=_inherited(), capture_output=True, check=False).returncode == 0
