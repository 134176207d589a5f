"""The third step of the plan: whether the learning rate fits the batch, now and after its change."""

from __future__ import annotations

from gpumon.advice.learning_rate import (
    Update,
    is_adaptive,
    learning_rate_of,
    learning_rate_words,
    rate_text,
    update_of,
)
from gpumon.advice.situation import Situation
from gpumon.diagnosis.words import count_words
from gpumon.model.finding import Evidence, Finding
from gpumon.model.measure import number
from gpumon.model.plan import PlanStep, StepState

# lr0 of YOLOv5's and ultralytics' own hyperparameters, for which the nominal batch is made.
_USUAL_RATE = 0.01


def learning_rate_step(seen: Situation) -> PlanStep:
    """Return the step about the learning rate. A loss that is nan comes before every other word."""
    batch, diverged, changed = seen.batch, seen.finding("nan-loss"), seen.change("lr0")
    update = None if batch is None else update_of(seen.view.reading.training, batch)
    evidence = _evidence(seen, update)
    if diverged is not None:
        own = changed if changed is not None and changed[1].finding == diverged.id else None
        index = None if own is None else own[0]
        text = _diverged_words(seen, diverged)
        return PlanStep("learning-rate", StepState.TO_DO, text, (*diverged.evidence, *evidence), index)
    if changed is not None:
        text = f"with the change of the batch: {changed[1].text}"
        return PlanStep("learning-rate", StepState.LATER, text, evidence, changed[0])
    return PlanStep("learning-rate", *_unchanged(seen, batch, update), evidence)


def _unchanged(seen: Situation, batch: int | None, update: Update | None) -> tuple[StepState, str]:
    """Return where it stands when no other learning rate is suggested."""
    if batch is None:
        return StepState.UNKNOWN, "the batch is not known, so neither is what one update sums"
    then = seen.next_batch
    training = seen.view.reading.training
    words = () if then is None else learning_rate_words(training, batch, then)
    after = None if then is None else update_of(training, then)
    if update is None:
        return (StepState.LATER, _going_with(words)) if words else _without_accumulation(seen, batch)
    if after is not None and after.images != update.images:
        return StepState.LATER, _going_with(words)
    if update.is_large and not is_adaptive(training):
        return _large(update, learning_rate_of(training))
    return StepState.DONE, _accumulating(update, after, learning_rate_of(training))


def _going_with(words: tuple[str, ...]) -> str:
    return f"with the change of the batch: {'; '.join(words)}"


def _diverged_words(seen: Situation, finding: Finding) -> str:
    rate = "the learning rate"
    if seen.view.reading.training.framework == "yolov5":
        rate = "lr0 in a copy of the file of hyperparameters"
    return f"{finding.text}: lower {rate}, look for broken labels, and begin from weights that are finite"


def _large(update: Update, rate: float | None) -> tuple[StepState, str]:
    """Return where lr0 stands with a step of at least 4 times the nominal images."""
    low = rate_text(_USUAL_RATE * update.lowest_factor)
    words = (
        f"an update sums {update.images} images, {update.images / update.nominal:.3g} times the"
        f" {update.nominal} that lr0 {rate_text(_USUAL_RATE)} is made for"
    )
    if rate is None:
        return StepState.UNKNOWN, f"{words}; {low} to {rate_text(_USUAL_RATE)} is right, its own is not known"
    if rate > _USUAL_RATE:
        return StepState.TO_DO, f"{words}; {low} to {rate_text(_USUAL_RATE)} instead of {rate_text(rate)}"
    return StepState.DONE, f"{words}; {rate_text(rate)} is right, with the whole warm-up"


def _accumulating(update: Update, after: Update | None, rate: float | None) -> str:
    """Return why lr0 stays with a framework that accumulates to a nominal batch."""
    stays = "lr0 stays" if rate is None else f"lr0 {rate_text(rate)} stays"
    sums = f"an update sums {update.images} images ({_made(update)})"
    if after is not None:
        return f"{sums}, and as many at batch {after.batch}: {stays}"
    if update.images == update.nominal:
        return f"{sums}, whatever the batch: {stays}"
    if update.batch > update.nominal:
        return f"{sums}, and the step grows with the batch by itself: {stays}"
    off = 100 * (update.images / update.nominal - 1)
    return f"{sums} instead of {update.nominal}, {off:+.0f} %: {stays}"


def _made(update: Update) -> str:
    """Return "2 batches of 32", or "a batch of 64"."""
    if update.batches == 1:
        return f"a batch of {update.batch}"
    return f"{update.batches} batches of {update.batch}"


def _without_accumulation(seen: Situation, batch: int) -> tuple[StepState, str]:
    """Return where it stands with any other trainer: for which batch its rate was made is not known."""
    training, ranks = seen.view.reading.training, seen.view.ranks
    if training.framework == "ultralytics":
        return StepState.UNKNOWN, "its classifier averages the loss and accumulates: no published rule fits"
    batches = (one.batch_size * ranks for one in seen.prior.rates)
    # An earlier run of the same training tells what the batch was before.
    earlier = next((one for one in batches if one != batch), None)
    if earlier is None:
        text = (
            "for which batch its learning rate was made is not known; without accumulation it goes with the"
            f" batch ({batch} now): linearly with SGD (Goyal et al. 2017), by the square root with Adam"
        )
        return StepState.UNKNOWN, text
    words = "; ".join(learning_rate_words(training, earlier, batch))
    text = f"an earlier run had batch {earlier}, this one {batch}; whether its learning rate went with it is"
    return StepState.UNKNOWN, f"{text} not known ({words})"


def _evidence(seen: Situation, update: Update | None) -> tuple[Evidence, ...]:
    found = []
    if update is not None:
        words = f"an update is made of {_made(update)}: {count_words(update.images, 'image')}"
        found.append(Evidence("update_images", float(update.images), float(update.nominal), text=words))
    told = number(seen.view.reading.progress.accumulate)
    if told is not None:
        words = f"the training's own loop makes an update of every {told:g} batches (fewer in the warm-up)"
        found.append(Evidence("accumulate", told, text=words))
    rate = learning_rate_of(seen.view.reading.training)
    if rate is not None:
        found.append(Evidence("lr0", rate, text=f"its initial learning rate is {rate_text(rate)}"))
    return tuple(found)
