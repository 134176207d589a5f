"""Moments as a person reads them: the time of day where gpumon runs."""

from __future__ import annotations

from datetime import datetime, timezone


def clock_text(unix_seconds: float) -> str:
    """Return a Unix time as the local `14:03:20`."""
    return f"{datetime.fromtimestamp(unix_seconds, tz=timezone.utc).astimezone():%H:%M:%S}"
