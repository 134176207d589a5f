"""What gpumon makes of a simulated training: its own code, fed with a sample a second."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.diagnosis.risk import Signs
from gpumon.diagnosis.view import view_of
from gpumon.history.history import History
from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.model.sample import Sample
from tests.lab.risk_runs import RESERVED_BYTES, Run, Second
from tests.unit.synthetic_training import HEALTHY, PID

# Looked at every so many seconds, and at the last one.
_EVERY_SECONDS = 3
_MOVING = 5
_POINTS = 0.05


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a run: how many steps were done, and what the risk is judged from.

    `grows` says whether growth is told, `rose` whether SageMaker's rule has fired by now.
    """

    second: int
    steps: int
    signs: Signs
    grows: bool
    rose: bool


def looks(run: Run) -> tuple[Look, ...]:
    """Return gpumon's looks at a run, from its first steps to its last second."""
    found: list[Look] = []
    shares: list[float] = []
    rose = False
    history = History()
    for second, seen in enumerate(run.seconds, 1):
        history.append(sample_of(run, seen, second))
        shares.append(seen.own_bytes / run.plan.total_bytes)
        rose = rose or five_points(shares)
        if second % _EVERY_SECONDS and second < len(run.seconds):
            continue
        view = view_of(history.window(), PID)
        assert view is not None
        memory = memory_of(view)
        if isinstance(memory, GpuMemory) and isinstance(memory.signs, Signs):
            steps = seen.epoch * run.plan.batches + min(seen.batch, run.plan.batches)
            found.append(Look(second, steps, memory.signs, memory.growth is not None, rose))
    return tuple(found)


def sample_of(run: Run, second: Second, number: int) -> Sample:
    """Return the sample at the end of a second."""
    plan = run.plan
    scene = replace(
        HEALTHY,
        gpu_total=plan.total_bytes,
        gpu_own=second.own_bytes,
        gpu_others=plan.neighbour_bytes,
        batch_size=plan.batch_size,
        weights="best.pt",
        multi_scale=plan.kind == "multi-scale",
        epoch=second.epoch,
        epochs=plan.epochs,
        batch=second.batch,
        batches=plan.batches,
        phases=(second.phase,),
        workers=1,
        cores=1,
    )
    sample = scene.sample(0)
    reading = sample.trainings[0]
    left = max(0.0, run.planned_seconds - number)
    reading = replace(
        reading,
        training=replace(reading.training, run_dir=Missing("simulated")),
        progress=replace(reading.progress, eta_seconds=left),
    )
    return replace(
        sample,
        sequence=number,
        instant=Instant(1.7e9 + number, 1000.0 + number),
        gpus=(replace(sample.gpus[0], gpu_memory_reserved_bytes=RESERVED_BYTES),),
        trainings=(reading,),
    )


def five_points(shares: list[float]) -> bool:
    """SageMaker's GPUMemoryIncrease: the mean of 5 points is 5 percentage points above the 5 before."""
    if len(shares) < 2 * _MOVING:
        return False
    newer, older = shares[-_MOVING:], shares[-2 * _MOVING : -_MOVING]
    return sum(newer) / _MOVING - sum(older) / _MOVING > _POINTS
