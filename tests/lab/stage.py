"""Where laboratory trainings run: a folder with neutral names, laid out as a repository of YOLOv5 is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.scenario import Dose
from tests.real.dataset import DataSet, data_yaml
from tests.real.environment import RealEnvironment

HOME = Path("/var/tmp/gpumon-lab")
_CHECKOUT = Path(__file__).parents[2]
# By these names a version of YOLOv5 is recognised; the files are empty.
_LAYOUT = ("models/yolo.py", "utils/dataloaders.py", "segment/train.py", "setup.cfg")
_PICTURES = DataSet(640, 480, distinct=96, train_images=96, val_images=8)
_START = "import sys\n\nsys.path.insert(0, {checkout!r})\nfrom tests.lab.jpeg.train import main\n\nmain()\n"


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder of all runs; recordings show its paths, so no user's."""

    environment: RealEnvironment
    home: Path = HOME

    def prepare(self) -> None:
        """Make the folder, with links to the environment, its settings, the checkout and the images."""
        self.home.mkdir(parents=True, exist_ok=True)
        images = data_yaml(_PICTURES, self.environment).parent
        for name, target in (
            ("venv", self.environment.root / "venv"),
            ("config", self.environment.root / "config"),
            ("checkout", _CHECKOUT),
            ("images", images / "images"),
            ("labels", images / "labels"),
        ):
            link = self.home / name
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        names = "nc: 3\nnames: [red, green, blue]\n"
        (self.home / "data.yaml").write_text(
            f"path: {self.home}\ntrain: images/train\nval: images/val\n{names}"
        )

    @property
    def images(self) -> Path:
        """The folder of the JPEGs."""
        return self.home / "images" / "train"

    def neutral(self) -> RealEnvironment:
        """Return the real trainings' environment with what it injects seen through the link."""
        injected = self.home / "checkout" / "tests" / "real" / "injected"
        variables = {**self._linked(self.environment.variables), "PYTHONPATH": str(injected)}
        return replace(self.environment, variables=variables)

    def folder(self, name: str) -> Path:
        """Return a fresh folder for the run of that name."""
        folder = self.home / "runs" / name
        shutil.rmtree(folder, ignore_errors=True)
        for file in _LAYOUT:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).touch()
        (folder / "train.py").write_text(_START.format(checkout=str(self.home / "checkout")))
        return folder

    def command(self, dose: Dose, folder: Path) -> list[str]:
        """Write the dose's spec and return the command line of its training."""
        spec = dose.spec.write(folder / "lab.yaml")
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(dose.ranks)]
        return [
            str(self.home / "venv" / "bin" / "python"), *(launcher if dose.ranks > 1 else ()),
            "train.py", "--weights", "", "--cfg", spec.name, "--data", str(self.home / "data.yaml"),
            "--imgsz", "320", "--epochs", "300", "--batch-size", str(dose.batch_size),
            "--workers", str(dose.workers), "--device", dose.device,
        ]  # fmt: skip

    def variables(self) -> dict[str, str]:
        """Return the environment of a training, without what its user is called."""
        found = self.environment.environ({"VIRTUAL_ENV": str(self.home / "venv")})
        kept = ("PATH", "HOME", "LANG", "TMPDIR")
        own = {name: found[name] for name in found if name in kept or name in self.environment.variables}
        own["VIRTUAL_ENV"] = str(self.home / "venv")
        # The injected sitecustomize of the real trainings would record waits of its own.
        own.pop("PYTHONPATH", None)
        return self._linked(own)

    def _linked(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return variables with the folder of settings seen through its link: commands repeat it."""
        config = str(self.environment.root / "config")
        return {
            name: str(self.home / "config") if value == config else value for name, value in variables.items()
        }
