"""Where trainings of the laboratory of settings run: as YOLOv5's, or as PyTorch's of unknown kind."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.scenario import Dose
from tests.lab.settings_scenario import Cell, SettingsScenario
from tests.lab.settings_scenarios import STORAGE
from tests.lab.stage import Stage

_CHUNK_BYTES = 4 << 20
# What makes the folder one of YOLOv5: without it, and with runs elsewhere, its kind is not known.
_OF_YOLOV5 = ("models", "utils", "segment", "setup.cfg")


@dataclass
class SettingsStage:
    """The stage of the laboratory, and the file that some scenarios read, which is written once."""

    stage: Stage
    _written_bytes: int = field(default=0, init=False)

    def prepare(self) -> None:
        """Make the folder of the laboratory."""
        self.stage.prepare()

    def folder(self, scenario: SettingsScenario, cell: Cell) -> Path:
        """Return a fresh folder for one cell."""
        folder = self.stage.folder(f"settings-{scenario.name}-{cell}")
        for name in _OF_YOLOV5 if scenario.plain else ():
            place = folder / name
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        if scenario.storage_bytes:
            (folder / STORAGE).symlink_to(self._storage(scenario.storage_bytes))
        return folder

    def command(self, scenario: SettingsScenario, cell: Cell, folder: Path) -> list[str]:
        """Write the spec and return the command line of the training."""
        dose = Dose(str(cell), scenario.spec, cell.workers, cell.batch_size)
        return [*self.stage.command(dose, folder), *(("--project", "out") if scenario.plain else ())]

    def clear(self) -> None:
        """Remove the file that was read."""
        (self.stage.home / STORAGE).unlink(missing_ok=True)
        self._written_bytes = 0

    def _storage(self, size_bytes: int) -> Path:
        path = self.stage.home / STORAGE
        if self._written_bytes != size_bytes:
            with path.open("wb") as storage:
                for _ in range(size_bytes // _CHUNK_BYTES):
                    storage.write(os.urandom(_CHUNK_BYTES))
                os.fsync(storage.fileno())
                os.posix_fadvise(storage.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self._written_bytes = size_bytes
        return path
