"""Finding the moments worth a mark, report by report."""

from __future__ import annotations

from gpumon.model.clock import Instant
from gpumon.model.measure import known
from gpumon.model.report import Report
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from gpumon.recording.mark import Mark, MarkKind

# A sample that comes later than this is a gap.
_GAP_INTERVALS = 3.5
_GAP_SECONDS = 2.0
# What the two clocks may drift apart between two samples: a clock that is slewed drifts 0.5 ms a second.
_STEP_SECONDS = 1.0


class Marking:
    """Compares each report with the one before."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._before: Sample | None = None
        self._trainings: frozenset[int] = frozenset()
        self._ended: set[int] = set()
        self._phases: dict[int, Phase] = {}
        self._epochs: dict[int, int] = {}
        self._findings: dict[tuple[int, str], str] = {}

    def copy(self) -> Marking:
        """Return one that has seen the same and goes its own way."""
        other = Marking()
        other._before, other._trainings, other._ended = self._before, self._trainings, set(self._ended)
        other._phases, other._epochs, other._findings = dict(self._phases), dict(self._epochs), self._findings
        return other

    def read(self, report: Report) -> list[Mark]:
        """Return the marks of this report, in order."""
        sample = report.sample
        made: list[tuple[MarkKind, str, str]] = []
        if self._before is not None:
            made += ((MarkKind.GAP, text, "") for text in _gaps(self._before, sample))
        self._before = sample
        for reading in sample.trainings:
            made += self._training(reading.training.id.pid, sample)
        self._trainings = there = frozenset(reading.training.id.pid for reading in sample.trainings)
        # One that comes back is attached anew.
        self._ended &= there
        self._phases = {pid: phase for pid, phase in self._phases.items() if pid in there}
        self._epochs = {pid: epoch for pid, epoch in self._epochs.items() if pid in there}
        made += self._told(report)
        instant = sample.instant
        return [_mark(instant, *words) for words in made]

    def _training(self, pid: int, sample: Sample) -> list[tuple[MarkKind, str, str]]:
        reading = sample.training(pid)
        if reading is None:
            return []
        made: list[tuple[MarkKind, str, str]] = []
        if pid not in self._trainings:
            made.append((MarkKind.ATTACHED, f"attached to {reading.training.name}, pid {pid}", str(pid)))
            self._ended.discard(pid)
            self._phases.pop(pid, None)
            self._epochs.pop(pid, None)
        if reading.phase is not Phase.UNKNOWN and self._phases.get(pid) is not reading.phase:
            self._phases[pid] = reading.phase
            made.append((MarkKind.PHASE, f"phase {reading.phase.value}", str(pid)))
        epoch, epochs = known(reading.progress.epoch), known(reading.progress.epochs)
        if epoch is not None and self._epochs.get(pid) != epoch:
            self._epochs[pid] = epoch
            # As YOLOv5 counts them: from 0, and the last one as the total.
            made.append((MarkKind.EPOCH, f"epoch {epoch}" + (f"/{epochs - 1}" if epochs else ""), str(pid)))
        if reading.ended is not None and pid not in self._ended:
            self._ended.add(pid)
            made.append((MarkKind.ENDED, reading.ended.text, str(pid)))
        return made

    def _told(self, report: Report) -> list[tuple[MarkKind, str, str]]:
        told = {
            (training.pid, finding.id): finding.text
            for training in report.trainings
            for finding in training.findings
        }
        fresh = [(MarkKind.FINDING, text, key[1]) for key, text in told.items() if key not in self._findings]
        over = [
            (MarkKind.FINDING_OVER, f"over: {text}", key[1])
            for key, text in self._findings.items()
            if key not in told
        ]
        self._findings = told
        return over + fresh


def _mark(instant: Instant, kind: MarkKind, text: str, name: str) -> Mark:
    return Mark(instant.unix_seconds, instant.monotonic_seconds, kind, text, name)


def _gaps(before: Sample, sample: Sample) -> list[str]:
    """Return what is to be said of the time between two samples: nothing, as a rule."""
    elapsed = sample.instant.monotonic_seconds - before.instant.monotonic_seconds
    stepped = sample.instant.unix_seconds - before.instant.unix_seconds - elapsed
    texts = []
    if elapsed > max(_GAP_SECONDS, _GAP_INTERVALS * sample.interval_seconds):
        texts.append(f"no samples for {elapsed:.1f} s")
    if stepped > _STEP_SECONDS:
        texts.append(f"the clock is {stepped:.1f} s ahead: the machine slept, or its clock was set")
    elif stepped < -_STEP_SECONDS:
        texts.append(f"the clock was set back by {-stepped:.1f} s")
    return texts
