"""What changed settings brought: predicted against achieved, when a training came back with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpumon.model.measure import Maybe, Missing

if TYPE_CHECKING:
    from gpumon.model.suggestion import Change


@dataclass(frozen=True, slots=True)
class Outcome:
    """One quantity before the change, as it was predicted, and as it came out; intervals hold 90 %.

    `predicted` and its interval are None where nothing was predicted: the change was the user's own.
    """

    before: float
    before_low: float
    before_high: float
    achieved: float
    achieved_low: float
    achieved_high: float
    predicted: float | None = None
    predicted_low: float | None = None
    predicted_high: float | None = None

    @property
    def is_as_predicted(self) -> bool | None:
        """Whether both intervals meet; None where nothing was predicted."""
        if self.predicted_low is None or self.predicted_high is None:
            return None
        return self.achieved_high >= self.predicted_low and self.achieved_low <= self.predicted_high


@dataclass(frozen=True, slots=True)
class Proof:
    """A run set beside the earlier run of the same training on this machine that it is a change of.

    `run` and `earlier_run` are numbers in the database of runs; `run` is None where it had none when gpumon
    was attached. `changes` are all settings that differ and bear on speed or memory, the predicted one first.
    `settled` is False while the new run was watched for too short a time to be held against the other.
    `text` is one sentence for the screen: "predicted 148, achieved 146 images/s". Memory is that of a rank.
    """

    run: int | None
    earlier_run: int
    changes: tuple[Change, ...]
    settled: bool
    text: str
    images_per_second: Maybe[Outcome] = Missing("not measured yet")
    data_wait_ratio: Maybe[Outcome] = Missing("not measured yet")
    gpu_memory_bytes: Maybe[Outcome] = Missing("not measured yet")
