"""The verdict on a training: the cause that stands after the newest seconds, as a finding."""

from __future__ import annotations

from gpumon.diagnosis.course import Second, standing_after
from gpumon.diagnosis.order import CAUSES
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule
from gpumon.diagnosis.rules import unclear
from gpumon.diagnosis.view import VERDICT_SECONDS, View, view_from
from gpumon.diagnosis.wait_level import told_after
from gpumon.model.finding import Finding
from gpumon.model.measure import known
from gpumon.model.sample import Sample

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


def raw_verdict(view: View) -> str:
    """Return the id of the first cause that fires on a view by itself, "unclear", or "" for none yet."""
    for rule in CAUSES:
        if isinstance(judged(view, rule), Finding):
            return rule.id
    # What it would say costs as much as all causes together, and is not asked here.
    return unclear.RULE.id if view.steady_seconds >= VERDICT_SECONDS else ""


def verdict_of(view: View) -> Finding | None:
    """Return the verdict that stands, or None where none can be given yet.

    Its numbers are those of now where its rule still fires; else those of the last second in which it did.
    """
    folded = _folded(view)
    seconds = _seconds(view, folded)
    informative = sum(1 for second in seconds if second.verdict)
    from_start = len(folded) == len(view.seen) or informative < _LEAST_SECONDS
    standing = standing_after(seconds, from_start=from_start).verdict
    found = _finding(recent(view), standing)
    if found is not None:
        return told_after(found, seconds, from_start=from_start)
    for sample, second in zip(reversed(folded), reversed(seconds), strict=True):
        if second.verdict == standing and (found := _finding(view_at(view, sample), standing)) is not None:
            return told_after(found, seconds, from_start=from_start)
    # Nothing stands yet, or it was taken to be unclear before the seconds that are folded.
    return _finding(recent(view), raw_verdict(recent(view)))


def not_judged(view: View, verdict: Finding | None) -> list[tuple[str, str]]:
    """Return (id, reason) of the causes before the verdict that could not be judged."""
    found = []
    for rule in CAUSES:
        judgement = judged(recent(view), rule)
        if isinstance(judgement, NotJudged):
            found.append((rule.id, judgement.reason))
        if isinstance(judgement, Finding) or (verdict is not None and rule.id == verdict.id):
            break
    return found


def _finding(view: View, verdict: str) -> Finding | None:
    """Return the finding of a verdict on a view; None where its rule does not fire, or there is none."""
    rule = _RULES.get(verdict)
    judgement = None if rule is None else judged(view, rule)
    return judgement if isinstance(judgement, Finding) else None


def _recent(view: View) -> View:
    if len(view.window.samples) <= JUDGED_SAMPLES:
        return view
    found = view_at(view, view.sample)
    return found if found.steady else view


def _folded(view: View) -> tuple[Sample, ...]:
    """Return the samples of the training among the newest of the window."""
    if len(view.seen) == len(view.window.samples):
        return tuple(sample for sample, _ in view.seen[-FOLDED_SAMPLES:])
    newest = {id(sample) for sample in view.window.samples[-FOLDED_SAMPLES:]}
    return tuple(sample for sample, _ in view.seen[-FOLDED_SAMPLES:] if id(sample) in newest)


def _seconds(view: View, folded: tuple[Sample, ...]) -> list[Second]:
    """Return what each of these samples says by itself."""

    def look(sample: Sample) -> Second:
        return _second(recent(view) if sample is view.sample else view_at(view, sample))

    return view.window.moments.answers(("verdict", view.reading.training.id), folded, look)


def _second(view: View) -> Second:
    """Return what a view says by itself; nothing where its newest sample shows no steady training."""
    moment = view.sample.instant.monotonic_seconds
    if not view.steady or view.steady[-1][0] is not view.sample:
        return Second(moment, "")
    return Second(moment, raw_verdict(view), known(view.wait))


def view_at(view: View, sample: Sample) -> View:
    """Return the view that the samples up to one of this training give, as many as causes are judged by."""
    samples = view.window.samples
    place = next(place for place in range(len(samples) - 1, -1, -1) if samples[place] is sample)
    window = view.window.until(place, JUDGED_SAMPLES)
    if len(view.seen) == len(samples):
        return view_from(window, view.pid, view.seen[max(0, place + 1 - JUDGED_SAMPLES) : place + 1])
    held = {id(held) for held in window.samples}
    return view_from(window, view.pid, tuple(pair for pair in view.seen if id(pair[0]) in held))
