"""The three regimes of the tuning guide out of the throughput model: `python -m tests.lab.guide_table`.

The guide tells of YOLOv5s on an RTX 3060: 2 workers make 90 images/s at 60 % utilisation, 6 make 120 at 95 %,
12 make 110 at 90 %. It tells neither the cores (8 are assumed) nor the batch of that table (24 is assumed; it
cancels out). A model run: nothing here was measured.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from gpumon.advice.curve import worker_curve
from gpumon.advice.throughput import CROWDINGS, HEADROOM, Pipeline, excess, needed_workers
from gpumon.model.suggestion import Effect

CORES, BATCH = 8, 24


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the guide: images per second and utilisation with so many workers."""

    workers: int
    rate: float
    utilisation: float


FEW, RIGHT, MANY = GUIDE = (Told(2, 90.0, 0.60), Told(6, 120.0, 0.95), Told(12, 110.0, 0.90))
# The fit: what one worker prepares from the first row, what the GPU takes from the second.
WORKER_RATE, GPU_RATE = FEW.rate / FEW.workers, RIGHT.rate


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the guide, and what the model makes of it: images per second with their interval."""

    told: Told
    rate: Effect
    utilisation: float

    @property
    def error(self) -> float:
        """By what share the model's rate is off."""
        return self.rate.predicted / self.told.rate - 1.0


def few_workers() -> Pipeline:
    """Return the training of the first row as gpumon would see it: two workers that never idle."""
    wait = 1.0 - FEW.rate / GPU_RATE
    return Pipeline(FEW.workers, wait, busy=1.0, cpu=1.0, main_cpu=1.0 - wait, cores=float(CORES))


def rows() -> tuple[Row, ...]:
    """Return the guide's rows as the model predicts them from the first one."""
    curve = dict(worker_curve(few_workers(), MANY.workers, {}))
    found = []
    for told in GUIDE:
        factor = curve[told.workers]
        rate = Effect(*(FEW.rate * part for part in (factor.now, factor.predicted, factor.low, factor.high)))
        found.append(Row(told, rate, RIGHT.utilisation * rate.predicted / GPU_RATE))
    return tuple(found)


def balanced_workers() -> int:
    """Return the smallest number with workers x rate >= batch / step, the guide's condition."""
    step_seconds = BATCH / GPU_RATE
    return next(workers for workers in range(1, 100) if workers * WORKER_RATE >= BATCH / step_seconds - 1e-9)


def lines() -> list[str]:
    """Return what is printed: a Markdown table and what belongs to it."""
    found = [
        "| workers | the guide | the model (90 % interval) | off by | utilisation, guide | model |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows():
        rate, told = row.rate, row.told
        found.append(
            f"| {told.workers} | {told.rate:.0f} img/s | {rate.predicted:.0f} ({rate.low:.0f} to"
            f" {rate.high:.0f}) | {100 * row.error:+.1f} % | {100 * told.utilisation:.0f} % |"
            f" {100 * row.utilisation:.0f} % |"
        )
    crowding = (GPU_RATE / MANY.rate - 1.0) / excess(few_workers(), MANY.workers)
    needed, step = needed_workers(few_workers()), 1000 * BATCH / GPU_RATE
    balance = (
        f"- one worker prepares {WORKER_RATE:.0f} images/s, the GPU takes {GPU_RATE:.0f}:"
        f" {balanced_workers()} workers balance a batch of {BATCH} with its step of {step:.0f} ms,"
        f" {needed} do with {100 * (HEADROOM - 1):.0f} % headroom"
    )
    crowded = (
        f"- the third row alone would give {crowding:.2f} for the cost of crowding, where the model has"
        f" {CROWDINGS[0]:.2f} ({CROWDINGS[1]:.2f} to {CROWDINGS[2]:.2f})"
    )
    return [*found, "", balance, crowded]


def main() -> int:
    """Print the table."""
    print("\n".join(lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
