"""The data of the laboratory of settings: a JSON line for the machine, then one for every cell that ran."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.lab.scenario import Machine
from tests.lab.settings_scenario import Cell

FOLDER = Path(__file__).parents[1] / "traces" / "settings"
CELLS = FOLDER / "cells.jsonl"


class CellsError(ValueError):
    """The data cannot be used, in one sentence."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a training really did in one cell: images per second with a 90 % interval, and its memory.

    `median` is the rate of the median second: far from the mean something else ran meanwhile, or the rate
    comes in bursts. A training that ran out of memory has no rates. `recording` is the name of its trace,
    empty where gpumon did not watch. `followed`: it is no cell of the grid, some advice led there.
    """

    scenario: str
    cell: Cell
    images_per_second: float = 0.0
    low: float = 0.0
    high: float = 0.0
    median: float = 0.0
    data_wait_ratio: float = 0.0
    peak_bytes: int = 0
    out_of_memory: bool = False
    other_cores: float = 0.0
    seconds: float = 0.0
    recording: str = ""
    followed: bool = False

    def line(self) -> str:
        """Return it as a line of the file."""
        found = {**asdict(self), "cell": str(self.cell)}
        return json.dumps({name: value for name, value in found.items() if value not in (False, "")})


@dataclass(frozen=True, slots=True)
class Grid:
    """All that was measured of one scenario."""

    cells: Mapping[Cell, Measured]

    @property
    def best(self) -> Measured | None:
        """The fastest cell of the grid itself that did not run out of memory."""
        living = [one for one in self.cells.values() if not one.out_of_memory and not one.followed]
        return max(living, key=lambda one: one.images_per_second, default=None)

    def rate(self, cell: Cell) -> float | None:
        """Return the images per second in a cell: 0 where it ran out of memory, None where not known.

        Between two cells that differ in the number of workers alone it is interpolated.
        """
        if cell in self.cells:
            return self.cells[cell].images_per_second
        row = sorted(
            (one.cell.workers, one.images_per_second)
            for one in self.cells.values()
            if one.cell.batch_size == cell.batch_size and not one.out_of_memory
        )
        for (low, low_rate), (high, high_rate) in pairwise(row):
            if low < cell.workers < high:
                return low_rate + (high_rate - low_rate) * (cell.workers - low) / (high - low)
        return None


@dataclass
class CellFile:
    """The file; what is in it is not run again."""

    path: Path = CELLS

    def machine(self) -> Machine | None:
        """Return the machine that its cells ran on, None while there are none. Raises CellsError."""
        for entry in self._entries():
            if "machine" in entry:
                return Machine(entry["machine"]["cores"], entry["machine"]["decode_seconds"])
        return None

    def machine_words(self) -> Mapping[str, Any]:
        """Return all that is written about the machine; empty while nothing is."""
        return next((entry["machine"] for entry in self._entries() if "machine" in entry), {})

    def grids(self) -> dict[str, Grid]:
        """Return what was measured, by scenario; of a cell that ran twice the last. Raises CellsError."""
        found: dict[str, dict[Cell, Measured]] = {}
        for entry in self._entries():
            if "scenario" in entry:
                one = _measured(entry)
                found.setdefault(one.scenario, {})[one.cell] = one
        return {name: Grid(cells) for name, cells in found.items()}

    def write_machine(self, machine: Machine, more: Mapping[str, Any]) -> None:
        """Begin the file."""
        self._append(json.dumps({"machine": {**asdict(machine), **more}}))

    def add(self, measured: Measured) -> None:
        """Add a cell."""
        self._append(measured.line())

    def _append(self, line: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(line + "\n")

    def _entries(self) -> Iterable[dict[str, Any]]:
        if not self.path.exists():
            return
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            try:
                entry = json.loads(line)
            except ValueError:
                raise CellsError(f"line {number} of {self.path.name} is no JSON") from None
            if not isinstance(entry, dict):
                raise CellsError(f"line {number} of {self.path.name} is no JSON object")
            yield entry


def _measured(entry: Mapping[str, Any]) -> Measured:
    try:
        workers, _, batch = str(entry["cell"]).partition("x")
        known = Measured(str(entry["scenario"]), Cell(int(workers), int(batch)))
        return replace(known, **{name: value for name, value in entry.items() if name not in _READ})
    except (KeyError, TypeError, ValueError):
        raise CellsError(f"a cell of {entry.get('scenario')} cannot be read") from None


_READ = frozenset({"scenario", "cell"})
