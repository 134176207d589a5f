"""A script: what handing batches over costs the cores, from the traces of the laboratory of settings.

usage: python -m tests.lab.settings_handing

It prints Markdown: CPU time for each image with workers and without, and of one busy worker at two batches.
The main process of the trainings that count here sleeps while the GPU computes, so all of it is work.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from statistics import median

from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import window_of
from gpumon.model.training import Phase
from tests.lab.settings_traces import Traces

BATCH = 8
# With both 0x8 and each of 1x8 and 2x8 watched.
_LOADERS = ("few-workers", "cores-exhausted", "launches", "slow-gpu")
# One worker that was busy all the time, at 8 images and at more.
_BUSY = (("few-workers", 16), ("cores-exhausted", 32))


@dataclass(frozen=True, slots=True)
class Handing:
    """Seconds of a core: for an image in two cells, and what follows for each batch."""

    scenario: str
    cells: tuple[str, str]
    image_seconds: tuple[float, float]
    batch_seconds: float

    def row(self) -> str:
        """Return it as a row of a table, in milliseconds."""
        first, second = (1e3 * seconds for seconds in self.image_seconds)
        cells = f"{self.cells[0]} and {self.cells[1]}"
        return f"| {self.scenario} | {cells} | {first:.2f} | {second:.2f} | {1e3 * self.batch_seconds:.1f} |"


def handed_over(traces: Traces) -> list[Handing]:
    """Return what a batch costs both processes because a worker and not the main process prepares it."""
    found = []
    for name in _LOADERS:
        alone = _image_seconds(traces, name, f"0x{BATCH}", workers_only=False)
        for workers in (1, 2):
            cell = f"{workers}x{BATCH}"
            shared = _image_seconds(traces, name, cell, workers_only=False)
            found.append(Handing(name, (f"0x{BATCH}", cell), (alone, shared), (shared - alone) * BATCH))
    return found


def in_a_worker(traces: Traces) -> list[Handing]:
    """Return what a batch costs its worker besides the images: a line through two batches."""
    found = []
    for name, batch in _BUSY:
        cells = (f"1x{BATCH}", f"1x{batch}")
        small, large = (_image_seconds(traces, name, cell, workers_only=True) for cell in cells)
        each = (small - large) / (1 / BATCH - 1 / batch)
        found.append(Handing(name, cells, (small, large), each))
    return found


def main() -> int:
    """Print both tables."""
    traces = Traces()
    both, worker = handed_over(traces), in_a_worker(traces)
    head = "| scenario | cells | ms an image, first | second | ms a batch |\n| --- | --- | --- | --- | --- |"
    print("CPU time of all processes, without workers and with them:\n")
    print("\n".join([head, *(one.row() for one in both)]))
    print(f"\nmedian {1e3 * median(one.batch_seconds for one in both):.1f} ms a batch\n")
    print("CPU time of one busy worker at two batches:\n")
    print("\n".join([head, *(one.row() for one in worker)]))
    return 0


def _image_seconds(traces: Traces, scenario: str, cell: str, *, workers_only: bool) -> float:
    view = _view(traces, f"{scenario}-{cell}")
    used = (view.worker_cpu or 0.0) * int(cell[0]) if workers_only else view.own_cpu
    if not used or not view.rate:
        raise ValueError(f"the trace {scenario}-{cell} tells no CPU time or no rate")
    return used / view.rate


def _view(traces: Traces, name: str) -> View:
    """Return the view at the end of training in a trace."""
    samples = traces.samples(name)
    trained = [
        place
        for place, sample in enumerate(samples)
        if (reading := sample.training()) is not None and reading.phase is Phase.TRAIN
    ]
    window = window_of(samples[: trained[-1] + 1])
    reading = window.newest.training()
    view = None if reading is None else view_of(window, reading.training.id.pid)
    if view is None:
        raise ValueError(f"the trace {name} shows no training")
    return view


if __name__ == "__main__":
    sys.exit(main())
