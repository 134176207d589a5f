"""Numbers as they stand in the sentences of findings and suggestions."""

from __future__ import annotations

from gpumon.history.stats import Interval

_GIB = 1024**3
_MIB = 1024**2


def percent(ratio: float) -> str:
    """Return a share as "41 %"; below 10 % with one digit."""
    points = ratio * 100
    if 0 < abs(points) < 9.95:
        return f"{points:.1f} %"
    return f"{points:.0f} %"


def as_long_words(ratio: float) -> str:
    """Return how one length of time is to another, as "48 % as long" or "3.2 times as long"."""
    return f"{percent(ratio)} as long" if ratio < 0.995 else f"{ratio:.1f} times as long"


def wait_words(wait: Interval) -> str:
    """Return a share with half its interval, as "41 % ±3"."""
    half = wait.half_width * 100
    return f"{percent(wait.value)} ±{half:.0f}" if half >= 0.95 else f"{percent(wait.value)} ±{half:.1f}"


def cores_words(cores: float) -> str:
    """Return a number of cores as "5 cores", "1 core" or "0.6 cores"."""
    if cores >= 2.5 or abs(cores - round(cores)) < 0.05:
        whole = round(cores)
        return f"{whole} core" if whole == 1 else f"{whole} cores"
    return f"{cores:.1f} cores"


def count_words(count: int, noun: str) -> str:
    """Return a count with its noun, as "1 worker" or "2 workers"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def bytes_words(count: float) -> str:
    """Return bytes as "7.1 GiB", or in MiB below one."""
    if count >= _GIB:
        return f"{count / _GIB:.1f} GiB"
    return f"{count / _MIB:.0f} MiB"


def bytes_of_words(part: float, whole: float) -> str:
    """Return an amount and what it is a part of, in one unit: "7.1 of 12.0 GiB"."""
    if whole < _GIB:
        return f"{part / _MIB:.0f} of {bytes_words(whole)}"
    return f"{part / _GIB:.1f} of {bytes_words(whole)}"


def rate_words(rate: float) -> str:
    """Return a rate with three digits at most: "4.2", "90", "148"."""
    return f"{rate:.1f}" if rate < 19.95 else f"{rate:.0f}"


def seconds_words(seconds: float) -> str:
    """Return a length of time with its unit: "2.5 s", "31 s", "12 min", "3 h"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
