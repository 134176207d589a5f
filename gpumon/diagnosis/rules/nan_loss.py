"""A loss is no finite number: the training learns nothing any more."""

from __future__ import annotations

import math

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.history.phases import Seen
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Maybe, Missing, number
from gpumon.model.reading import LossesReading

_RATIO = "losses_not_finite_ratio"
_SKIPPED = "steps_skipped_ratio"
# A GradScaler halves its scale at each skipped step: after 20 in a row the scale, which begins at 65536, is
# below 0.1, so it is not the scale that makes the gradients overflow.
_ALL_SKIPPED = 1.0


def judge(view: View) -> Judgement:
    """Fire where the newest losses of a source are nan or infinite, or all newest steps were skipped."""
    progress = view.reading.progress
    ratio, skipped = progress.losses_not_finite_ratio, progress.steps_skipped_ratio
    if isinstance(ratio, Missing) and isinstance(skipped, Missing):
        return NotJudged(f"the losses are not known: {ratio.reason}")
    broken = [losses for losses in progress.losses if _broken(losses)]
    all_skipped = _reaches(skipped, _ALL_SKIPPED)
    if not broken and not all_skipped:
        return Silent("all losses are finite" if not isinstance(ratio, Missing) else "steps are taken")
    evidence = []
    share = number(ratio)
    if broken and share is not None:
        words = "; ".join(f"{losses.source}: {_names(losses)}" for losses in broken)
        evidence.append(Evidence(_RATIO, share, 0.0, text=f"no finite numbers: {words}"))
    if all_skipped:
        words = f"the GradScaler skipped {percent(1.0)} of the newest optimizer steps"
        evidence.append(Evidence(_SKIPPED, 1.0, _ALL_SKIPPED, text=words))
    only_validation = bool(broken) and all(losses.is_validation for losses in broken) and not all_skipped

    def holds(pair: Seen) -> bool:
        seen = pair[1].progress
        return (number(seen.losses_not_finite_ratio) or 0.0) > 0 or _reaches(
            seen.steps_skipped_ratio, _ALL_SKIPPED
        )

    return Finding(
        RULE.id,
        Severity.WARNING if only_validation else RULE.severity,
        _text(view, broken, only_validation=only_validation),
        since_seen(view, holds),
        tuple(evidence),
    )


def _text(view: View, broken: list[LossesReading], *, only_validation: bool) -> str:
    if not broken:
        return "every newest optimizer step is skipped: the gradients are nan or infinite, nothing is learnt"
    first = broken[0]
    where = "" if first.epoch is None else f" in epoch {first.epoch + _first_epoch(view)}"
    says = f"{_names(first)} {'is' if len(_broken(first)) == 1 else 'are'} {_value(first)}{where}"
    if only_validation:
        return f"the validation's {says} while the training's own losses are finite, says {first.source}"
    return f"{says}, says {first.source}: the training has diverged and learns nothing any more"


def _broken(losses: LossesReading) -> list[tuple[str, float]]:
    return [(name, value) for name, value in losses.values if not math.isfinite(value)]


def _names(losses: LossesReading) -> str:
    names = [name for name, _ in _broken(losses)]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _value(losses: LossesReading) -> str:
    return "nan" if any(math.isnan(value) for _, value in _broken(losses)) else "infinite"


def _first_epoch(view: View) -> int:
    """Return the number by which the training itself calls its first epoch."""
    return 1 if view.reading.training.framework == "ultralytics" else 0


def _reaches(ratio: Maybe[float], threshold: float) -> bool:
    value = number(ratio)
    return value is not None and value >= threshold


RULE = Rule("nan-loss", Severity.CRITICAL, (_RATIO,), judge)
