"""The trainings on which gpumon's numbers are compared with the truth."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.lab.training import Dose

DISK_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """A dose with what it is called in the table; `quick` ones are in the short run too."""

    dose: Dose
    item: str
    character: str
    quick: bool = False

    @property
    def pins(self) -> bool:
        """Whether a pinning thread stands between the workers and the loop."""
        return "--pin" in self.dose.more

    @property
    def start(self) -> str:
        """How the workers are started."""
        return "spawn" if "spawn" in self.dose.more else "fork"


def _case(
    item: str,
    character: str,
    workers: int,
    load_ms: float,
    compute_ms: float,
    *,
    wait_ms: float = 0.0,
    more: tuple[str, ...] = (),
    quick: bool = False,
) -> Case:
    name = "-".join([item, character, str(workers), *(word.lstrip("-") for word in more if "/" not in word)])
    return Case(Dose(name, workers, load_ms, compute_ms, wait_ms, more=more), item, character, quick)


def cases(disk_file: Path) -> list[Case]:
    """Return all cases; `disk_file` is what the disk-bound ones read.

    The costs are for two cores: cpu items leave the machine full in the starved cases with two and four
    workers, latency items leave it free.
    """
    disk = ("--read-kb", "256", "--data", str(disk_file))
    pin = ("--pin",)
    return [
        _case("cpu", "starved", 0, 2.0, 4.0, quick=True),
        _case("cpu", "balanced", 0, 1.5, 14.0),
        _case("cpu", "compute-bound", 0, 0.5, 60.0),
        _case("cpu", "starved", 1, 3.0, 5.0),
        _case("cpu", "balanced", 1, 2.0, 18.0, quick=True),
        _case("cpu", "starved", 2, 3.0, 4.0, quick=True),
        _case("cpu", "starved", 2, 3.0, 4.0, more=pin, quick=True),
        _case("cpu", "balanced", 2, 2.0, 10.0, more=pin),
        _case("cpu", "compute-bound", 2, 0.5, 40.0, more=pin, quick=True),
        _case("cpu", "starved", 4, 2.0, 4.0, more=pin),
        _case("latency", "starved", 1, 0.2, 8.0, wait_ms=5.0),
        _case("latency", "starved", 2, 0.2, 6.0, wait_ms=6.0, more=pin, quick=True),
        _case("latency", "balanced", 2, 0.2, 22.0, wait_ms=6.0, quick=True),
        _case("latency", "starved", 4, 0.2, 4.0, wait_ms=10.0, more=pin, quick=True),
        _case("latency", "compute-bound", 4, 0.2, 40.0, wait_ms=6.0),
        _case("disk", "starved", 1, 0.2, 4.0, more=disk),
        _case("disk", "starved", 2, 0.2, 4.0, more=(*disk, *pin), quick=True),
        _case("disk", "balanced", 2, 0.2, 10.0, more=disk),
        _case("latency", "starved", 2, 0.2, 6.0, wait_ms=6.0, more=("--start", "spawn"), quick=True),
    ]


def write_disk_file(path: Path) -> None:
    """Write the file that disk-bound items read, of bytes that no file system can leave out."""
    block = os.urandom(1024 * 1024)
    with path.open("wb") as file:
        for number in range(DISK_BYTES // len(block)):
            file.write(number.to_bytes(8, "little") + block[8:])
        file.flush()
        os.fsync(file.fileno())
