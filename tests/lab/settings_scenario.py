"""A scenario of the laboratory of settings: a training, and the grid of workers and batches to try."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.jpeg.spec import LabSpec


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A number of workers and the size of a batch."""

    workers: int
    batch_size: int

    def __str__(self) -> str:
        """Return it as it stands in tables: `2x8`, workers first."""
        return f"{self.workers}x{self.batch_size}"


@dataclass(frozen=True, slots=True)
class SettingsScenario:
    """A training whose best settings are looked for by trying all of a grid.

    `text` says what limits it. From each of `starts` advice is asked for and followed; those cells are
    recorded. A `plain` one is recognised as a PyTorch training of unknown kind, without YOLOv5's cap on
    workers. `storage_bytes`: it reads from a file of that size.
    """

    name: str
    text: str
    spec: LabSpec
    workers: tuple[int, ...]
    batches: tuple[int, ...]
    starts: tuple[Cell, ...]
    plain: bool = False
    storage_bytes: int = 0

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of its grid, by workers and then by batch."""
        return tuple(Cell(workers, batch) for workers in self.workers for batch in self.batches)

    def is_recorded(self, cell: Cell) -> bool:
        """Whether gpumon watches that cell of the grid, so that its advice is known."""
        return cell in self.starts
