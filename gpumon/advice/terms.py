"""What advice is given with: how commands are written, and what earlier runs on this machine taught."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gpumon.advice.knobs.command import Value, rewrite_command
from gpumon.advice.knobs.go_on import go_on
from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.model.measure import Maybe
from gpumon.model.reading import TrainingReading
from gpumon.model.suggestion import GoOn
from gpumon.model.training import Training

Rewrite: TypeAlias = Callable[[Training, Mapping[str, Value]], Maybe[str]]


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything but the view and its findings that advice depends on.

    `rewrite` returns the command that starts a training with changed settings from the beginning,
    `go_on` how to take them up from the last checkpoint.
    """

    prior: Prior = NOTHING_KNOWN
    rewrite: Rewrite = rewrite_command
    go_on: Callable[[TrainingReading, Mapping[str, Value]], Maybe[GoOn]] = go_on


ORDINARY_TERMS = Terms()
