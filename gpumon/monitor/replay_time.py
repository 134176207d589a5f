"""Moments of a recording as a person writes them: a time of day, a date, or a distance from an end."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from math import inf

from gpumon.model.sample import Sample
from gpumon.monitor.replay_past import Recorded

_UNITS_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_DISTANCE = re.compile(r"([+-])((?:\d{1,9}(?:\.\d{1,3})?[dhms]){1,4}|\d{1,9}(?:\.\d{1,3})?)")
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
# Halvings of a week down to a millisecond.
_HALVINGS = 60
_FORMS = "write 14:03:20, 2026-11-25T14:03:20, +12m30s after the beginning or -5m before the end"


class ReplayTimeError(Exception):
    """A time that cannot be read, in one sentence."""


def moment_of(text: str, recorded: Recorded) -> float:
    """Return the monotonic seconds of a moment of a recording. Raises ReplayTimeError.

    A time of day is the first such moment after the beginning, in the local time zone; so is a date
    without a zone. What lies outside the recording is refused.
    """
    distance = _DISTANCE.fullmatch(text)
    if distance is not None:
        seconds = _seconds(distance[2])
        moment = recorded.first_seconds + seconds if distance[1] == "+" else recorded.last_seconds - seconds
        if not recorded.first_seconds <= moment <= recorded.last_seconds:
            length = recorded.last_seconds - recorded.first_seconds
            raise ReplayTimeError(f"{text} lies outside the recording, which is {length:.0f} s long")
        return moment
    first, last = _first(recorded, recorded.first_seconds), _first(recorded, recorded.last_seconds)
    if first is None or last is None:
        raise ReplayTimeError("the recording holds no sample")
    begin, end = first.instant.unix_seconds, last.instant.unix_seconds
    unix = _unix_seconds(text, begin)
    if not begin - 1.0 < unix < end + 1.0:
        raise ReplayTimeError(f"{text} lies outside the recording: {_local(begin)} to {_local(end)}")
    return _monotonic(recorded, unix)


def _seconds(text: str) -> float:
    parts = _PART.findall(text)
    return sum(float(number) * _UNITS_SECONDS[unit] for number, unit in parts) if parts else float(text)


def _unix_seconds(text: str, begin: float) -> float:
    of_day = _TIME_OF_DAY.fullmatch(text)
    try:
        if of_day is None:
            return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone().timestamp()
        start = datetime.fromtimestamp(begin, tz=timezone.utc).astimezone()
        hour, minute, second = (int(part or 0) for part in of_day.groups())
        moment = start.replace(hour=hour, minute=minute, second=second, microsecond=0)
        # The beginning itself is written without its fraction.
        return (moment if moment.timestamp() > begin - 1.0 else moment + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ReplayTimeError(f"{text!r} is no time: {_FORMS}") from None


def _monotonic(recorded: Recorded, unix: float) -> float:
    """Return the moment of the newest sample not after a Unix time.

    The two clocks drift apart and a suspended machine stops one of them: so the samples are asked.
    """
    low, high = recorded.first_seconds, recorded.last_seconds
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        sample = _first(recorded, middle)
        if sample is None or sample.instant.unix_seconds > unix:
            high = middle
        else:
            low = max(middle, sample.instant.monotonic_seconds)
        if high - low < 0.001:
            break
    return low


def _first(recorded: Recorded, seconds: float) -> Sample | None:
    return next(recorded.samples(seconds, inf), None)


def _local(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, tz=timezone.utc).astimezone():%Y-%m-%d %H:%M:%S}"
