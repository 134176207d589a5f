"""What changed settings brought: the training at hand beside the earlier run that it is a change of.

Predicted is what was shown while the earlier run was watched, before is all steady training that was seen of
it, achieved is what the last minutes of the training at hand show. A function of the view and the prior
alone, so a replay says what was said live.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import ceil, floor

from gpumon.advice.prior import EarlierRun, Prior, SeenPrediction, SeenProof, Value
from gpumon.diagnosis.memory import memory_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent, rate_words
from gpumon.history.block import Block
from gpumon.history.estimate import Estimate, hardly_exceeded, speed_in, wait_in, wait_interval
from gpumon.history.history import RECENT_SAMPLES
from gpumon.history.stats import Interval
from gpumon.history.tally import BLOCK_SECONDS, Tally
from gpumon.model.measure import Maybe, Missing
from gpumon.model.proof import Outcome, Proof
from gpumon.model.sample import Sample
from gpumon.model.suggestion import Change, Effect
from gpumon.model.training import Setting, Settings, Training

# Six blocks of 10 s: what they show of how blocks are alike then weighs as much as what is assumed of it
# (gpumon.history.estimate), so the interval rests on the training itself.
SETTLED_SECONDS = 60.0
# Where samples come so often that a window holds less, most of what it holds in blocks that are over.
_SETTLED_SHARE = 0.6
# Which training it is, how long it goes on, and what was asked for where something else is used: all that
# says nothing of how fast it goes.
_NO_CHANGES = frozenset({"workers_asked", "epochs", "weights", "cfg", "data", "resume"})
_SWITCHED = {"on": True, "off": False}
_VALUE_CHARACTERS = 40
# A recording can hold any number.
_LEAST_INTERVAL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Achieved:
    """What a training was measured to do in `steady_seconds`: speed, wait and the memory of one rank."""

    steady_seconds: float
    images_per_second: Maybe[Interval]
    data_wait_ratio: Maybe[Interval]
    gpu_memory_bytes: Maybe[Interval]


def proof_of(view: View, prior: Prior) -> Proof | None:
    """Return what the settings of a training brought, or None where it is no change of an earlier run."""
    earlier = prior.earlier
    if earlier is None:
        return None
    changes = changes_between(dict(earlier.settings), known_settings(view.reading.training))
    if not changes:
        return None
    blocks = view.once(_blocks)
    seconds = sum(block.steady_seconds for block in blocks)
    achieved = Achieved(seconds, rate_in(blocks), share_in(blocks), _memory(view))
    return proof_from(earlier, changes, achieved, run=prior.run, needed_seconds=_needed_seconds(view))


def proof_from(
    earlier: EarlierRun,
    changes: tuple[Change, ...],
    achieved: Achieved,
    *,
    run: int | None,
    needed_seconds: float = SETTLED_SECONDS,
) -> Proof:
    """Return what changes against an earlier run brought; `run` is the number of the changed one."""
    prediction = prediction_for(earlier.predictions, changes)
    if prediction is not None:
        changes = _in_order(changes, prediction)
    effect = _predicted(earlier, prediction)
    rate = _outcome("speed", earlier, earlier.images_per_second, achieved.images_per_second, effect)
    wait_effect = None if prediction is None else prediction.data_wait_ratio
    wait = _outcome("wait", earlier, earlier.data_wait_ratio, achieved.data_wait_ratio, wait_effect)
    memory_effect = None if prediction is None else prediction.gpu_memory_bytes
    memory = _outcome(
        "GPU memory", earlier, earlier.gpu_memory_bytes, achieved.gpu_memory_bytes, memory_effect
    )
    seconds = achieved.steady_seconds
    # Memory is there at once, and says nothing of what the change brought.
    settled = seconds >= needed_seconds and not (isinstance(rate, Missing) and isinstance(wait, Missing))
    text = _text(changes, earlier.number, effect, rate, wait)
    if seconds < needed_seconds:
        text += f"; {seconds:.0f} of {needed_seconds:.0f} s measured"
    return Proof(run, earlier.number, changes, settled, text, rate, wait, memory)


def taught_by(proof: Proof) -> SeenProof | None:
    """Return what a proof teaches about predictions, or None: it is not settled, or nothing was predicted."""
    rate = proof.images_per_second
    if not proof.settled or isinstance(rate, Missing) or rate.predicted is None:
        return None
    if min(rate.before, rate.predicted, rate.achieved) <= 0:
        return None
    return SeenProof(proof.changes[0].setting, rate.predicted / rate.before, rate.achieved / rate.before)


def known_settings(training: Training) -> dict[str, Value]:
    """Return the settings of a training that are known, and its number of ranks, by name."""
    pairs = ((field.name, getattr(training.settings, field.name)) for field in fields(Settings))
    found: dict[str, Value] = {name: setting.value for name, setting in pairs if isinstance(setting, Setting)}
    return {**found, "world_size": training.world_size}


def changes_between(before: Mapping[str, Value], now: Mapping[str, Value]) -> tuple[Change, ...]:
    """Return the settings that are known of both and differ, as far as they bear on speed or memory."""
    return tuple(
        Change(name, before[name], now[name])
        for name in before
        if name in now and name not in _NO_CHANGES and not _is_same(before[name], now[name])
    )


def prediction_for(predictions: Sequence[SeenPrediction], changes: Sequence[Change]) -> SeenPrediction | None:
    """Return what was predicted for exactly these changes, or None where nothing was.

    Of one changed setting a value of its curve will do: that has the speed alone, with nothing else changed.
    """
    wanted = _told_by(changes)
    for prediction in predictions:
        found = _told_by(prediction.changes)
        if found.keys() == wanted.keys() and all(_is_same(found[name], wanted[name]) for name in found):
            return prediction
    if len(changes) != 1:
        return None
    change = changes[0]
    for prediction in predictions:
        if prediction.changes[0].setting == change.setting:
            for value, effect in prediction.curve:
                if _is_same(value, change.to_value):
                    return SeenPrediction((change,), effect)
    return None


def predicted_rate(before: float, prediction: SeenPrediction) -> Effect | None:
    """Return the images per second that were predicted: as shown, else the factor on those of the run."""
    if prediction.images_per_second is not None:
        return prediction.images_per_second
    factor = prediction.speedup
    if factor is None:
        return None
    return Effect(before, before * factor.predicted, before * factor.low, before * factor.high)


def _told_by(changes: Sequence[Change]) -> dict[str, Value]:
    """Return the new values by which changes are recognised, advised or made.

    A launcher is no setting of a training: its number of ranks is. With that the devices follow, which are
    spelled in many ways. AMP is advised as "on", and is True among the settings.
    """
    found = {change.setting: change.to_value for change in changes}
    if "world_size" in found:
        found.pop("device", None)
        found.pop("launcher", None)
    amp = found.get("amp")
    if isinstance(amp, str):
        found["amp"] = _SWITCHED.get(amp, amp)
    return found


def _is_same(one: Value, other: Value) -> bool:
    if _is_unset(one) and _is_unset(other):
        return True
    # True is not 1 here.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _is_unset(value: Value) -> bool:
    # An option that was not given, and one that a file says is off.
    return value is None or value is False or value == ""


def _in_order(changes: tuple[Change, ...], prediction: SeenPrediction) -> tuple[Change, ...]:
    places = {change.setting: place for place, change in enumerate(prediction.changes)}
    return tuple(sorted(changes, key=lambda change: places.get(change.setting, len(places))))


def _blocks(view: View) -> tuple[Block, ...]:
    """Return the blocks that are over, of as many samples as every window up to the next one has.

    They are counted when one is over, and not for every sample: that would cost a millisecond each time.
    """
    now = _number(view.sample)
    over = len(view.seen)
    while over and _number(view.seen[over - 1][0]) >= now:
        over -= 1
    if not over:
        return ()
    last = view.seen[over - 1][0]
    oldest = (
        last.sequence
        - RECENT_SAMPLES
        + ceil(BLOCK_SECONDS / max(last.interval_seconds, _LEAST_INTERVAL_SECONDS))
        + 1
    )

    def counted(_: Sample) -> tuple[Block, ...]:
        tally = Tally()
        pairs = [pair for pair in view.seen[:over] if pair[0].sequence > oldest]
        closed = [tally.add(sample, reading) for sample, reading in pairs]
        return tuple(block for block in (*closed, tally.open()) if block is not None)

    return view.window.moments.newest(("blocks", view.pid), last, counted)


def _number(sample: Sample) -> int:
    return floor(sample.instant.monotonic_seconds / BLOCK_SECONDS)


def _needed_seconds(view: View) -> float:
    return min(SETTLED_SECONDS, _SETTLED_SHARE * RECENT_SAMPLES * view.sample.interval_seconds)


def rate_in(blocks: Sequence[Block]) -> Maybe[Interval]:
    """Return images per second of steady training with a 90 % interval."""
    speed = speed_in(blocks)
    return speed if isinstance(speed, Missing) else _not_negative(speed)


def share_in(blocks: Sequence[Block]) -> Maybe[Interval]:
    """Return the share of steady training that waits for data, with a 90 % interval."""
    wait = wait_in(blocks)
    return wait if isinstance(wait, Missing) else wait_interval(wait)


def _memory(view: View) -> Maybe[Interval]:
    """Return the peak of one rank; the upper end is what training as long again hardly exceeds."""
    memory = memory_of(view)
    if isinstance(memory, Missing):
        return memory
    if not memory.validated:
        return Missing("no validation was seen yet, and the first one often needs more than training")
    peak = float(memory.peak)
    return Interval(peak, peak, max(peak, hardly_exceeded(peak, (), memory.total)))


def _not_negative(estimate: Estimate) -> Interval:
    found = estimate.interval()
    return Interval(found.value, max(0.0, found.low), found.high)


def _predicted(earlier: EarlierRun, prediction: SeenPrediction | None) -> Effect | None:
    before = earlier.images_per_second
    return None if before is None or prediction is None else predicted_rate(before.value, prediction)


def _outcome(
    what: str,
    earlier: EarlierRun,
    before: Interval | None,
    achieved: Maybe[Interval],
    effect: Effect | None,
) -> Maybe[Outcome]:
    if before is None:
        return Missing(f"the {what} of run {earlier.number} is not known")
    if isinstance(achieved, Missing):
        return achieved
    predicted = (None, None, None) if effect is None else (effect.predicted, effect.low, effect.high)
    return Outcome(
        before.value, before.low, before.high, achieved.value, achieved.low, achieved.high, *predicted
    )


def _text(
    changes: Sequence[Change],
    number: int,
    effect: Effect | None,
    rate: Maybe[Outcome],
    wait: Maybe[Outcome],
) -> str:
    """Return the sentence for the screen, in ASCII: it is shown everywhere."""
    what = ", ".join(_change_words(change) for change in changes)
    if not isinstance(rate, Missing):
        achieved = f"{rate_words(rate.achieved)} images/s {_range(rate.achieved_low, rate.achieved_high)}"
        if rate.predicted is None:
            before = f"{rate_words(rate.before)} {_range(rate.before_low, rate.before_high)}"
            return f"{what}: {achieved} after {before} in run {number}; nothing was predicted for this"
        limits = _range(rate.predicted_low or 0.0, rate.predicted_high or 0.0)
        return f"{what}: predicted {rate_words(rate.predicted)} {limits}, achieved {achieved}"
    if effect is not None:
        what += f": predicted {rate_words(effect.predicted)} {_range(effect.low, effect.high)} images/s"
    if not isinstance(wait, Missing):
        return f"{what}; the wait for data is {percent(wait.achieved)} after {percent(wait.before)}"
    return f"{what}; not measured yet" if effect is not None else f"{what}: not measured yet"


def _range(low: float, high: float) -> str:
    return f"({rate_words(low)}-{rate_words(high)})"


def _change_words(change: Change) -> str:
    name = change.setting.replace("_", " ")
    return f"{name} {_value_words(change.from_value)} -> {_value_words(change.to_value)}"


def _value_words(value: Value) -> str:
    return "not set" if value is None or value == "" else str(value)[:_VALUE_CHARACTERS]
