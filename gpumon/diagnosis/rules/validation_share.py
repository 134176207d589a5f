"""Validation takes a large share of every epoch."""

from __future__ import annotations

from gpumon.diagnosis.epochs import phase_shares
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import count_words, percent, seconds_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.training import Phase

# Chosen: a reckoning of what is worth a word (docs/rules/validation-share.md).
_SHARE = 0.20
# Below that a whole second of a sample that began in another phase is too much of it.
_LEAST_SECONDS = 5.0


def judge(view: View) -> Judgement:
    """Fire where validation took more than 20 % of the time of the whole epochs that were seen."""
    shares = phase_shares(view)
    if shares is None:
        return NotJudged("no whole epoch was seen yet, from one validation to the next")
    if shares.seconds < _LEAST_SECONDS:
        return NotJudged(f"only {shares.seconds:.0f} s of whole epochs were seen yet")
    ratio = shares.validation_ratio
    if ratio <= _SHARE:
        return Silent(f"validation takes {percent(ratio)} of the time")
    text = (
        f"validation takes {percent(ratio)} of the time, {seconds_words(ratio * shares.epoch_seconds)}"
        f" of each epoch of {seconds_words(shares.epoch_seconds)}{_between(view)}"
    )
    evidence = Evidence(
        "validation_ratio",
        ratio,
        _SHARE,
        text=f"validation took {percent(ratio)} of the time of {count_words(shares.epochs, 'whole epoch')}",
    )
    since = view.sample.instant.unix_seconds - shares.seconds
    return Finding(RULE.id, RULE.severity, text, since, (evidence,), lost_ratio=ratio)


def _between(view: View) -> str:
    """Return what tells it from a data wait: how the loop does between two validations."""
    wait = view.wait
    if not isinstance(wait, Interval) or view.phase is Phase.UNKNOWN:
        return ""
    return f"; between validations the loop waits {percent(wait.value)} for data"


RULE = Rule("validation-share", Severity.INFO, ("validation_ratio",), judge)
