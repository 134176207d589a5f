"""Trainings that look like something else by the one number that people look at: how busy the GPU is.

A GPU at 99 % that is not busy for this training, which starves; a GPU that idles most of the time although
no batch is late, as the model is tiny; a GPU that idles every few seconds, as validations are frequent.
"""

from __future__ import annotations

from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import GIB, GpuSpec, LabSpec, LoaderSpec, LoopSpec
from tests.lab.scenario import Dose, Driver, Machine, Scenario
from tests.lab.scenarios_data import BATCH, TARGETS, WAITS, gpu

# YOLOv5n: 1.9 million parameters, layers half as wide as those of YOLOv5s.
_TINY = GpuCost(parameters=1_900_000, width=0.5)
_DECODES = 2
# What the other process takes of the GPU while this training computes.
_NEIGHBOUR_RATIO = 0.4
_BUSY_PERCENT = 99
# A step of the tiny model takes so many times what one core needs to load its batch: batches are never late.
_FED_FACTOR = 5.0


def lookalike_scenarios(machine: Machine) -> tuple[Scenario, ...]:
    """Return the scenarios."""
    step = _FED_FACTOR * BATCH * machine.decode_seconds
    often = LoopSpec(batches=50, val_batches=8, checkpoint_seconds=0.2)
    return (
        Scenario(
            "mix-few-workers-gpu-shared",
            ("starved-too-few-workers", "gpu-shared"),
            tuple(_starved_beside_another(machine, name) for name in ("middle", "high")),
        ),
        Scenario(
            "tiny-model",
            ("host-overhead", "batch-too-small"),
            tuple(_tiny(name, step, busy) for name, busy in (("low", 0.6), ("middle", 0.4), ("high", 0.25))),
        ),
        Scenario(
            "healthy-validation-often",
            ("compute-bound",),
            (Dose("one", LabSpec(loop=often, gpu=gpu(0.12))),),
            control=True,
            alone=False,
            seconds=26.0,
        ),
    )


def _starved_beside_another(machine: Machine, name: str) -> Dose:
    """Return a training that waits for data on a GPU that another process keeps busy all the time."""
    workers, wait = max(1, machine.cores // 2), WAITS[name]
    seconds = BATCH * machine.decode_seconds * _DECODES / workers * (1.0 - wait)
    alone = GpuCost().taking(BATCH, TARGETS, max(seconds * (1.0 - _NEIGHBOUR_RATIO), 0.005))
    own_percent = round(100 * (1.0 - wait) * (1.0 - _NEIGHBOUR_RATIO))
    return Dose(
        name,
        LabSpec(
            LoaderSpec(decodes=_DECODES),
            gpu=GpuSpec(cost=alone, neighbour_ratio=_NEIGHBOUR_RATIO, neighbour_bytes=3 * GIB),
        ),
        workers,
        driver=Driver(
            other_process_bytes=3 * GIB,
            other_process_percent=100 - own_percent,
            busy_percent=_BUSY_PERCENT,
        ),
    )


def _tiny(name: str, step_seconds: float, busy_ratio: float) -> Dose:
    """Return a training whose steps are mostly Python between small kernels: the GPU idles by design."""
    return Dose(
        name,
        LabSpec(
            loop=LoopSpec(gap_seconds=step_seconds * (1.0 - busy_ratio)),
            gpu=GpuSpec(cost=_TINY.taking(BATCH, TARGETS, step_seconds * busy_ratio)),
        ),
    )
