"""The phase of a training by the frames of its main thread."""

from __future__ import annotations

from gpumon.model.measure import Maybe, Missing
from gpumon.model.training import Phase
from gpumon.sources.interpreter_reading import InterpreterReading

# Only after the loop has begun.
INSIDE = frozenset({Phase.TRAIN, Phase.VALIDATE, Phase.CHECKPOINT, Phase.END})
_FRAME_WORDS = {
    Phase.START: "setting up",
    Phase.TRAIN: "in the training loop",
    Phase.VALIDATE: "in validation",
    Phase.CHECKPOINT: "writing results or a checkpoint",
    Phase.END: "in what follows the last epoch",
}


def phase_by_frames(looks: Maybe[InterpreterReading], *, begun: bool) -> tuple[Phase, str]:
    """Return the phase that most looks at the frames show, UNKNOWN where they show none.

    The loop's function is entered before its first batch, which takes seconds: until it is done it starts.
    """
    if isinstance(looks, Missing):
        return Phase.UNKNOWN, ""
    phase = looks.phase
    if phase is Phase.UNKNOWN and looks.train is not None and looks.waiting:
        phase = Phase.TRAIN
    if phase is Phase.UNKNOWN:
        return phase, ""
    if phase in (Phase.TRAIN, Phase.CHECKPOINT) and not begun and not _has_trained(looks):
        return Phase.START, "frames: the first batch is not done"
    return phase, f"frames: {_FRAME_WORDS[phase]}"


def _has_trained(looks: InterpreterReading) -> bool:
    """Tell whether a batch is done, by the loader's counter, else by the loop's own index."""
    loop, train = looks.loop, looks.train
    if train is not None:
        handing_over = loop is not None and loop.is_handing_over
        return train.delivered > 1 or (train.delivered == 1 and handing_over)
    if loop is None or loop.batch_index is None:
        return False
    return loop.batch_index > 0 or loop.is_handing_over or loop.epoch != (loop.start_epoch or 0)
