"""The report on a moment of a recording: judged anew where all samples are there, else as told live."""

from __future__ import annotations

from dataclasses import replace

from gpumon.advice.advise import report_on
from gpumon.advice.terms import Terms
from gpumon.history.history import FULL_SECONDS
from gpumon.history.window import Window
from gpumon.model.report import Attachment, AttachState, Report
from gpumon.model.sample import Sample, SourceError
from gpumon.monitor.replay_past import Recorded
from gpumon.recording.learned import read_learned

# A history keeps up to ten minutes more than an hour.
_NEEDED_SECONDS = FULL_SECONDS + 600.0


def judged_from_seconds(recorded: Recorded) -> float:
    """Return the monotonic moment from which the whole history is there that a diagnosis may use."""
    if recorded.full_from_seconds <= recorded.first_seconds:
        return recorded.first_seconds
    return min(recorded.full_from_seconds + _NEEDED_SECONDS, recorded.last_seconds)


def report_at(recorded: Recorded, window: Window, *, chosen_pid: int | None = None) -> Report:
    """Return the report on the newest sample of a window.

    What gpumon was attached to is as told live, and what earlier runs taught is what was known then; where
    that is broken the report is made without it, and its sample says so. `chosen_pid` is the training to
    look at where several were recorded.
    """
    sample = window.newest
    told = _told(recorded, sample)
    attachment = told.attachment if told is not None else _attachment(sample)
    if chosen_pid is not None:
        attachment = _chosen(attachment, sample, chosen_pid)
    if told is not None and sample.instant.monotonic_seconds < judged_from_seconds(recorded):
        return Report(told.sample, attachment, told.trainings)
    learned = read_learned(recorded.prior)
    reports = tuple(
        report_on(window, each.id.pid, Terms(learned.prior(each.id, sample.instant)))
        for each in (reading.training for reading in sample.trainings)
    )
    if learned.trouble:
        sample = replace(sample, errors=(*sample.errors, SourceError("runs", learned.trouble)))
    return Report(sample, attachment, reports)


def _told(recorded: Recorded, sample: Sample) -> Report | None:
    moment = sample.instant.monotonic_seconds
    for report in recorded.reports(moment, moment):
        if report.sample.instant == sample.instant:
            return report
    return None


def _attachment(sample: Sample) -> Attachment:
    """Return what a sample without a word is attached to."""
    if not sample.trainings:
        return Attachment(AttachState.SEARCHING, "no training was recorded here")
    first, *others = (reading.training for reading in sample.trainings)
    title = f"{first.framework} {first.name} (pid {first.id.pid})"
    ended = sample.trainings[0].ended
    if ended is not None:
        return Attachment(AttachState.ENDED, f"{title} has ended: {ended.text}", first, tuple(others))
    return Attachment(AttachState.ATTACHED, f"attached to {title}", first, tuple(others))


def _chosen(attachment: Attachment, sample: Sample, pid: int) -> Attachment:
    reading = sample.training(pid)
    if reading is None or attachment.training == reading.training:
        return attachment
    others = tuple(other.training for other in sample.trainings if other is not reading)
    title = f"{reading.training.framework} {reading.training.name} (pid {pid})"
    return Attachment(AttachState.ATTACHED, f"attached to {title}", reading.training, others)
