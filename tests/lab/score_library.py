"""The library of traces: recordings in a folder, and every diagnoser that is scored on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gpumon.model.sample import Sample
from gpumon.recording.reader import Recording, open_recording
from tests.lab.baselines import simple_baselines
from tests.lab.baselines_sagemaker import sagemaker_baselines
from tests.lab.score_gpumon import Gpumon
from tests.lab.score_judgement import Diagnoser
from tests.lab.score_truth import About

TRACES = Path(__file__).resolve().parents[1] / "traces"
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class RecordedTrace:
    """A recording as a trace."""

    recording: Recording

    @property
    def name(self) -> str:
        """Its file's name without the ending."""
        return self.recording.path.stem

    @property
    def about(self) -> About:
        """What it says about itself."""
        return self.recording.about

    def samples(self) -> Iterator[Sample]:
        """Yield its samples, oldest first."""
        return self.recording.samples()


def recordings(folder: Path) -> list[Path]:
    """Return the recordings in a folder and below, by name."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and _is_database(path))


def open_trace(path: Path) -> RecordedTrace:
    """Open one. Raises RecordingError."""
    return RecordedTrace(open_recording(path))


def diagnosers() -> Mapping[str, Callable[[], Diagnoser]]:
    """Return a maker of every diagnoser, by name: gpumon first."""
    return {"gpumon": Gpumon, **simple_baselines(), **sagemaker_baselines()}


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
