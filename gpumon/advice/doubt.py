"""Why a verdict is not certain yet: what it waits for, and what it is most likely to be."""

from __future__ import annotations

from gpumon.diagnosis.runners_up import likeliest_two
from gpumon.diagnosis.verdict import recent
from gpumon.diagnosis.view import FULL_SECONDS, VERDICT_SECONDS, View
from gpumon.history.stats import Interval
from gpumon.model.training import Phase

_PHASES = {
    Phase.START: "it still starts",
    Phase.VALIDATE: "it validates",
    Phase.CHECKPOINT: "it saves a checkpoint",
    Phase.END: "it ends",
    Phase.UNKNOWN: "what it does is not known",
}


def doubt_of(view: View) -> str:
    """Return one sentence: what a verdict on this training waits for, and the two likeliest, if there are.

    It goes on after "not certain yet: " or "no verdict yet: ".
    """
    seen, phase = view.steady_seconds, _PHASES.get(view.phase)
    needed = VERDICT_SECONDS if seen < VERDICT_SECONDS else FULL_SECONDS
    waits = f"it waits for {needed:.0f} s of steady training, of which it has seen {seen:.0f} s"
    if seen >= FULL_SECONDS:
        waits = "what would tell the causes apart is too near to its threshold or cannot be read"
    if phase is not None:
        waits += f" ({phase} now)"
    if not isinstance(view.wait, Interval) or seen <= 0:
        return waits
    first, second = likeliest_two(recent(view))
    return f"{waits}; likeliest are {first.id} and {second.id}"
