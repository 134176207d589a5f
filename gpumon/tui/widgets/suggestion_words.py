"""Suggestions and proofs in the words of the screen: one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpumon.advice.changing import is_change, unchanged_words
from gpumon.model.kinds import Bound
from gpumon.model.measure import known, number
from gpumon.paint.glyphs import Glyphs
from gpumon.paint.numbers import bytes_of, quantity
from gpumon.paint.row import Row, Span
from gpumon.tui.widgets.finding_words import emphasised, framework_name, tied

if TYPE_CHECKING:
    from gpumon.model.proof import Proof
    from gpumon.model.reading import TrainingReading
    from gpumon.model.suggestion import Effect, Suggestion

_BOUNDS = {
    Bound.GPU: "the GPU",
    Bound.QUOTA: "CPU quota",
    Bound.AFFINITY: "CPU affinity",
    Bound.MEMORY: "memory",
    Bound.SHM: "shared memory",
    Bound.BATCH: "batch size",
}
# The settings that have a flag, with that of YOLOv5's newer versions and of most others. What suits the
# training in every detail is in the command. All other settings are told in the suggestion's own words.
_FLAGS = {
    "workers": "--workers",
    "batch_size": "--batch-size",
    "imgsz": "--imgsz",
    "cache": "--cache",
    "device": "--device",
    "epochs": "--epochs",
    "rect": "--rect",
    "multi_scale": "--multi-scale",
    "image_weights": "--image-weights",
}
_KEYS = {**{name: name for name in (*_FLAGS, "lr0", "amp")}, "batch_size": "batch"}
_SWITCHED = {"on": True, "off": False}


def suggestion_row(suggestion: Suggestion, training: TrainingReading | None, glyph: Glyphs) -> Row:
    """Return a suggestion as a row: what to set, what it brings (90 % interval), what bounds it."""
    if not is_change(suggestion):
        return (
            Span(f"{glyph.ring} ", "suggestion"),
            Span(f"{unchanged_words(suggestion)}: ", "suggestion"),
            *emphasised(suggestion.text),
        )
    parts: list[Span] = [
        Span(f"{glyph.arrow} ", "suggestion"),
        Span(flag_text(suggestion, "" if training is None else training.training.framework), "suggestion"),
    ]
    rate, speedup = known(suggestion.images_per_second), known(suggestion.speedup)
    memory = known(suggestion.gpu_memory_bytes)
    if rate is not None:
        parts += [Span("   "), Span(_change(rate, "img/s", glyph), "value")]
        parts.append(Span(" " + _interval(rate, glyph), "dim"))
    elif speedup is not None:
        parts += [Span("   "), Span(glyph.times + quantity(speedup.predicted), "value")]
        parts.append(Span(" " + _interval(speedup, glyph), "dim"))
    if memory is not None:
        change = bytes_of(memory.now, memory.predicted).replace(" of ", f" {glyph.arrow} ").strip()
        parts += [Span(f"   {tied('VRAM ')}", "dim"), Span(tied(change), "value")]
    bound = bound_text(suggestion.bound, training)
    if bound:
        parts += [Span("   "), Span(tied("bound: "), "dim"), Span(tied(bound))]
    return tuple(parts)


def flag_text(suggestion: Suggestion, framework: str) -> str:
    """Return what to set as the training's command line spells it: `--workers 6 --batch-size 32`.

    Settings that have no flag are told in the suggestion's own words.
    """
    changes = [(suggestion.setting, suggestion.to_value)]
    changes += [(change.setting, change.to_value) for change in suggestion.together]
    spelled = [_spelled(setting, value, framework) for setting, value in changes]
    if not spelled[0]:
        return suggestion.text
    return " ".join(tied(flag) for flag in spelled if flag)


def _spelled(setting: str, value: float | str | bool | None, framework: str) -> str:
    """Return one setting as a flag, empty where it has none."""
    name = (_KEYS if framework == "ultralytics" else _FLAGS).get(setting, "")
    if not name:
        return ""
    if value is None or value is False:
        return f"without {name}"
    if framework == "ultralytics":
        return f"{name}={_SWITCHED.get(str(value), value)}"
    return name if value is True else f"{name} {value}"


def bound_text(bound: Bound, training: TrainingReading | None) -> str:
    """Return what keeps a setting from being larger, with its number where it is known."""
    if bound is Bound.NONE:
        return ""
    if bound is Bound.CORES:
        cores = None if training is None else number(training.usable_cores)
        return "cores" if cores is None else f"{cores:.3g} cores"
    if bound is Bound.FRAMEWORK and training is not None:
        return f"{framework_name(training.training.framework)}'s cap"
    return _BOUNDS.get(bound, str(bound.value))


def proof_row(proof: Proof, glyph: Glyphs) -> Row:
    """Return what changed settings brought, as a row: green where it came as predicted."""
    return _proof_row(proof, proof.text, glyph)


def short_proof_rows(proof: Proof, glyph: Glyphs) -> tuple[Row, ...]:
    """Return a proof in fewer and fewer words: without what was changed, then without the intervals.

    Predicted and achieved are in all of them, where something was predicted.
    """
    text = proof.text.replace(" images/s", " img/s")
    changes, colon, brought = text.partition(": predicted ")
    if not colon:
        changes, _, brought = text.partition(": ")
    texts = [text, f"predicted {brought}" if colon else brought or changes]
    rate = known(proof.images_per_second)
    if rate is not None and rate.predicted is not None:
        short = f"predicted {quantity(rate.predicted)}, achieved {quantity(rate.achieved)} img/s"
        _, semicolon, seen = text.rpartition("; ")
        texts += [f"{short}; {seen}"] * (bool(semicolon) and not proof.settled) + [short]
    return tuple(_proof_row(proof, each, glyph) for each in texts)


def _proof_row(proof: Proof, text: str, glyph: Glyphs) -> Row:
    rate = known(proof.images_per_second)
    came = None if rate is None else rate.is_as_predicted
    role = "dim" if not proof.settled else {True: "good", False: "warn", None: "info"}[came]
    mark = glyph.bullet if proof.settled and came is False else glyph.ring
    return (Span(f"{mark} ", role), Span("PROOF", role), Span("  "), *emphasised(text))


def _change(effect: Effect, unit: str, glyph: Glyphs) -> str:
    return tied(f"{quantity(effect.now)} {glyph.arrow} {quantity(effect.predicted)} {unit}")


def _interval(effect: Effect, glyph: Glyphs) -> str:
    return f"({quantity(effect.low)}{glyph.dash}{quantity(effect.high)})"
