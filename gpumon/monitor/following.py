"""What a monitor asks of whatever reads one training."""

from __future__ import annotations

from typing import Protocol

from gpumon.model.clock import Instant
from gpumon.model.gpu import GpusReading
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import SourceError
from gpumon.model.training import Training


class Following(Protocol):
    """Reads one training, tick by tick."""

    def refresh(self, training: Training) -> None:
        """Take in what a new scan knows of the training."""
        ...

    def read(self, now: Instant, gpus: GpusReading) -> TrainingReading:
        """Return the training's reading; `ended` is set from the first reading after its end on."""
        ...

    def errors(self) -> tuple[SourceError, ...]:
        """Return what could not be read in the newest reading."""
        ...

    def late(self) -> tuple[str, ...]:
        """Return the names of its sources that were late in the newest reading."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...
