"""The training has not begun to train: imports, label scan, caching, AutoAnchor, AutoBatch, plots."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent, seconds_words
from gpumon.model.finding import Finding, Severity
from gpumon.model.measure import number
from gpumon.model.process import ProcessReading, Role
from gpumon.model.training import Phase

# SageMaker's profiler rule MaxInitializationTime.
_LONG_SECONDS = 20 * 60.0
# Field 22 of /proc/PID/stat counts in USER_HZ, which Linux holds at 100 on every architecture that trains.
_TICKS_PER_SECOND = 100.0
# What the source of the phase names, and what the training does then; the first that fits counts.
_STAGES = (
    ("label scan", "it scans the labels"),
    ("caching images", "it caches images in memory or on disk"),
    ("batch size", "AutoBatch has chosen a batch, it sets up the data"),
    ("AMP checks", "it sets up the model and the data"),
    ("dataloader workers", "its first batch is being made"),
    ("starting training", "its first batch is being made"),
    ("epoch header", "its first batch is being made"),
    ("first batch", "its first batch is being made"),
    ("no batch", "its workers prepare the first batches"),
    ("no DataLoader workers", "it imports its libraries or reads its data"),
    ("run start", "it builds the model and reads its data"),
    ("setting up", "it sets up the model and the data"),
)


def judge(view: View) -> Judgement:
    """Fire while the phase is start."""
    if view.phase is not Phase.START:
        return Silent(f"the phase is {view.phase.value}")
    since = _since(view)
    lasted = view.sample.instant.unix_seconds - since
    text = f"the training has been starting for {seconds_words(lasted)}: {_stage(view)}"
    if lasted > _LONG_SECONDS:
        text += f"; more than 20 min are worth a look{_activity(view)}"
    else:
        text += "; low utilisation is normal now"
    return Finding(RULE.id, RULE.severity, text, since)


def _stage(view: View) -> str:
    source = view.reading.phase_source
    if view.reading.training.pids(Role.POOL):
        return _STAGES[0][1]
    return next((words for key, words in _STAGES if key in source), "it sets up the model and the data")


def _since(view: View) -> float:
    """Return when it began to start: with its process, where the start was seen ever since."""
    seen = since_seen(view, lambda pair: pair[1].phase is Phase.START)
    instant, training = view.sample.instant, view.reading.training
    if seen > view.seen[0][0].instant.unix_seconds or training.framework == "torch":
        # Of any torch program (a notebook) the process may be days older than the training in it.
        return seen
    age = instant.monotonic_seconds - training.id.start_ticks / _TICKS_PER_SECOND
    return min(seen, instant.unix_seconds - age) if age > 0 else seen


def _activity(view: View) -> str:
    """Return what its main process does: whether it computes, reads, or rests."""
    main = next((row for row in view.reading.processes if row.role is Role.MAIN), None)
    if main is None:
        return ""
    parts = _parts(main)
    return f": its main process {' and '.join(parts)}" if parts else ""


def _parts(main: ProcessReading) -> list[str]:
    cpu, read = number(main.cpu_busy_ratio), number(main.read_bytes_per_second)
    parts = []
    if cpu is not None:
        parts.append("rests" if cpu < 0.02 else f"uses {percent(cpu)} of a core")
    if read is not None and read > 1e6:
        parts.append(f"reads {read / 1e6:.0f} MB/s")
    if main.state == "D":
        parts.append("waits for a disk")
    return parts


RULE = Rule("starting", Severity.INFO, (), judge)
