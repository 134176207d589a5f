"""Advice to a training that waits for single slow images: more batches that are ready, and smaller images."""

from __future__ import annotations

from gpumon.advice.bounds import CORE_KINDS, bounds_of
from gpumon.advice.effects import LEAST_GAIN, SAME
from gpumon.advice.shared_memory import PREFETCH
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import ceiling
from gpumon.advice.worker_choice import Choice, suggested, unchanged
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import count_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import known
from gpumon.model.suggestion import Bound, Suggestion

# What counts as a few: half as many again, at least two.
_LEAST_MORE = 2
_CURE = "find the images that take longest (the largest files and sides) and resize them once, beforehand"
_BASIS = (
    "a bound, not a prediction: the rate without any wait; how long single images take cannot be seen from"
    " outside, so the middle between that and no gain is shown"
)


def advise_buffer(view: View, finding: Finding, terms: Terms) -> tuple[Suggestion, ...]:
    """Return a few more workers, each of which keeps two more batches ready, and what cures it in words.

    The workers idle already, so the cores do not bound them: more of them share the same work. Judged by its
    point, as a batch: more batches that are ready do no harm.
    """
    wait, now = view.wait, known(view.workers)
    if not isinstance(wait, Interval) or not now:
        return ()
    gain = Interval((1.0 + ceiling(wait.value)) / 2, 1.0, ceiling(wait.high))
    wanted = now + max(_LEAST_MORE, now // 2)
    tightest = next((bound for bound in bounds_of(view) if bound.bound not in CORE_KINDS), None)
    count, bound = wanted, Bound.NONE
    if tightest is not None and tightest.workers < wanted:
        count, bound = tightest.workers, tightest.bound
    if count <= now or gain.value < LEAST_GAIN:
        text = _CURE
        if tightest is not None and count <= now:
            text += f"; more workers, which would keep more batches ready, are ruled out by {tightest.text}"
        return (unchanged(view, finding, Choice(now, now, SAME, text, bound, _BASIS)),)
    text = (
        f"{count_words(count, 'worker')} instead of {now} keep {PREFETCH * count} batches ready instead of"
        f" {PREFETCH * now}, which bridges short delays; the cure: {_CURE}"
    )
    choice = Choice(now, count, gain, text, bound, _BASIS, least_gain=gain.value)
    return suggested(view, finding, terms, choice)
