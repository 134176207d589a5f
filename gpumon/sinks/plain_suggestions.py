"""Suggestions, the plan and the proof as plain lines."""

from __future__ import annotations

from collections.abc import Iterator

from gpumon.advice.changing import is_change, unchanged_words
from gpumon.advice.restart import HOW_TO_STOP, NOBODY_ASKED
from gpumon.model.measure import Missing
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.proof import Proof
from gpumon.model.suggestion import Effect, Suggestion
from gpumon.paint.numbers import bytes_text, percent, quantity

_STATES = {StepState.DONE: "done", StepState.TO_DO: "to do", StepState.LATER: "later", StepState.UNKNOWN: "?"}


def suggestion_lines(suggestion: Suggestion, *, in_full: bool) -> Iterator[str]:
    """Return what to change, what it brings and the command; `in_full` also other values, and going on."""
    if not is_change(suggestion):
        yield f"  {unchanged_words(suggestion)}: {suggestion.text}"
        yield f"    rests on: {suggestion.rests_on}"
        return
    yield f"  → {suggestion.text}"
    yield from _effect_lines(suggestion)
    yield f"    rests on: {suggestion.rests_on}"
    if in_full and suggestion.curve:
        yield f"    by {suggestion.setting}: {_curve(suggestion)}"
    for warning in suggestion.warnings:
        yield f"    mind: {warning}"
    if isinstance(suggestion.command, Missing):
        yield f"    no command: {suggestion.command.reason}"
    else:
        yield f"    {suggestion.command}"
    if in_full:
        yield from _go_on_lines(suggestion)


def proof_line(proof: Proof) -> str:
    """Return what changed settings brought."""
    return f"  {'brought' if proof.settled else 'brings so far'}: {proof.text}"


def plan_lines(plan: tuple[PlanStep, ...]) -> Iterator[str]:
    """Return the steps of the plan with their states."""
    for number, step in enumerate(plan, 1):
        yield f"  plan {number} {step.name} ({_STATES[step.state]}): {step.text}"


def _effect_lines(suggestion: Suggestion) -> Iterator[str]:
    rate, wait, memory = (
        suggestion.images_per_second,
        suggestion.data_wait_ratio,
        suggestion.gpu_memory_bytes,
    )
    gain = suggestion.speedup if isinstance(rate, Missing) else rate
    if isinstance(gain, Effect):
        unit = "times the speed" if isinstance(rate, Missing) else "img/s"
        now, predicted, low, high = map(quantity, (gain.now, gain.predicted, gain.low, gain.high))
        yield f"    {now} → {predicted} {unit} ({low}–{high}, estimated), bound: {suggestion.bound.value}"
    for name, effect, write in (("data wait", wait, _share), ("GPU memory", memory, bytes_text)):
        if isinstance(effect, Effect):
            now, predicted, low, high = map(write, (effect.now, effect.predicted, effect.low, effect.high))
            yield f"    {name} {now} → {predicted} ({low}–{high}, estimated)"


def _share(ratio: float) -> str:
    return percent(ratio, 0)


def _curve(suggestion: Suggestion) -> str:
    return ", ".join(f"{value} ×{quantity(effect.predicted)}" for value, effect in suggestion.curve)


def _go_on_lines(suggestion: Suggestion) -> Iterator[str]:
    way = suggestion.go_on
    if way == NOBODY_ASKED:
        return
    if isinstance(way, Missing):
        yield f"    to go on instead is not possible: {way.reason}"
        return
    how = "to begin again with it" if way.begins_again else "to go on instead"
    yield f"    {how}, {HOW_TO_STOP}; {way.lost}:"
    if isinstance(way.command, Missing):
        yield f"      no command: {way.command.reason}"
        return
    yield f"      {way.command}"
    for line in way.edit.splitlines():
        yield f"      {line}"
