"""The verdict on a training: the cause that stands after the newest seconds, as a finding."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.diagnosis.course import Second, standing_after
from gpumon.diagnosis.order import CAUSES
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule
from gpumon.diagnosis.rules import unclear
from gpumon.diagnosis.view import View, view_of
from gpumon.history.window import Window
from gpumon.model.finding import Finding
from gpumon.model.measure import known

VERDICTS: tuple[Rule, ...] = (*CAUSES, unclear.RULE)
# A window has 180 samples (gpumon.history.history): so many seconds are folded into the course of the
# verdict, and each of them is judged by so many samples up to it. Then the oldest one judged has all that it
# had when it was the newest, and a replay that has only this window comes to the same verdict.
FOLDED_SAMPLES = 100
JUDGED_SAMPLES = 80
# A part of a course with fewer seconds of steady training than this tells nothing of its beginning.
_LEAST_SECONDS = 12

_RULES = {rule.id: rule for rule in VERDICTS}


def judged(view: View, rule: Rule) -> Judgement:
    """Return what a rule says of a view, asked once."""
    return view.once(rule.judge)


def recent(view: View) -> View:
    """Return the view of the newest samples by which causes are judged.

    Where they hold no steady training (a long validation) it is the whole view.
    """
    return view.once(_recent)


def raw_verdict(view: View) -> Finding | None:
    """Return the first cause that fires on a view by itself, or that it is unclear, or None."""
    for rule in VERDICTS:
        judgement = judged(view, rule)
        if isinstance(judgement, Finding):
            return judgement
    return None


def verdict_of(view: View) -> Finding | None:
    """Return the verdict that stands, or None where none can be given yet.

    Its numbers are those of now where its rule still fires; else those of the last second in which it did.
    """
    window = view.window
    places = _places(view)
    seconds = [_second_at(view, place) for place in places]
    from_start = len(places) == len(view.seen)
    informative = sum(1 for second in seconds if second.verdict)
    standing = standing_after(seconds, from_start=from_start or informative < _LEAST_SECONDS)
    rule = _RULES.get(standing.verdict)
    if rule is None:
        return raw_verdict(recent(view))
    judgement = judged(recent(view), rule)
    if isinstance(judgement, Finding):
        return judgement
    for place, second in zip(reversed(places), reversed(seconds), strict=True):
        if second.verdict == rule.id and (then := _view_at(window, place, view.pid)) is not None:
            judgement = rule.judge(then)
            if isinstance(judgement, Finding):
                return judgement
    return raw_verdict(recent(view))


def not_judged(view: View, verdict: Finding | None) -> list[tuple[str, str]]:
    """Return (id, reason) of the causes before the verdict that could not be judged."""
    found = []
    for rule in VERDICTS:
        judgement = judged(recent(view), rule)
        if isinstance(judgement, NotJudged):
            found.append((rule.id, judgement.reason))
        if isinstance(judgement, Finding) or (verdict is not None and rule.id == verdict.id):
            break
    return found


def _recent(view: View) -> View:
    place = len(view.window.samples) - 1
    if place < JUDGED_SAMPLES:
        return view
    found = _view_at(view.window, place, view.pid)
    return found if found is not None and found.steady else view


def _places(view: View) -> Sequence[int]:
    """Return where in the window the newest seconds of this training are."""
    samples, identity = view.window.samples, view.reading.training.id
    found = []
    for place in range(max(0, len(samples) - FOLDED_SAMPLES), len(samples)):
        reading = samples[place].training(view.pid)
        if reading is not None and reading.training.id == identity:
            found.append(place)
    return found


def _second_at(view: View, place: int) -> Second:
    window, is_newest = view.window, place == len(view.window.samples) - 1

    def look() -> Second:
        then = recent(view) if is_newest else _view_at(window, place, view.pid)
        return _second(then)

    return window.moments.once(window.samples[place], ("verdict", view.reading.training.id), look)


def _second(view: View | None) -> Second:
    """Return what a view says by itself; nothing where its newest sample shows no steady training."""
    if view is None:
        return Second(0.0, "")
    moment = view.sample.instant.monotonic_seconds
    if not view.steady or view.steady[-1][0] is not view.sample:
        return Second(moment, "")
    found = raw_verdict(view)
    return Second(moment, found.id if found is not None else "", known(view.wait))


def _view_at(window: Window, place: int, pid: int) -> View | None:
    return view_of(window.until(place, JUDGED_SAMPLES), pid)
