"""The largest batch that gpumon recommends beside the largest that truly fits, on the virtual GPU."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from gpumon.advice.memory import MemoryModel, model_of, nominal_batch
from gpumon.advice.prior import NOTHING_KNOWN, Prior, SeenMemory
from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.diagnosis.view import view_of
from gpumon.history.history import History
from gpumon.history.stats import quantile, wilson
from gpumon.model.measure import Certainty, Maybe, Measure
from tests.lab.allocator import OutOfMemoryError
from tests.lab.memory_fit import Unwritten
from tests.lab.risk_runs import RESERVED_BYTES, Plan, Run, dry_peak, plan_of, simulate, train_step
from tests.lab.risk_watch import sample_of
from tests.lab.virtual_gpu import VirtualGpu
from tests.unit.run_scene import with_progress
from tests.unit.synthetic_training import PID

_EPOCHS_SEEN = 2
_STEPS, _SEEDS = 60, (11, 12, 13)
_AUTOBATCH_SIZES = (1, 2, 4, 8, 16)
_AUTOBATCH_FRACTION = 0.8
_KINDS = frozenset({"steady", "noisy", "dense"})
ROWS = ("known", "known_two", "known_round", "safe", "two", "round", "autobatch")


@dataclass(frozen=True, slots=True)
class Case:
    """One GPU. `true` is the largest batch that lives on it; the others are what was recommended.

    `calm` is the largest that lives without ever having to flush the allocator's cache, which costs time.
    gpumon goes at most to twice the present batch, so it is judged against that where less. `round` is what
    is advised: its safe batch made round so that an update keeps 64 images. `two` is its safe batch where an
    earlier run at half the batch is known. Of these the name tells no model; of those with `known` its
    parameters are told, as YOLOv5's log does.
    """

    kind: str
    present: int
    true: int
    calm: int
    safe: int
    round: int
    two: int
    known: int
    known_round: int
    known_two: int
    autobatch: int
    died: tuple[str, ...]


def cases(seeds: Sequence[int]) -> list[Case]:
    """Return a case for each seed whose plan can be used: its kind has no end in itself, its batch fits."""
    found = []
    for seed in seeds:
        plan = plan_of(seed)
        if plan.kind in _KINDS and plan.batch_size >= 8:
            case = _case(plan)
            if case is not None:
                found.append(case)
    return found


def _case(plan: Plan) -> Case | None:
    draw = random.Random(plan.seed + 3)  # noqa: S311 - a reproducible draw
    total = int(dry_peak(plan) * draw.uniform(1.1, 2.4)) + RESERVED_BYTES + plan.neighbour_bytes
    plan = replace(plan, total_bytes=total, epochs=_EPOCHS_SEEN)
    true = _largest(plan)
    if true < plan.batch_size:
        return None
    run = simulate(plan)
    if run.failed_step is not None:
        return None
    told: dict[str, int] = {}
    for prefix, is_known in (("", False), ("known_", True)):
        alone, two = _models(run, is_known=is_known)
        if alone is None or two is None:
            return None
        safe = alone.largest(safe=True)
        told[prefix.rstrip("_") or "safe"] = safe
        told[f"{prefix}round"] = nominal_batch(safe, plan.batch_size)
        told[f"{prefix}two"] = two.largest(safe=True)
    told["autobatch"] = autobatch(plan)
    died = tuple(name for name, batch in told.items() if batch > 0 and not _lives_long(plan, batch))
    return Case(plan.kind, plan.batch_size, true, _largest(plan, calm=True), died=died, **told)


def _models(run: Run, *, is_known: bool) -> tuple[MemoryModel | None, MemoryModel | None]:
    """Return gpumon's models of a run that it saw to its end: alone, and with an earlier run."""
    history = History()
    for number, second in enumerate(run.seconds, 1):
        sample = sample_of(run, second, number)
        if is_known:
            parameters = Measure(float(run.plan.cost.parameters), Certainty.EXACT, "log")
            sample = with_progress(sample, model_parameters=parameters)
        history.append(sample)
    view = view_of(history.window(), PID)
    memory = None if view is None else memory_of(view)
    if view is None or not isinstance(memory, GpuMemory):
        return None, None
    alone, two = (model_of(view, memory, prior) for prior in (NOTHING_KNOWN, _earlier(run.plan)))
    return _or_none(alone), _or_none(two)


def _or_none(model: Maybe[MemoryModel]) -> MemoryModel | None:
    return model if isinstance(model, MemoryModel) else None


def _earlier(plan: Plan) -> Prior:
    """Return what a run at half the batch taught."""
    half = replace(plan, batch_size=plan.batch_size // 2, last_images=min(plan.last_images, 2))
    run = simulate(half)
    return Prior(memory=(SeenMemory(half.batch_size, run.peak_bytes, has_validation=True),))


def autobatch(plan: Plan) -> int:
    """Return what YOLOv5's AutoBatch (v7.0) would choose: a line through what five batches reserve.

    It profiles forward and backward alone, and takes what is reserved and what is allocated off the whole
    device, whoever else holds some of it. Source: its utils/autobatch.py.
    """
    reserved = [_profiled(plan, batch) for batch in _AUTOBATCH_SIZES]
    mean_batch = sum(_AUTOBATCH_SIZES) / len(_AUTOBATCH_SIZES)
    mean_bytes = sum(reserved) / len(reserved)
    slope = sum(
        (batch - mean_batch) * (held - mean_bytes)
        for batch, held in zip(_AUTOBATCH_SIZES, reserved, strict=True)
    ) / sum((batch - mean_batch) ** 2 for batch in _AUTOBATCH_SIZES)
    weights = plan.cost.parameters * 4
    free = plan.total_bytes - 2 * weights
    return max(1, int((free * _AUTOBATCH_FRACTION - (mean_bytes - slope * mean_batch)) / slope))


def _profiled(plan: Plan, batch: int) -> int:
    gpu = VirtualGpu(plan.cost, Unwritten(), _no_time, total_bytes=1 << 42)
    for _ in range(3):
        gpu.train(batch, 0)
    return gpu.allocator.reserved_bytes


def _largest(plan: Plan, *, calm: bool = False) -> int:
    """Return the largest batch that lives, by bisection; 0 where none does. `calm`: without a flush."""
    low, high = 0, 8 * plan.batch_size
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _lives(plan, middle, plan.seed + 1, calm=calm) else (low, middle - 1)
    return low


def _lives_long(plan: Plan, batch: int) -> bool:
    return all(_lives(plan, batch, plan.seed + seed) for seed in _SEEDS)


def _lives(plan: Plan, batch: int, seed: int, *, calm: bool = False) -> bool:
    """Tell whether steps and a validation at that batch fit on the plan's GPU; `calm`: without a flush."""
    noise = random.Random(seed)  # noqa: S311 - noise, not keys
    plan = replace(plan, batch_size=batch, last_images=min(plan.last_images, batch))
    try:
        gpu = VirtualGpu(
            plan.cost,
            Unwritten(),
            _no_time,
            total_bytes=plan.total_bytes,
            reserved_bytes=RESERVED_BYTES,
            neighbour_bytes=plan.neighbour_bytes,
        )
        for step in range(_STEPS):
            train_step(plan, gpu, step, noise)
            if step == _STEPS // 2:
                gpu.validate(2 * batch)
    except OutOfMemoryError:
        return False
    return not calm or gpu.allocator.retries == 0


def _no_time(seconds: float) -> tuple[float, float]:
    return 0.0, seconds


def summary(found: Sequence[Case]) -> dict[str, Any]:
    """Return how the recommended batches compare with the true ones, as JSON-ready values."""
    rows = {}
    for name in ROWS:
        ratios, calm = [], []
        for case in found:
            most = 8 * case.present if name == "autobatch" else 2 * case.present
            ratios.append(getattr(case, name) / min(case.true, most))
            calm.append(getattr(case, name) / min(max(1, case.calm), most))
        died = sum(name in case.died for case in found)
        deaths = wilson(died, len(found))
        rows[name] = {
            "median": median(ratios),
            "low": quantile(ratios, 0.05),
            "high": quantile(ratios, 0.95),
            "within": sum(0.85 <= ratio <= 1.0 for ratio in ratios) / len(ratios),
            "of_calm": sum(0.85 <= ratio for ratio in calm) / len(calm),
            "died": died,
            "died_high": deaths.high,
        }
    return {"cases": len(found), "rows": rows, "all": [asdict(case) for case in found]}
