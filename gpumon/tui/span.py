"""How much time the charts show."""

from __future__ import annotations

from gpumon.model.report import Report
from gpumon.settings import SPANS

SPANS_SECONDS = tuple(SPANS.values())
_GROWN_SECONDS = 300.0
# After its end a training keeps the left part of the charts: at least that share of them.
_PICTURE_SHARE = 0.5


def grown_span(report: Report, began_seconds: float) -> float:
    """Return the span of a user who chose none; `began_seconds` is the first sample's monotonic time.

    As short as what there is to show, up to 5 minutes, so that charts are never nearly empty. When the
    training has ended the span goes on growing, up to an hour, so that its picture stays in sight.
    """
    now = report.sample.instant
    wanted = min(now.monotonic_seconds - began_seconds, _GROWN_SECONDS)
    training = report.sample.training()
    if training is not None and training.ended is not None:
        since_end = max(0.0, now.unix_seconds - training.ended.unix_seconds)
        wanted = max(wanted, since_end / (1.0 - _PICTURE_SHARE))
    return next((span for span in SPANS_SECONDS if span >= wanted), SPANS_SECONDS[-1])
