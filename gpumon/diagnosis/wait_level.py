"""Whether a wait counts as severe: a level that does not flicker.

It is raised above 20 % and taken back below 15 % only, on the pattern of the course of the verdict
(gpumon.diagnosis.course), whose hold times it has: in between what was said goes on being said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpumon.diagnosis.course import (
    ENTER_WINDOWS,
    HOLD_SECONDS,
    LEAVE_WINDOWS,
    PROVISIONAL_SECONDS,
    Second,
)
from gpumon.diagnosis.order import WAITS
from gpumon.diagnosis.starvation import SEVERE_RATIO, WAIT_METRIC
from gpumon.model.finding import Evidence, Finding

# Chosen: three quarters of the level, as 3 % is of 5 %, so that chance alone does not cross both.
LEAVE_SEVERE_RATIO = 0.15

_WAITS = frozenset(rule.id for rule in WAITS)


@dataclass(frozen=True, slots=True)
class Level:
    """Whether the wait is severe, since when, and in how many windows in a row it was on the other side.

    `is_first` tells that it is the level of the first window, given on a few seconds: for a while it may be
    taken back without a minute of hold.
    """

    is_severe: bool
    since_seconds: float
    contrary_windows: int = 0
    is_first: bool = False


def level_after(seconds: Iterable[Second], *, from_start: bool = True) -> Level | None:
    """Return the level that stands after `seconds`, the oldest first; None where no wait is known.

    With `from_start` they begin with the training (or with gpumon): the first one says it at once. Else they
    are a part of a longer course, in which it has to last.
    """
    level: Level | None = None
    for second in seconds:
        if not second.verdict or second.wait is None:
            continue
        if level is None and from_start:
            level = Level(second.wait.low > SEVERE_RATIO, second.monotonic_seconds, is_first=True)
            continue
        level = _advanced(level or Level(is_severe=False, since_seconds=second.monotonic_seconds), second)
    return level


def with_level(finding: Finding, level: Level | None) -> Finding:
    """Return a verdict whose evidence says that the wait is severe, where it is."""
    if finding.id not in _WAITS or level is None or not level.is_severe:
        return finding
    return replace(finding, evidence=tuple(map(_severe, finding.evidence)))


def told_after(finding: Finding, seconds: Iterable[Second], *, from_start: bool) -> Finding:
    """Return a verdict as `with_level` says it after these seconds."""
    # Of what is no wait nothing is said.
    is_wait = finding.id in _WAITS
    return with_level(finding, level_after(seconds, from_start=from_start)) if is_wait else finding


def _severe(item: Evidence) -> Evidence:
    if item.metric != WAIT_METRIC:
        return item
    words = "clearly above the 20 % that count as severe"
    if item.low is None or item.low <= SEVERE_RATIO:
        words = "severe still: it was clearly above 20 %, and counts as severe until it is below 15 %"
    return replace(item, text=f"{item.text}, {words}")


def _advanced(level: Level, second: Second) -> Level:
    wait = second.wait
    if wait is None:
        return level
    is_contrary = wait.value < LEAVE_SEVERE_RATIO if level.is_severe else wait.low > SEVERE_RATIO
    if not is_contrary and not level.contrary_windows:
        # The usual case, in each of a hundred seconds.
        return level
    windows = level.contrary_windows + 1 if is_contrary else 0
    counted = Level(level.is_severe, level.since_seconds, windows, level.is_first)
    if is_contrary and _has_lasted(counted, second):
        return Level(not level.is_severe, second.monotonic_seconds)
    return counted


def _has_lasted(level: Level, second: Second) -> bool:
    if not level.is_severe:
        return level.contrary_windows >= ENTER_WINDOWS
    held = second.monotonic_seconds - level.since_seconds
    is_held = held >= HOLD_SECONDS or (level.is_first and held < PROVISIONAL_SECONDS)
    return is_held and level.contrary_windows >= LEAVE_WINDOWS
