"""The train workers are started anew in every epoch, and the time between epochs is lost."""

from __future__ import annotations

from gpumon.diagnosis.respawns import Respawns, respawns_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent, seconds_words
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing, number
from gpumon.model.process import Role

# As for any wait for data (XProf, PyTorch's profiler plugin).
_SHARE = 0.05
_LEAST_RESPAWNS = 2
_LEAST_SECONDS = 4.0


def judge(view: View) -> Judgement:
    """Fire where train workers are replaced again and again, and 5 % of the time goes between epochs."""
    if view.workers == 0:
        return Silent("no workers")
    found = respawns_of(view)
    if not found.count and not view.reading.training.pids(Role.TRAIN_WORKER):
        return NotJudged("its train workers cannot be seen")
    if found.count < _LEAST_RESPAWNS:
        return Silent("its workers stay")
    lost = found.lost_ratio
    if isinstance(lost, Missing):
        return NotJudged(f"what new workers cost is not known: {lost.reason}")
    if found.seconds < _LEAST_SECONDS or lost <= _SHARE:
        return Silent(f"its workers are started anew, which costs {percent(lost)} of the time")
    since = view.sample.instant.unix_seconds - found.seconds
    return Finding(
        RULE.id, RULE.severity, _text(view, found, lost), since, (_evidence(view, lost),), lost_ratio=lost
    )


def _evidence(view: View, lost: float) -> Evidence:
    rate = number(view.reading.loader.batches_per_second)
    if rate is None:
        text = f"its GPU is {percent(lost)} less busy than within epochs"
        return Evidence("gpu_busy_ratio", view.gpu_busy or 0.0, text=text)
    text = f"{percent(lost)} fewer batches were done than at the rate within epochs"
    return Evidence("batches_per_second", rate, text=text)


def _text(view: View, found: Respawns, lost: float) -> str:
    why = ": --image-weights makes a new loader for each" if view.setting("image_weights") else ""
    return (
        f"{percent(lost)} of the time is lost between epochs, as all train workers are started anew for each"
        f" epoch ({found.count} times seen in {seconds_words(found.seconds)}){why}"
    )


RULE = Rule("workers-respawned", Severity.WARNING, (), judge)
