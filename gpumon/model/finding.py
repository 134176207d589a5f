"""What is the matter with a training, with the numbers that prove it."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.kinds import Severity as Severity  # noqa: PLC0414 - a name of this module too


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number behind a finding. `metric` is a name of METRICS; `text` says it in words."""

    metric: str
    value: float
    threshold: float | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that limits or endangers a training.

    `id` is one of the ids of the design (as "starved-too-few-workers"); `since_unix_seconds` is the
    time of the oldest sample that supports it without a break. `text` is one sentence with numbers.
    `lost_ratio` is the share of the training's time that it costs (0..1), None where it costs none or it is
    not known.
    """

    id: str
    severity: Severity
    text: str
    since_unix_seconds: float
    evidence: tuple[Evidence, ...] = ()
    lost_ratio: float | None = None
