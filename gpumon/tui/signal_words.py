"""What a signal does to a process, and what that means for its training, in sentences.

Sources: signal(7); torch/utils/data/_utils/worker.py and signal_handling.py (workers and their loader);
torch/distributed/elastic (launchers); train.py of YOLOv5, which handles no signal and saves last.pt in place.
"""

from __future__ import annotations

from signal import Signals

from gpumon.advice.knobs.go_on import go_on
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessReading, Role
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Phase
from gpumon.tui.widgets.finding_words import framework_name

ENDING = frozenset({Signals.SIGINT, Signals.SIGTERM, Signals.SIGKILL})

_THE_PROCESS = {
    Signals.SIGINT: "as Ctrl-C in its terminal: Python raises KeyboardInterrupt and cleans up",
    Signals.SIGTERM: "asks it to end: without a handler Python ends at once and cleans up nothing",
    Signals.SIGKILL: "the kernel ends it at once; it can clean up nothing",
    Signals.SIGSTOP: "stands still where it is, keeps its memory, and goes on with SIGCONT",
    Signals.SIGCONT: "goes on where it was stopped; nothing changes where it was not",
}
_SHORT = {
    Signals.SIGINT: "interrupt, as Ctrl-C",
    Signals.SIGTERM: "ask to end",
    Signals.SIGKILL: "end at once",
    Signals.SIGSTOP: "stop for now",
    Signals.SIGCONT: "go on",
}
_LEADERS = frozenset({Role.MAIN, Role.RANK})
_WORKERS = frozenset({Role.TRAIN_WORKER, Role.VAL_WORKER})
_ENDS_ALL = _LEADERS | _WORKERS | {Role.LAUNCHER}


def short_words(number: Signals) -> str:
    """Return what a signal is for, in a few words."""
    return _SHORT[number]


def signal_words(
    number: Signals, process: ProcessReading, reading: TrainingReading | None
) -> list[tuple[str, str]]:
    """Return (what, sentence) of what a signal would do: to the process, to its training, and what is lost.

    `reading` is the training that it is of; None where that is over.
    """
    words = [("the process", _THE_PROCESS[number])]
    if reading is None or reading.ended is not None:
        return [*words, ("the training", "is over: nothing changes for it")]
    words.append(("the training", _for_training(number, process.role, reading)))
    if number in ENDING and process.role in _ENDS_ALL:
        words += _lost(reading)
    return words


def _for_training(number: Signals, role: Role, reading: TrainingReading) -> str:
    if number is Signals.SIGCONT:
        return "goes on with it, where it was this process that held it up"
    if role in _LEADERS:
        text = _leader(number, reading)
    elif role in _WORKERS:
        text = _worker(number, role)
    elif role is Role.LAUNCHER:
        text = _launcher(number)
    elif role is Role.POOL:
        text = _pool(number)
    else:
        text = "what this process does for it is not known"
    return text


def _leader(number: Signals, reading: TrainingReading) -> str:
    ranks = reading.training.world_size
    if number is Signals.SIGSTOP:
        text = "stands still, and keeps its GPU memory; no step is lost"
        if ranks > 1:
            text += "; the other ranks wait for it, until the time-out of their process group ends them"
        return text
    name = framework_name(reading.training.framework)
    text = "ends, unless its own code handles the signal"
    if reading.training.framework in {"yolov5", "ultralytics"}:
        text = f"{name} ends without a final validation; last.pt and best.pt stay as they were saved last"
    if ranks > 1:
        others = "rank" if ranks == 2 else f"{ranks - 1} ranks"
        text += f"; a launcher like torchrun then ends the other {others}"
    elif number is not Signals.SIGINT:
        text += "; its DataLoader workers notice that within 5 s and end too"
    return text


def _worker(number: Signals, role: Role) -> str:
    if number is Signals.SIGSTOP:
        return (
            "waits: batches are handed over in order, so the loop stands still at the next one of this worker"
        )
    when = " at once"
    if number is Signals.SIGINT:
        # The worker then ends as if it was done, of which only a look at all workers tells.
        when = (
            ", within 5 s and what it takes to end"
            if role is Role.TRAIN_WORKER
            else ", at the next validation"
        )
    return f"ends with it{when}: the loader raises RuntimeError, and names this worker"


def _launcher(number: Signals) -> str:
    if number is Signals.SIGSTOP:
        return "goes on; while the launcher stands still nobody notices a rank that fails"
    if number is Signals.SIGKILL:
        return "its ranks may go on without the launcher, and have to be ended one by one"
    return "a launcher like torchrun ends all its ranks"


def _pool(number: Signals) -> str:
    if number is Signals.SIGSTOP:
        return "waits: the scan of the labels stands still at the images that this process has taken"
    return "may wait for ever: multiprocessing.Pool starts another process, but not what this one had begun"


def _lost(reading: TrainingReading) -> list[tuple[str, str]]:
    """Return what an end loses, and how to go on afterwards."""
    words: list[tuple[str, str]] = []
    if reading.phase is Phase.CHECKPOINT:
        words.append(("mind", "it saves now: a last.pt that is half written cannot be read"))
    way = go_on(reading, {})
    if isinstance(way, Missing):
        return [*words, ("lost", f"it cannot be taken up again: {way.reason}")]
    words.append(("lost", way.lost))
    return [*words, ("to go on", way.command)] if isinstance(way.command, str) else words
