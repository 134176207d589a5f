"""The truth about a trace: what was injected, and what the training would do with other settings.

A laboratory recording carries it as JSON text in its `about.truth`:

{"scenario": "too-few-workers-high", "labels": ["starved-too-few-workers"], "set": "tune", "control": false,
 "proof": "injected", "onset_seconds": 0.0, "data_wait_ratio": 0.41, "waits": [0.4, 0.42],
 "images_per_second": 90.0, "fed_images_per_second": 148.0, "settings": {"workers": 2, "batch_size": 16},
 "grid": [{"settings": {"workers": 2}, "images_per_second": 90.0}, ...]}

`labels` are ids of findings, the main fault first; a healthy run is "compute-bound". What is not known is
left out or null. `waits` is the true share of each second from the first sample on. `proof` is "scripted"
where only a stand-in driver tells of the fault. `group` names traces that are alike (the doses and seeds of
one scenario), for the bootstrap; without it every scenario is a group of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from gpumon.model.sample import Sample

HEALTHY = "compute-bound"
SETS = ("tune", "test")

Value = int | float | str | bool | None


class TruthError(ValueError):
    """The truth of a trace is not what it should be, in one sentence."""


class About(Protocol):
    """What a recording says about itself, as far as scoring needs it."""

    @property
    def truth(self) -> str:
        """The truth as JSON text; empty where it is not known."""
        ...


class Trace(Protocol):
    """A recording that can be judged."""

    @property
    def name(self) -> str:
        """Its file's name without the ending."""
        ...

    @property
    def about(self) -> About:
        """What it says about itself."""
        ...

    def samples(self) -> Iterator[Sample]:
        """Yield its samples, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Point:
    """Images per second that the training really reached with some settings."""

    settings: Mapping[str, Value]
    images_per_second: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known about a trace, by injection and by measuring inside the training.

    `fed_images_per_second` is the rate with an infinitely fast loader. `onset_seconds` counts from the
    first sample of the trace. A `control` has nothing the matter: every warning on it is false.
    """

    scenario: str
    labels: tuple[str, ...]
    set_name: str = "tune"
    group: str = ""
    control: bool = False
    onset_seconds: float = 0.0
    proof: str = "injected"
    data_wait_ratio: float | None = None
    waits: tuple[float, ...] = ()
    images_per_second: float | None = None
    fed_images_per_second: float | None = None
    settings: Mapping[str, Value] | None = None
    grid: tuple[Point, ...] = ()

    @property
    def main(self) -> str:
        """The label of the main fault."""
        return self.labels[0]

    @property
    def fed_speedup(self) -> float | None:
        """The factor on the rate that an infinitely fast loader would bring."""
        if self.images_per_second is None or self.fed_images_per_second is None:
            return None
        return self.fed_images_per_second / self.images_per_second

    @property
    def best(self) -> float | None:
        """The highest rate of the grid."""
        return max((point.images_per_second for point in self.grid), default=None)

    def rate_with(self, changes: Mapping[str, Value]) -> float | None:
        """Return the rate with the settings of the trace after `changes`.

        Between two points of the grid that differ in the number of workers alone it is interpolated;
        None where the grid does not reach so far.
        """
        wanted = {**(self.settings or {}), **changes}
        near = [point for point in self.grid if _matches(point, wanted, "workers")]
        for point in near:
            if _matches(point, wanted):
                return point.images_per_second
        return _between(near, wanted.get("workers"))


def truth_of(text: str) -> Truth:
    """Return the truth in the JSON `text`. Raises TruthError."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise TruthError(f"the truth is no JSON: {error}") from None
    if not isinstance(raw, dict):
        raise TruthError("the truth is no JSON object")
    labels = raw.get("labels")
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
        raise TruthError("the truth has no labels")
    set_name = raw.get("set", "tune")
    if set_name not in SETS:
        raise TruthError(f"the set of a trace is one of {', '.join(SETS)}, not {set_name!r}")
    scenario = str(raw.get("scenario", ""))
    settings = raw.get("settings")
    return Truth(
        scenario=scenario,
        labels=tuple(labels),
        set_name=set_name,
        group=str(raw.get("group") or scenario),
        control=bool(raw.get("control", labels[0] == HEALTHY)),
        onset_seconds=_number(raw, "onset_seconds") or 0.0,
        proof=str(raw.get("proof", "injected")),
        data_wait_ratio=_number(raw, "data_wait_ratio"),
        waits=_waits(raw),
        images_per_second=_rate(raw, "images_per_second"),
        fed_images_per_second=_rate(raw, "fed_images_per_second"),
        settings=settings if isinstance(settings, dict) else None,
        grid=tuple(_point(entry) for entry in raw.get("grid") or ()),
    )


def _number(raw: Mapping[str, Any], key: str) -> float | None:
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TruthError(f"{key} of the truth is no number")
    return float(value)


def _waits(raw: Mapping[str, Any]) -> tuple[float, ...]:
    values = raw.get("waits") or []
    if not isinstance(values, list):
        raise TruthError("waits of the truth is no list")
    return tuple(_number({"waits": value}, "waits") or 0.0 for value in values)


def _rate(raw: Mapping[str, Any], key: str) -> float | None:
    value = _number(raw, key)
    if value is not None and value <= 0:
        raise TruthError(f"{key} of the truth is not above 0")
    return value


def _point(entry: Any) -> Point:
    if not isinstance(entry, dict) or not isinstance(entry.get("settings"), dict):
        raise TruthError("a point of the grid has no settings")
    rate = _rate(entry, "images_per_second")
    if rate is None:
        raise TruthError("a point of the grid has no rate")
    return Point(entry["settings"], rate)


def _matches(point: Point, wanted: Mapping[str, Value], besides: str = "") -> bool:
    return all(wanted.get(name) == value for name, value in point.settings.items() if name != besides)


def _between(points: list[Point], workers: Value) -> float | None:
    if isinstance(workers, bool) or not isinstance(workers, int):
        return None
    known = sorted(
        (count, point.images_per_second)
        for point in points
        if isinstance(count := point.settings.get("workers"), int)
    )
    for (low, low_rate), (high, high_rate) in pairwise(known):
        if low < workers < high:
            return low_rate + (high_rate - low_rate) * (workers - low) / (high - low)
    return None
