"""What to look for in the stack of a training's main thread: frameworks tell it, the source looks for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gpumon.model.training import Phase

DATALOADER_FILE = "torch/utils/data/dataloader.py"


@dataclass(frozen=True, slots=True)
class FrameMark:
    """Functions by name and by how the path of their file ends; an empty end is any file of no package.

    A whole part of the path must match: `train.py` is not the end of `mytrain.py`.
    """

    functions: frozenset[str]
    file_end: str = ""

    def fits(self, name: str, file: str) -> bool:
        """Tell whether it is a frame of that function name and file."""
        if name not in self.functions:
            return False
        if not self.file_end:
            return "site-packages/" not in file and "dist-packages/" not in file
        return file.endswith(self.file_end) and (
            len(file) == len(self.file_end) or file[-len(self.file_end) - 1] == "/"
        )


@dataclass(frozen=True, slots=True)
class PhaseMark:
    """A frame that tells the phase wherever in the stack it is."""

    phase: Phase
    frame: FrameMark


@dataclass(frozen=True, slots=True)
class LoopLocals:
    """Where the training loop keeps what: each a choice of paths, such as `self.args.batch`.

    A path begins with a local variable of the loop's function and goes on with attributes. `batch_number`
    counts from the start of epoch 0 on; `batch_index` within the epoch, from 0. `iterator` is the
    DataLoader's iterator, or what holds it; `bar_text` is what stands before its progress bar.
    """

    epoch: tuple[str, ...] = ("epoch",)
    start_epoch: tuple[str, ...] = ()
    epochs: tuple[str, ...] = ()
    batch_index: tuple[str, ...] = ()
    batch_number: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    batch_size: tuple[str, ...] = ()
    imgsz: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    warmup_batches: tuple[str, ...] = ()
    accumulate: tuple[str, ...] = ()
    amp: tuple[str, ...] = ()
    iterator: tuple[str, ...] = ()
    bar_text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameMarks:
    """What a framework's frames mean.

    `loop` are the functions that hold the training loop; without any it is whatever calls the DataLoader's
    `__next__` from outside of torch. Of `phases` the first that the stack has anywhere counts.
    `steps_are_whole`: the loop waits for the GPU at the end of each step, and goes on to validation or to
    what follows it at once, so that a step has ended where its phase or the next `__next__` says so.
    """

    loop: tuple[FrameMark, ...] = ()
    phases: tuple[PhaseMark, ...] = ()
    locals: LoopLocals = LoopLocals()
    steps_are_whole: bool = False


# Waiting is any `__next__` of torch's DataLoader: matching a function below it, `_next_data`, misses 4 % of
# the time (record_function takes the GIL again on its way out) and all loading without workers.
WAITING = FrameMark(frozenset({"__next__"}), DATALOADER_FILE)
# What stands between the loop and `__next__`: generators of progress bars and of loaders that repeat.
_BETWEEN = ("/tqdm/", "/torch/utils/data/", "/ultralytics/utils/tqdm.py")
_BETWEEN_FUNCTIONS = frozenset({"__iter__", "__next__"})


def is_between(name: str, file: str) -> bool:
    """Tell whether a frame only hands batches on from the DataLoader to the loop."""
    return name in _BETWEEN_FUNCTIONS or any(part in file for part in _BETWEEN)


def judge(stack: Iterable[tuple[str, str]], marks: FrameMarks) -> tuple[Phase, bool]:
    """Return the phase that a stack of (function, file) shows, and whether it waits for a batch."""
    stack = tuple(stack)
    waits = any(WAITING.fits(*frame) for frame in stack)
    for mark in marks.phases:
        if any(mark.frame.fits(*frame) for frame in stack):
            return mark.phase, waits
    in_loop = any(mark.fits(*frame) for mark in marks.loop for frame in stack)
    return Phase.TRAIN if in_loop else Phase.UNKNOWN, waits
