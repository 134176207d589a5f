"""The course of a verdict: what each second says by itself, and which verdict stands after them.

A verdict that followed every second would flicker. So the first one stands as soon as a second gives it, and
after that it changes only for what lasts. The numbers are chosen (3 windows to enter, 5 below a lower
threshold to leave, held for a minute), on the pattern of Prometheus' `for` and `keep_firing_for`.
docs/adr/0004-course-of-the-verdict.md says why this is a fold over the newest seconds and no state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from gpumon.diagnosis.order import CAUSES, WAITS
from gpumon.diagnosis.rules import unclear
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.history.stats import Interval
from gpumon.model.finding import Severity

# A wait has begun where its whole interval was above 5 % (the rules' own threshold) in so many windows in a
# row: few where it is far above, more where it is close, for chance then wanders across it now and then.
ENTER_WINDOWS, _ENTER_NEAR_WINDOWS, _NEAR_RATIO = 3, 12, 0.10
# It is over where its value was below 3 % in so many windows in a row, and it was told for a minute.
LEAVE_RATIO = 0.03
LEAVE_WINDOWS = 5
HOLD_SECONDS = 60.0
# The first verdict is given on 4 s, and windows grow up to 20 s: until then, and for some seconds more, what
# they say replaces it.
PROVISIONAL_SECONDS = 30.0
# Of another cause of the same wait, or between states without a wait.
_CHANGE_WINDOWS = 5
# What was certain stays so for so many windows that are not: longer than one stall lies in their 20 s.
_UNCERTAIN_WINDOWS = 25

_WAITS = frozenset(rule.id for rule in WAITS)
_ALARMS = frozenset(rule.id for rule in CAUSES if rule.severity is not Severity.INFO)
_UNCLEAR = unclear.RULE.id


@dataclass(frozen=True, slots=True)
class Second:
    """What the window up to one sample says by itself: its raw verdict and the wait.

    `verdict` is the id of the first cause that fires, "unclear", or "" where nothing can be said yet.
    """

    monotonic_seconds: float
    verdict: str
    wait: Interval | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdict that stands ("" for none), since when, and what speaks for another one.

    `rival` is what the newest seconds say instead, in `rival_windows` of them in a row; `low_windows` counts
    those in a row in which a wait that stands was none to speak of. `is_first` tells that it was the first
    one, given on a short window: for a while what longer ones say may replace it without a minute of hold.
    """

    verdict: str = ""
    since_seconds: float = 0.0
    rival: str = ""
    rival_windows: int = 0
    low_windows: int = 0
    is_first: bool = False


def standing_after(seconds: Iterable[Second], *, from_start: bool = True) -> Standing:
    """Return the verdict that stands after `seconds`, the oldest first.

    With `from_start` they begin with the training (or with gpumon): its first verdict stands at once. Else
    they are a part of a longer course, in which also the first one has to last.
    """
    if from_start:
        return reduce(advance, seconds, Standing())
    # Before the first of them nothing is known of the course, which is as unclear as it gets.
    return reduce(advance, seconds, Standing(_UNCLEAR))


def advance(standing: Standing, second: Second) -> Standing:
    """Return the verdict that stands after one more second."""
    if not second.verdict:
        return standing
    if not standing.verdict:
        return Standing(second.verdict, second.monotonic_seconds, is_first=True)
    is_wait = standing.verdict in _WAITS
    low = is_wait and second.wait is not None and second.wait.value < LEAVE_RATIO
    low_windows = standing.low_windows + 1 if low else 0
    rival, windows = "", 0
    if second.verdict != standing.verdict:
        rival = second.verdict if is_wait else _kind(second.verdict)
        windows = standing.rival_windows + 1 if rival == standing.rival else 1
    elif not standing.rival and low_windows == standing.low_windows:
        return standing
    counted = Standing(
        standing.verdict, standing.since_seconds, rival, windows, low_windows, standing.is_first
    )
    if rival and _has_lasted(counted, second):
        return Standing(second.verdict, second.monotonic_seconds)
    return counted


def _kind(verdict: str) -> str:
    """Return what counts as the same rival: a wait is one, whatever is thought to be its cause."""
    return "wait" if verdict in _WAITS else verdict


def _has_lasted(standing: Standing, second: Second) -> bool:
    """Tell whether the rival has been there for long enough to become the verdict."""
    if standing.verdict in _ALARMS and second.verdict not in _ALARMS:
        return _is_over(standing, second)
    return standing.rival_windows >= _windows_to_enter(standing, second)


def _windows_to_enter(standing: Standing, second: Second) -> int:
    """Return how many windows in a row a verdict takes that ends no alarm."""
    is_provisional = _is_provisional(standing, second)
    if second.verdict == _UNCLEAR:
        return _CHANGE_WINDOWS if is_provisional and _speaks_against(standing, second) else _UNCERTAIN_WINDOWS
    if second.verdict not in _WAITS or standing.verdict in _WAITS:
        return _CHANGE_WINDOWS
    near = second.wait is not None and second.wait.low <= _NEAR_RATIO
    if near:
        return _CHANGE_WINDOWS if is_provisional else _ENTER_NEAR_WINDOWS
    return ENTER_WINDOWS


def _is_over(standing: Standing, second: Second) -> bool:
    """Tell whether an alarm has been told for long enough, and what it told of is over or uncertain."""
    if _is_provisional(standing, second):
        return standing.rival_windows >= _windows_to_enter(standing, second)
    if second.monotonic_seconds - standing.since_seconds < HOLD_SECONDS:
        return False
    if standing.verdict in _WAITS and second.wait is not None and second.wait.low <= STARVED_RATIO:
        return standing.low_windows >= LEAVE_WINDOWS
    # Of a wait that is still there only that its cause is uncertain may be said instead.
    is_unclear = second.verdict == _UNCLEAR or standing.verdict in _WAITS
    return standing.rival_windows >= (_UNCERTAIN_WINDOWS if is_unclear else _CHANGE_WINDOWS)


def _is_provisional(standing: Standing, second: Second) -> bool:
    """Tell whether it is the first verdict, and windows have hardly been full since."""
    return standing.is_first and second.monotonic_seconds - standing.since_seconds < PROVISIONAL_SECONDS


def _speaks_against(standing: Standing, second: Second) -> bool:
    """Tell whether a wait that is too near to 5 % to call lies on the other side of it than the verdict."""
    return second.wait is not None and (second.wait.value > STARVED_RATIO) is not (standing.verdict in _WAITS)
