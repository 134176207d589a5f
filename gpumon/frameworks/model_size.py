"""How many parameters the model of a training has: by its log, else by the size of its checkpoint."""

from __future__ import annotations

from gpumon.frameworks.log_lines_state import LogState
from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known, number
from gpumon.model.training import Training
from gpumon.sources.run_dir import FileSeen, RunDirReading

# Bytes of a parameter in weights/last.pt while YOLOv5 trains (its train.py, v5.0 to master): model and EMA in
# halves, and the optimizer's state in full precision: one number for SGD (momentum), two for Adam. What else
# lies in it makes YOLOv5n, the smallest, 2.5 % too large with SGD and 2.0 % with Adam (PyPI's yolov5 7.0.14).
_HALVES_BYTES, _STATE_BYTES = 4, 4


def model_parameters(
    training: Training, log: LogState | None, run_dir: Maybe[RunDirReading], *, epochs: int | None = None
) -> Maybe[Measure]:
    """Return how many parameters the model has.

    Exact by the log, which YOLOv5 and ultralytics write a summary of the model into; else, of YOLOv5 after
    its first epoch, estimated by its checkpoint, in which little lies besides. `epochs` is how many the run
    has: a checkpoint that was first seen after the last of them may be without the optimizer.
    """
    if log is not None and log.parameters:
        return Measure(float(log.parameters), Certainty.EXACT, "log")
    if training.framework != "yolov5" or isinstance(run_dir, Missing):
        return Missing("its log does not tell")
    size = _checkpoint_bytes(training, run_dir, epochs)
    if isinstance(size, Missing):
        return size
    optimizer = known(training.settings.optimizer)
    name = "SGD" if optimizer is None or optimizer.value is None else str(optimizer.value)
    states = 2 if name.lower().startswith("adam") else 1
    return Measure(size / (_HALVES_BYTES + states * _STATE_BYTES), Certainty.ESTIMATED, "size of last.pt")


def _checkpoint_bytes(training: Training, run_dir: RunDirReading, epochs: int | None) -> Maybe[float]:
    last = run_dir.last
    if isinstance(last, Missing):
        return Missing("neither its log nor a checkpoint tells")
    resume, started = known(training.settings.resume), number(run_dir.started_unix_seconds)
    if not isinstance(last, FileSeen) or not last.size_bytes:
        return Missing("its last.pt is empty")
    is_resumed = resume is not None and bool(resume.value)
    if not is_resumed and (started is None or last.unix_seconds < started):
        return Missing("its last.pt may be an earlier run's")
    if epochs is not None and run_dir.last_most_rows >= epochs:
        return Missing("its last.pt was first seen after the last epoch, perhaps without the optimizer")
    # While it is written it is short, and at the end of the run the optimizer's state is taken out.
    return float(max(last.size_bytes, run_dir.last_most_bytes or 0))
