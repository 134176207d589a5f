"""What of a run its present process has done itself: after --resume epochs go on, yet the process is new.

Its allocator, its first validation and the pages that its workers share begin with it, whatever epoch the
run has reached. What a resumed process did before gpumon looked is not known: only what was seen counts.

Sources: YOLOv5's train.py (`--noval` validates after the last epoch only; `--resume` takes all flags from
opt.yaml, so that those of the command line say nothing) and ultralytics' trainer (`val=False` alike).
"""

from __future__ import annotations

from itertools import pairwise

from gpumon.diagnosis.epochs import epochs_of, phase_shares
from gpumon.diagnosis.view import View
from gpumon.model.measure import known, number
from gpumon.model.training import Phase, Training

# (Span, columns): of 10 s and of 4 min, for trainings that are older than an hour.
_SPANS = ((3600.0, 360), (86400.0, 360))
# argparse takes what is short for one option: v5.0 has --notest, later versions --noval.
_NO_VALIDATION = frozenset(
    option[:length] for option in ("--noval", "--notest") for length in range(5, len(option) + 1)
)
_ULTRALYTICS_NO_VALIDATION = frozenset({"val=false", "val=0"})


def is_resumed(training: Training) -> bool:
    """Tell whether the training goes on with an earlier run."""
    resume = known(training.settings.resume)
    return resume is not None and bool(resume.value)


def has_ended_epoch(view: View) -> bool:
    """Tell whether this process has ended an epoch, as far as is known."""
    return view.once(_has_ended_epoch)


def has_validated(view: View) -> bool:
    """Tell whether this process has ended a validation, as far as is known.

    Of a run that is neither resumed nor told not to validate the first epoch's end says so. Whether opt.yaml
    tells a resumed one not to validate is not known: an epoch that ended counts.
    """
    if not _skips_validation(view.reading.training) and has_ended_epoch(view):
        return True
    return _is_over(view, Phase.VALIDATE, "validation_ratio")


def begins_seen(view: View) -> bool:
    """Tell whether gpumon saw this process before its first batch."""
    if view.seen[0][1].phase is Phase.START:
        return True
    for span_seconds, columns in _SPANS:
        memory, validating = (
            view.window.series(metric, str(view.pid), columns=columns, span_seconds=span_seconds)
            for metric in ("training_gpu_memory_used_bytes", "validation_ratio")
        )
        if memory[0] is None:
            # Of the start it is not known how much of it is validation.
            first = next((place for place, held in enumerate(memory) if held is not None), None)
            return first is not None and validating[first] is None
    return False


def epochs_seen(view: View) -> float:
    """Return how many epochs this process is known to have done, with the part of the present one.

    By the epochs of the full samples, else by the time that was watched and the length of whole epochs. A
    process begins with the first batch of an epoch, so all of the first one that was seen is its own.
    """
    progress = view.reading.progress
    batch, batches = number(progress.batch), number(progress.batches)
    part = min(1.0, (batch or 0.0) / batches) if batches else 0.0
    trained = _epochs_trained(view)
    epoch = known(progress.epoch)
    counted = max(0, epoch - trained[0]) + part if trained and epoch is not None else part
    shares = phase_shares(view)
    return max(counted, _watched_seconds(view) / shares.epoch_seconds) if shares is not None else counted


def _has_ended_epoch(view: View) -> bool:
    training, progress = view.reading.training, view.reading.progress
    if not is_resumed(training):
        epoch = known(progress.epoch)
        # With --exist-ok the rows of results.csv may be those of another run in the same directory.
        return (
            epoch >= 1 if epoch is not None else progress.epoch_results >= 1 and not _may_add_rows(training)
        )
    trained = _epochs_trained(view)
    return (
        bool(trained and trained[-1] > trained[0])
        or bool(epochs_of(view))
        or _is_over(view, Phase.VALIDATE, "validation_ratio")
        or _is_over(view, Phase.CHECKPOINT, "checkpoint_ratio")
    )


def _epochs_trained(view: View) -> list[int]:
    """Return the epochs of the full samples of training, oldest first."""
    found = [known(reading.progress.epoch) for _, reading in view.seen if reading.phase is Phase.TRAIN]
    return [epoch for epoch in found if epoch is not None]


def _is_over(view: View, phase: Phase, metric: str) -> bool:
    """Tell whether a phase was seen that is over: one that still runs may yet grow."""
    phases = [reading.phase for _, reading in view.seen]
    if any(one is phase and after is not phase for one, after in pairwise(phases)):
        return True
    span_seconds, columns = _SPANS[-1]
    ratios = [
        column.high
        for column in view.window.series(metric, str(view.pid), columns=columns, span_seconds=span_seconds)
        if column is not None
    ]
    first = next((place for place, ratio in enumerate(ratios) if ratio > 0), None)
    return first is not None and (view.phase is not phase or min(ratios[first:]) <= 0)


def _watched_seconds(view: View) -> float:
    """Return for how long the epochs of this process were seen, in seconds; the start does not count."""
    seconds = 0.0
    for span_seconds, columns in _SPANS:
        seen = view.window.series(
            "validation_ratio", str(view.pid), columns=columns, span_seconds=span_seconds
        )
        seconds = sum(column is not None for column in seen) * span_seconds / columns
        if seen[0] is None:
            break  # it is younger than the span: a longer one knows no more
    return seconds


def _may_add_rows(training: Training) -> bool:
    """Tell whether the training writes into a directory that another run may have written to."""
    return any(word.startswith("--exist") or word.lower() == "exist_ok=true" for word in training.command)


def _skips_validation(training: Training) -> bool:
    if training.framework == "ultralytics":
        return any(word.lower() in _ULTRALYTICS_NO_VALIDATION for word in training.command)
    return (
        training.framework == "yolov5"
        and not is_resumed(training)
        and not _NO_VALIDATION.isdisjoint(training.command)
    )
