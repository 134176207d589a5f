"""What the settings of one run brought against an earlier one, over all that was seen of both."""

from __future__ import annotations

from gpumon.advice.prior import EarlierRun
from gpumon.advice.proof import Achieved, changes_between, proof_from
from gpumon.history.estimate import wait_interval
from gpumon.history.stats import Interval
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.proof import Proof
from gpumon.recording.runs_alike import is_same_training, settings_of
from gpumon.recording.runs_run import Run
from gpumon.recording.runs_statistics import peak_of, speed_of, wait_of


def proof_between(one: Run, other: Run) -> Proof | None:
    """Return what the settings of `other` brought against `one`; None where not only settings differ."""
    changes = changes_between(settings_of(one.about), settings_of(other.about))
    if not changes or not is_same_training(one.about, other.about):
        return None
    achieved = Achieved(other.steady_seconds, _rate(other), _share(other), _rank_memory(other))
    return proof_from(earlier_run(one), changes, achieved, run=other.id)


def earlier_run(run: Run) -> EarlierRun:
    """Return what a run is to a training that is a change of it."""
    return EarlierRun(
        run.id,
        tuple(settings_of(run.about).items()),
        known(_rate(run)),
        known(_share(run)),
        known(_rank_memory(run)),
        run.predictions,
    )


def _rate(run: Run) -> Maybe[Interval]:
    speed = speed_of(run)
    if isinstance(speed, Missing):
        return speed
    interval = speed.interval()
    return Interval(interval.value, max(0.0, interval.low), interval.high)


def _share(run: Run) -> Maybe[Interval]:
    wait = wait_of(run)
    return wait if isinstance(wait, Missing) else wait_interval(wait)


def _rank_memory(run: Run) -> Maybe[Interval]:
    """Return the peak on one of its GPUs, taken as alike, and what further training hardly exceeds."""
    peak, gpus = peak_of(run), max(1, len(run.about.gpus))
    if isinstance(peak, Missing):
        return peak
    if isinstance(peak.likely_high_bytes, Missing):
        return peak.likely_high_bytes
    seen = peak.seen_bytes / gpus
    return Interval(seen, seen, max(seen, peak.likely_high_bytes / gpus))
