"""The traces of the laboratory of settings, each read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gpumon.model.sample import Sample
from tests.lab.library import opened
from tests.lab.settings_cells import FOLDER


@dataclass
class Traces:
    """The samples of traces by their names."""

    folder: Path = FOLDER
    _read: dict[str, tuple[Sample, ...]] = field(default_factory=dict, init=False)

    def samples(self, name: str) -> tuple[Sample, ...]:
        """Return the samples of a trace, oldest first. Raises OSError and RecordingError."""
        if name not in self._read:
            with opened(name, self.folder) as recording:
                self._read[name] = tuple(recording.samples())
        return self._read[name]
