"""Advice on lr0: beside a change of the batch where no framework does it, and where a large step diverges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

from gpumon.advice.knobs.command import Value, rewrite_arguments
from gpumon.advice.knobs.ddp import with_ranks
from gpumon.advice.knobs.hyp import hyp_edit
from gpumon.advice.learning_rate import is_adaptive, learning_rate_of, rate_text, update_of
from gpumon.advice.restart import restart_warnings
from gpumon.advice.terms import Terms
from gpumon.diagnosis.view import View
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing
from gpumon.model.suggestion import Bound, Change, GoOn, Suggestion
from gpumon.model.training import Training

_NO_SPEED = Missing("a learning rate does not change the speed")
_LINEAR = "the linear rule of Goyal et al. (2017), made for SGD whose loss is a mean over the batch"
_ROOT = "the square-root rule for Adam (McCandlish et al. 2018: a power of 0.5 to 1)"
_LARGE = "the square-root rule for a step that sums at least 4 times 64 images; lr0 between both ends will do"
# No flag of the training's own: a launcher starts so many ranks of it.
_LAUNCHED = frozenset({"launcher", "world_size"})
# Where these change, a command may be impossible for reasons that only who suggests it knows.
_PLACED = frozenset({"launcher", "device"})


@dataclass(frozen=True, slots=True)
class _Changed:
    """What a suggestion changes, the batch among it, from `now` to `then` images of all ranks.

    `command` is the suggestion's own.
    """

    finding: str
    command: Maybe[str]
    changes: tuple[Change, ...]
    now: int
    then: int

    @property
    def is_batch_alone(self) -> bool:
        """Whether nothing but the batch changes."""
        return len(self.changes) == 1

    @property
    def flags(self) -> dict[str, Value]:
        """The settings that the command of the training itself changes."""
        return {each.setting: each.to_value for each in self.changes if each.setting not in _LAUNCHED}

    def started(self, training: Training) -> Maybe[Training]:
        """Return the training as it is started with the suggestion, its flags left as they are."""
        names = {each.setting for each in self.changes}
        if isinstance(self.command, Missing) and names & _PLACED:
            return self.command
        if "launcher" not in names:
            return training
        ranks = next((each.to_value for each in self.changes if each.setting == "world_size"), None)
        if not isinstance(ranks, int) or "device" not in self.flags:
            return Missing("which GPUs its processes get is not known")
        return with_ranks(training, ranks)


def learning_rate_suggestions(
    view: View, findings: Sequence[Finding], suggestions: Sequence[Suggestion], terms: Terms
) -> tuple[Suggestion, ...]:
    """Return changes of lr0: for each suggested change of the batch that needs one, and for a loss of nan.

    Each of them holds all that its suggestion changes, and the learning rate. None where lr0 is not known,
    and none for YOLOv5 and ultralytics below 256 images a step.
    """
    changed = (_changed(one) for one in suggestions)
    found = [_beside_batch(view, one, terms) for one in changed if one is not None]
    diverged = next((finding for finding in findings if finding.id == "nan-loss"), None)
    if diverged is not None:
        found.append(_diverged(view, diverged, terms))
    return tuple(one for one in found if one is not None)


def _changed(one: Suggestion) -> _Changed | None:
    """Return what a suggestion changes where the batch is among it."""
    changes = (Change(one.setting, one.from_value, one.to_value), *one.together)
    batch = next((each for each in changes if each.setting == "batch_size"), None)
    if batch is None or not isinstance(batch.from_value, int) or not isinstance(batch.to_value, int):
        return None
    if min(batch.from_value, batch.to_value) < 1 or batch.from_value == batch.to_value:
        return None
    return _Changed(one.finding, one.command, changes, batch.from_value, batch.to_value)


def _beside_batch(view: View, changed: _Changed, terms: Terms) -> Suggestion | None:
    training, now, then = view.reading.training, changed.now, changed.then
    rate = learning_rate_of(training)
    if rate is None:
        return None
    before, after = update_of(training, now), update_of(training, then)
    if before is not None and after is not None:
        if not after.is_large or after.images <= before.images or is_adaptive(training):
            return None
        # What is right now was made for the nominal step, or for the large one that it is already.
        factor = sqrt(max(before.images, before.nominal) / after.images)
        text = (
            f"lr0 {rate_text(rate * factor)} to {rate_text(rate)} with batch {then}: the step sums"
            f" {after.images} images"
        )
        return _change(view, changed, rate, factor, text, _LARGE, terms)
    if training.framework == "ultralytics":
        return None
    adaptive = is_adaptive(training)
    factor = sqrt(then / now) if adaptive else then / now
    text = f"learning rate {rate_text(rate * factor)} with batch {then} instead of {now}"
    basis = _ROOT if adaptive else _LINEAR
    if adaptive is None:
        root = rate_text(rate * sqrt(then / now))
        basis += f"; its optimizer is not known: with Adam {root} by the square-root rule"
    return _change(view, changed, rate, factor, text, basis, terms)


def _diverged(view: View, finding: Finding, terms: Terms) -> Suggestion | None:
    """Return a lower lr0 where the loss is nan and a step sums so many images that this may be why."""
    training = view.reading.training
    batch, rate = view.setting("batch_size"), learning_rate_of(training)
    update = update_of(training, batch) if isinstance(batch, int) else None
    if update is None or rate is None or not update.is_large or is_adaptive(training):
        return None
    to_value = rate * update.lowest_factor
    return Suggestion(
        setting="lr0",
        from_value=rate,
        to_value=_rounded(to_value),
        text=f"lr0 {rate_text(to_value)} instead of {rate_text(rate)}: a step sums {update.images} images",
        finding=finding.id,
        bound=Bound.NONE,
        rests_on=_LARGE,
        speedup=_NO_SPEED,
        images_per_second=_NO_SPEED,
        command=terms.rewrite(training, {"lr0": _rounded(to_value)}),
        warnings=("weights that are nan cannot be gone on from: begin again", *restart_warnings(view)),
        go_on=_edit(training, _rounded(to_value)),
    )


def _change(  # noqa: PLR0917 - the parts of one suggestion, in its order
    view: View, changed: _Changed, rate: float, factor: float, text: str, basis: str, terms: Terms
) -> Suggestion:
    to_value = _rounded(rate * factor)
    started = changed.started(view.reading.training)
    belongs = "it belongs to the change of the batch: neither without the other"
    if not changed.is_batch_alone:
        belongs = "it belongs to all that the command changes with the batch: nothing without the rest"
    return Suggestion(
        setting="lr0",
        from_value=rate,
        to_value=to_value,
        text=text,
        finding=changed.finding,
        bound=Bound.NONE,
        rests_on=basis,
        speedup=_NO_SPEED,
        images_per_second=_NO_SPEED,
        command=started
        if isinstance(started, Missing)
        else terms.rewrite(started, {**changed.flags, "lr0": to_value}),
        warnings=(belongs,),
        together=changed.changes,
        go_on=started if isinstance(started, Missing) else _edit(started, to_value, changed.flags),
    )


def _edit(training: Training, rate: float, flags: dict[str, Value] | None = None) -> Maybe[GoOn]:
    """Return the edit of a copy of the hyperparameters, with the changed flags in its command."""
    if training.framework != "yolov5":
        return Missing("its learning rate stands in no file of hyperparameters")
    if flags:
        arguments = rewrite_arguments(training, flags)
        if isinstance(arguments, Missing):
            return arguments
        training = replace(training, command=arguments)
    return hyp_edit(training, "lr0", rate)


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")
