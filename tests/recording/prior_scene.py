"""Priors that are made up, with every field set."""

from __future__ import annotations

from dataclasses import replace

from gpumon.advice.prior import (
    EarlierRun,
    Prior,
    SeenMemory,
    SeenPrediction,
    SeenProof,
    SeenRate,
)
from gpumon.history.stats import Interval
from gpumon.model.suggestion import Change, Effect

MORE_WORKERS = SeenPrediction(
    (Change("workers", 2, 6),),
    Effect(1.0, 1.6, 1.4, 1.7),
    Effect(90.0, 144.0, 126.0, 153.0),
    Effect(0.41, 0.02, 0.0, 0.06),
    curve=((3, Effect(1.0, 1.3, 1.2, 1.4)), (4, Effect(1.0, 1.5, 1.4, 1.6))),
)
EARLIER = EarlierRun(
    3,
    (("batch_size", 16), ("workers", 2), ("imgsz", 640), ("cache", None), ("world_size", 1)),
    Interval(90.0, 88.0, 92.0),
    Interval(0.41, 0.38, 0.44),
    Interval(5.0e9, 5.0e9, 5.4e9),
    (MORE_WORKERS,),
)
PRIOR = Prior(
    (SeenMemory(16, 5_000_000_000, has_validation=True),),
    (SeenRate(2, 16, None, 90.0, 88.0, 92.0, 0.41), SeenRate(6, 16, "ram", 148.5, 147.0, 150.0)),
    (SeenProof("workers", 1.6, 1.55),),
    EARLIER,
    4,
)


def full_prior(number: int, setting: str = "workers") -> Prior:
    """Return a prior with all that it may hold, of numbers that are long to write."""
    third = number + 1 / 3
    effect = Effect(third, third, third, third)
    curve = tuple((workers, effect) for workers in range(32))
    prediction = replace(
        MORE_WORKERS,
        speedup=effect,
        images_per_second=effect,
        data_wait_ratio=effect,
        gpu_memory_bytes=effect,
        curve=curve,
    )
    return replace(
        PRIOR,
        memory=PRIOR.memory * 50,
        rates=(SeenRate(2, 16, "ram", third, third, third, third),) * 50,
        proofs=(SeenProof(setting, third, third),) * 50,
        earlier=replace(EARLIER, predictions=(prediction,) * 16),
        run=number,
    )
