"""What is told of sources that fail or are late: not each hiccup, and then long enough to be read."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.sample import Sample, SourceError

# A busy machine makes a source late for one sample now and then; a driver that hangs is late from then on.
LATE_SECONDS = 3.0
# A line that comes and goes moves all panes above it, and sends the whole screen each time.
KEPT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is told now: errors, and sources that are late.

    `at_seconds` is the monotonic time of the sample that last had any of it, `late_since_seconds` that of the
    first sample of which each source has been late ever since.
    """

    errors: tuple[SourceError, ...] = ()
    late_sources: tuple[str, ...] = ()
    at_seconds: float = 0.0
    late_since_seconds: tuple[tuple[str, float], ...] = ()

    @property
    def is_told(self) -> bool:
        """Tell whether there is anything to tell."""
        return bool(self.errors or self.late_sources)


def after(trouble: Trouble, sample: Sample) -> Trouble:
    """Return what is told with this sample, after what was told with the one before.

    Errors are told at once, a late source after LATE_SECONDS, and both for KEPT_SECONDS after their end. A
    sample from before (a recording that was wound back) begins anew.
    """
    now = sample.instant.monotonic_seconds
    if now < trouble.at_seconds:
        trouble = Trouble()
    known = dict(trouble.late_since_seconds)
    since = tuple((name, min(known.get(name, now), now)) for name in sample.late_sources)
    late = tuple(name for name, began in since if now - began >= LATE_SECONDS)
    if sample.errors or late:
        return Trouble(sample.errors, late, now, since)
    if trouble.is_told and now - trouble.at_seconds < KEPT_SECONDS:
        return Trouble(trouble.errors, trouble.late_sources, trouble.at_seconds, since)
    return Trouble(late_since_seconds=since)
