"""What to change, what it brings, what bounds it, and the command that does it."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.kinds import Bound as Bound  # noqa: PLC0414 - a name of this module too
from gpumon.model.kinds import RiskLevel as RiskLevel  # noqa: PLC0414 - a name of this module too
from gpumon.model.measure import Maybe, Missing


@dataclass(frozen=True, slots=True)
class Effect:
    """A quantity now and as predicted, with a 90 % interval of the prediction."""

    now: float
    predicted: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is changed, from what to what; None means not set."""

    setting: str
    from_value: int | float | str | bool | None
    to_value: int | float | str | bool | None


@dataclass(frozen=True, slots=True)
class GoOn:
    """How to go on with the changed settings from the last checkpoint, instead of beginning again.

    `lost` says in one sentence what is lost. `edit` is a unified diff of the file `path` that has to be
    edited first; both are empty where nothing is. `command` makes the edit and starts the training. Where
    it `begins_again`, no checkpoint is gone on from: it only makes an edit for which there is no flag.
    """

    command: Maybe[str]
    lost: str
    path: str = ""
    edit: str = ""
    begins_again: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One setting to change.

    `setting` is one of the design's names (workers, batch_size, cache ...); `from_value` None means not
    set. `speedup` is the predicted factor on images per second, present also where the rate itself is
    not known. `rests_on` says in one sentence what the prediction is built on. `command` is ready for a
    shell, or Missing with the reason why none can be built. `warnings` are what to mind when applying.
    `together` are other settings that the same command changes; the predictions are for all of them.
    `curve` has the predicted factor for other values of `setting`, by value.
    """

    setting: str
    from_value: int | float | str | None
    to_value: int | float | str | None
    text: str
    finding: str
    bound: Bound
    rests_on: str
    speedup: Maybe[Effect]
    images_per_second: Maybe[Effect] = Missing("the rate of the training is not known")
    gpu_memory_bytes: Maybe[Effect] = Missing("does not change with this setting")
    data_wait_ratio: Maybe[Effect] = Missing("not predicted for this setting")
    command: Maybe[str] = Missing("not built")
    warnings: tuple[str, ...] = ()
    together: tuple[Change, ...] = ()
    curve: tuple[tuple[int, Effect], ...] = ()
    go_on: Maybe[GoOn] = Missing("not built")


@dataclass(frozen=True, slots=True)
class OomRisk:
    """The probability that the training runs out of GPU memory before it ends, as an estimate.

    `rests_on` says in a sentence what it is judged from; empty where that is not told.
    """

    probability: float
    level: RiskLevel
    text: str
    rests_on: str = ""


@dataclass(frozen=True, slots=True)
class MemoryOutlook:
    """GPU memory of a training: its peak, its limit and the largest batch that fits.

    `limit_bytes` is what is left for this training on its GPU (total minus what the driver reserves and
    others hold). `largest_safe_batch` has low and high; it is for the whole training (all ranks), and
    `batch_rests_on` says in a sentence what it is built on. `full_in_seconds` is when memory that grows
    steadily will be full at its pace.
    """

    peak_bytes: Maybe[int]
    limit_bytes: Maybe[int]
    oom_risk: Maybe[OomRisk]
    largest_safe_batch: Maybe[int]
    largest_safe_batch_low: int | None = None
    largest_safe_batch_high: int | None = None
    full_in_seconds: Maybe[float] = Missing("its memory does not grow steadily")
    batch_rests_on: str = ""
