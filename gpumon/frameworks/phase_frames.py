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

    The loop's function is entered before its first batch and runs it for seconds: until then it starts.
    """
    if isinstance(looks, Missing):
        return Phase.UNKNOWN, ""
    phase, loop = looks.phase, looks.loop
    if phase is Phase.UNKNOWN and looks.train is not None and looks.waiting:
        phase = Phase.TRAIN
    if phase is Phase.UNKNOWN:
        return phase, ""
    if phase is Phase.TRAIN and not begun and loop is not None and loop.batches is not None:
        # A framework whose loop is known: without any batch it sets things up.
        first = loop.batch_index is None or (
            loop.batch_index == 0 and loop.epoch == (loop.start_epoch or 0) and not loop.is_handing_over
        )
        if first:
            return Phase.START, "frames: the first batch is not done"
    if phase is Phase.CHECKPOINT and not begun:
        return Phase.START, "frames: nothing was trained yet"
    return phase, f"frames: {_FRAME_WORDS[phase]}"
