"""How good told probabilities are: Brier score, reliability, what was missed, lead, and false alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from math import log
from random import Random
from statistics import median
from typing import Any

from gpumon.diagnosis.risk import FITTED, Weights, risk_of
from gpumon.history.stats import quantile, wilson
from tests.lab.risk_runs import LEAKS, RESERVED_BYTES, Run
from tests.lab.risk_watch import Look

# Levels of the words: low, elevated, high.
ELEVATED, HIGH = 0.05, 0.30
# A run that ends well with so much of the device left is healthy; with less it was a near thing.
HEALTHY_ROOM = 0.10
# Who ran out sooner after its first step than this could not have been warned of.
LEAST_STEPS = 10
_MOMENTS = tuple((place + 0.5) / 10 for place in range(10))
_EDGES = (0.0, 0.01, 0.05, 0.15, 0.30, 0.60, 0.90)
_CLIP = 0.005
_RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Record:
    """A run as it was looked at. `room_ratio` is what was left at its peak, as a share of the device."""

    kind: str
    steps: int
    batches: int
    failed_step: int | None
    room_ratio: float
    retries: int
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A probability for the rest of a run, and whether it failed."""

    probability: float
    failed: bool


def record_of(run: Run, looks: tuple[Look, ...]) -> Record:
    """Return the record of a run."""
    plan = run.plan
    left = plan.total_bytes - RESERVED_BYTES - plan.neighbour_bytes - run.peak_bytes
    room = left / plan.total_bytes
    return Record(plan.kind, plan.steps, plan.batches, run.failed_step, room, run.retries, looks)


def points(record: Record, weights: Weights = FITTED) -> list[Point]:
    """Return what was told at ten moments evenly spread over the run, as far as it got."""
    found = []
    for moment in _MOMENTS:
        step = moment * record.steps
        if record.failed_step is not None and step >= record.failed_step:
            break
        seen = [look for look in record.looks if look.steps <= step]
        if seen:
            found.append(Point(risk_of(seen[-1].signs, weights).probability, record.failed_step is not None))
    return found


def brier(found: Iterable[Point]) -> float:
    """Return the mean squared error of probabilities. Raises ZeroDivisionError without points."""
    errors = [(point.probability - point.failed) ** 2 for point in found]
    return sum(errors) / len(errors)


def log_loss(found: Iterable[Point]) -> float:
    """Return the mean negative logarithm of the probability of what happened, clipped at 0.5 %."""
    losses = []
    for point in found:
        told = min(1 - _CLIP, max(_CLIP, point.probability))
        losses.append(-log(told if point.failed else 1 - told))
    return sum(losses) / len(losses)


def reliability(found: Sequence[Point]) -> list[dict[str, float]]:
    """Return, for each bin of probabilities, how many there are, their mean, and how many runs failed."""
    rows = []
    for low, high in zip(_EDGES, (*_EDGES[1:], 1.01), strict=True):
        inside = [point for point in found if low <= point.probability < high]
        if inside:
            failed = sum(point.failed for point in inside)
            share = wilson(failed, len(inside))
            told = sum(point.probability for point in inside) / len(inside)
            row = {"low": low, "high": min(high, 1.0), "count": len(inside), "told": told, "failed": failed}
            rows.append({**row, "share": share.value, "share_low": share.low, "share_high": share.high})
    return rows


def is_warned(look: Look, weights: Weights) -> bool:
    """Tell whether gpumon says anything at this look: an elevated risk, or growth."""
    return look.grows or risk_of(look.signs, weights).probability >= ELEVATED


def lead_epochs(record: Record, warned: Callable[[Look], bool]) -> float:
    """Return for how many epochs before its end a run that failed was warned of without a break; 0 if not."""
    since: int | None = None
    for look in record.looks:
        if not warned(look):
            since = None
        elif since is None:
            since = look.steps
    return 0.0 if since is None else ((record.failed_step or 0) - since) / record.batches


def foreseeable_of(records: Sequence[Record]) -> list[Record]:
    """Return the runs that failed, and not in their first steps."""
    failed = [record for record in records if record.failed_step is not None and record.looks]
    return [record for record in failed if (record.failed_step or 0) >= LEAST_STEPS]


def healthy_of(records: Sequence[Record]) -> list[Record]:
    """Return the runs that ended well with room left, and do not leak."""
    ended = [record for record in records if record.failed_step is None and record.kind not in LEAKS]
    return [record for record in ended if record.room_ratio >= HEALTHY_ROOM]


def missed_ratio(records: Sequence[Record], weights: Weights) -> float:
    """Return the share of foreseeable failures that were not warned of at the last look; 0 without any."""
    foreseeable = foreseeable_of(records)
    missed = sum(not is_warned(record.looks[-1], weights) for record in foreseeable)
    return missed / max(1, len(foreseeable))


def false_alarm_ratio(records: Sequence[Record], weights: Weights) -> float:
    """Return the share of healthy runs that were warned of at any look; 0 without any."""
    healthy = healthy_of(records)
    alarmed = sum(any(is_warned(look, weights) for look in record.looks) for record in healthy)
    return alarmed / max(1, len(healthy))


def summary(records: Sequence[Record], weights: Weights = FITTED) -> dict[str, Any]:
    """Return the figures of a set of runs as JSON-ready values."""
    by_run = [points(record, weights) for record in records]
    told = [point for of_run in by_run for point in of_run]
    failed = [record for record in records if record.failed_step is not None]
    foreseeable, healthy = foreseeable_of(records), healthy_of(records)
    tight = [
        record
        for record in records
        if record.failed_step is None and record.room_ratio < HEALTHY_ROOM and record.kind not in LEAKS
    ]
    leaks = [record for record in foreseeable if record.kind in LEAKS]
    rate = sum(point.failed for point in told) / max(1, len(told))
    return {
        "weights": asdict(weights),
        "runs": len(records),
        "failed": len(failed),
        "points": len(told),
        "brier": brier(told),
        "brier_interval": _by_runs(by_run, brier),
        "brier_base_rate": rate * (1 - rate),
        "reliability": reliability(told),
        "missed": _share(
            [record for record in foreseeable if not is_warned(record.looks[-1], weights)], foreseeable
        ),
        "missed_kinds": sorted(
            record.kind for record in foreseeable if not is_warned(record.looks[-1], weights)
        ),
        "leak_lead_epochs": _spread(
            [lead_epochs(record, lambda look: is_warned(look, weights)) for record in leaks]
        ),
        "leak_lead_five_points": _spread([lead_epochs(record, lambda look: look.rose) for record in leaks]),
        "false_alarms": _share(
            [record for record in healthy if any(is_warned(look, weights) for look in record.looks)], healthy
        ),
        "false_alarms_five_points": _share(
            [record for record in healthy if any(look.rose for look in record.looks)], healthy
        ),
        "missed_five_points": _share(
            [record for record in foreseeable if not record.looks[-1].rose], foreseeable
        ),
        "tight_high": _share([record for record in tight if _ever_high(record, weights)], tight),
        "tight_warned": _share(
            [record for record in tight if any(is_warned(look, weights) for look in record.looks)], tight
        ),
        "kinds": {
            kind: _of_kind([record for record in records if record.kind == kind], weights)
            for kind in sorted({record.kind for record in records})
        },
    }


def _of_kind(records: Sequence[Record], weights: Weights) -> dict[str, Any]:
    """Return how the runs of one kind ended, and what was told of them."""
    foreseeable, healthy = foreseeable_of(records), healthy_of(records)
    low = [one for record in records for one in points(record, weights) if one.probability < ELEVATED]
    return {
        "runs": len(records),
        "failed": sum(record.failed_step is not None for record in records),
        "missed": [
            sum(not is_warned(record.looks[-1], weights) for record in foreseeable),
            len(foreseeable),
        ],
        "false_alarms": [
            sum(any(is_warned(look, weights) for look in record.looks) for record in healthy),
            len(healthy),
        ],
        "low_failed": [sum(one.failed for one in low), len(low)],
    }


def _ever_high(record: Record, weights: Weights) -> bool:
    return any(risk_of(look.signs, weights).probability >= HIGH for look in record.looks)


def _share(part: Sequence[Record], whole: Sequence[Record]) -> dict[str, float]:
    found = wilson(len(part), len(whole))
    return {
        "count": len(part),
        "of": len(whole),
        "share": found.value if whole else 0.0,
        "low": found.low,
        "high": found.high,
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {"count": 0}
    return {
        "count": len(values),
        "median": median(values),
        "low": quantile(values, 0.10),
        "high": quantile(values, 0.90),
    }


def _by_runs(by_run: Sequence[Sequence[Point]], figure: Callable[[Sequence[Point]], float]) -> list[float]:
    """Return the 90 % interval of a figure, by drawing whole runs: looks at one are alike."""
    draw = Random(7)  # noqa: S311 - a reproducible draw
    runs = [of_run for of_run in by_run if of_run]
    values = []
    for _ in range(_RESAMPLES):
        drawn = draw.choices(runs, k=len(runs))
        values.append(figure([point for of_run in drawn for point in of_run]))
    return [quantile(values, 0.05), quantile(values, 0.95)]
