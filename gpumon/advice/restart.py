"""What to mind when a training is started again with other settings."""

from __future__ import annotations

from gpumon.diagnosis.view import View
from gpumon.model.measure import Missing, known

# Before a training goes on. YOLOv5 writes last.pt in place: who stops it meanwhile has none.
HOW_TO_STOP = "stop it first, while it trains and not while it saves"
# The default of a suggestion for which nobody asked how to go on.
NOBODY_ASKED = Missing("not built")
_BEGINS_AGAIN = "the command begins again at the first epoch"


def restart_warnings(view: View) -> tuple[str, ...]:
    """Return what the command of a suggestion loses.

    How to go on from the last checkpoint instead, and what that loses, stands in `Suggestion.go_on`.
    """
    training = view.reading.training
    if training.framework == "torch":
        return (f"{_BEGINS_AGAIN}, unless its own code goes on from a checkpoint",)
    resume = known(training.settings.resume)
    if training.framework == "ultralytics" and resume is not None and resume.value:
        return ("the running epoch is lost: the command goes on from the last checkpoint",)
    return (_BEGINS_AGAIN,)
