"""Data sets of generated images for real trainings, drawn once and kept in the cache."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import astuple, dataclass
from pathlib import Path

from tests.real.cache import built_once, cache_root, digest
from tests.real.environment import RealEnvironment

_SCRIPT = Path(__file__).parent / "draw_images.py"


@dataclass(frozen=True, slots=True)
class DataSet:
    """Images of one size; of `distinct` different ones, the others being hard links to them."""

    width: int
    height: int
    distinct: int
    train_images: int
    val_images: int
    seed: int = 0


def data_yaml(dataset: DataSet, environment: RealEnvironment) -> Path:
    """The `data.yaml` of the data set, whose images are drawn by the environment's Python on first use.

    The training writes its label caches beside the labels, so the first one scans and later ones don't.
    """
    numbers = [str(number) for number in astuple(dataset)]
    name = digest(_SCRIPT.read_text(), platform.machine(), *numbers)

    def draw(folder: Path) -> None:
        subprocess.run(
            [str(environment.python), str(_SCRIPT), str(folder), *numbers],
            env=environment.environ(),
            check=True,
        )

    size = f"{dataset.width}x{dataset.height}"
    folder = cache_root() / "images" / f"{size}-{dataset.train_images}-{name}"
    return built_once(folder, draw, sound=lambda root: (root / "data.yaml").is_file()) / "data.yaml"
