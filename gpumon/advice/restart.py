"""What to mind when a training is restarted with other settings."""

from __future__ import annotations

from gpumon.diagnosis.view import View
from gpumon.model.measure import known


def restart_warnings(view: View) -> tuple[str, ...]:
    """Return what a restart loses and how to go on without losing more."""
    training = view.reading.training
    epoch = known(view.reading.progress.epoch)
    if training.framework == "yolov5":
        if not epoch:
            return ("the restart begins again at the first epoch",)
        directory = known(training.run_dir)
        where = f" in {directory}" if directory else ""
        go_on = f"to go on instead: stop it, edit opt.yaml{where}, then --resume its weights/last.pt"
        return (
            "the command begins again at the first epoch; --resume would ignore its flags",
            f"{go_on}; the epoch in progress is lost",
        )
    if training.framework == "ultralytics" and epoch:
        return ("to go on instead of beginning again, add resume=True; the epoch in progress is lost",)
    return ("the epoch in progress is lost with a restart",)
