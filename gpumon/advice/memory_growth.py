"""What to do where GPU memory grows: no batch cures it; going on from a checkpoint empties it."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from gpumon.advice.memory import model_of
from gpumon.advice.restart import HOW_TO_STOP, NOBODY_ASKED
from gpumon.advice.terms import Terms
from gpumon.diagnosis.growth import Growth, memory_of_the_hour
from gpumon.diagnosis.memory import GpuMemory, has_run_out, memory_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import seconds_words
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.suggestion import Bound, GoOn, Suggestion

# Half a minute each.
_COLUMN_SECONDS = 30.0
# Chosen: a pace that was seen for a minute says what comes to a tenth.
_ROOM = 1.1
_NO_GAIN = Missing("a matter of memory, not of speed")
_KEPT = "look for losses or predictions that are kept without .item() or .detach()"
_CUT = (
    "where nothing is kept, changing sizes cut the memory in pieces: no --multi-scale, and"
    " PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True"
)


def while_it_grows(view: View, finding: Finding, terms: Terms) -> tuple[Suggestion, ...]:
    """Return what to do about memory that grows, or that ran out: nothing but to look where it lasts.

    Where there is a checkpoint the command goes on from it with the present settings.
    """
    memory = memory_of(view)
    if isinstance(memory, Missing):
        return ()
    growth, has_ended = memory.growth, has_run_out(view)
    if not has_ended and (growth is None or view.reading.ended is not None):
        return ()
    basis = "what the training's framework keeps of a run"
    if growth is not None:
        basis = f"the pace of its growth, seen over {seconds_words(growth.watched_seconds)}"
    left = known(view.reading.progress.eta_seconds)
    if growth is not None and not has_ended and left is not None and left < growth.full_in_seconds:
        text = f"at this pace the run ends before memory is full; {_KEPT}"
        return (_suggestion(finding, "resume", (None, None), text, basis, Missing("nothing is to be done")),)
    lasts = "" if growth is None else _lasts(view, memory, growth, terms, left)
    look = f"; {_KEPT}" if growth is not None else ""
    way = terms.go_on(view.reading, {})
    if isinstance(way, GoOn):
        when = "go on" if has_ended else "stop it before it is full and go on"
        text = f"{when} from its last checkpoint, with memory empty{lasts}{look}"
        warnings = (way.lost,) if has_ended else (way.lost, HOW_TO_STOP)
        return (
            _suggestion(finding, "resume", (None, "last.pt"), text, basis, way.command, (*warnings, _CUT)),
        )
    begun = f"; begun again, it{lasts.removeprefix(', which')}" if lasts else ""
    verb = "has lost" if has_ended else "loses"
    text = f"a training that runs out of memory {verb} what it did since its last checkpoint{begun}{look}"
    changes = ("keeps memory", "releases it")
    return (_suggestion(finding, "code", changes, text, basis, Missing(way.reason), (_CUT,)),)


def _lasts(view: View, memory: GpuMemory, growth: Growth, terms: Terms, left: float | None) -> str:
    """Return how long it lasts when begun with memory empty, with half the batch too, at the present pace."""
    rise = _rise(view, memory, growth)
    seconds = (memory.limit - memory.peak + rise) / growth.bytes_per_second
    if left is not None and seconds > _ROOM * left:
        return ", which at this pace lasts to the end of the run"
    words = f", which at this pace is full again after {seconds_words(seconds)} or more"
    model = model_of(view, replace(memory, peak=max(1, int(memory.peak - rise))), terms.prior)
    if isinstance(model, Missing) or model.batch < 2:
        return words
    half = model.batch // 2
    longer = (memory.limit - model.bytes_at(half).value) / growth.bytes_per_second
    if longer <= _ROOM * seconds:
        return words
    return f"{words} (with batch {half * view.ranks} after about {seconds_words(longer)})"


def _rise(view: View, memory: GpuMemory, growth: Growth) -> float:
    """Return by how much memory is known to have risen while it was seen to grow, in bytes."""
    count = max(1, ceil(growth.watched_seconds / _COLUMN_SECONDS))
    highs = [column.high for column in memory_of_the_hour(view)[-count:] if column is not None]
    return max(0.0, memory.peak - min(highs, default=float(memory.peak)))


def _suggestion(  # noqa: PLR0917 - the parts of one suggestion, in its order
    finding: Finding,
    setting: str,
    values: tuple[str | None, str | None],
    text: str,
    basis: str,
    command: Maybe[str],
    warnings: tuple[str, ...] = (),
) -> Suggestion:
    return Suggestion(
        setting=setting,
        from_value=values[0],
        to_value=values[1],
        text=text,
        finding=finding.id,
        bound=Bound.NONE,
        rests_on=basis,
        speedup=_NO_GAIN,
        images_per_second=_NO_GAIN,
        gpu_memory_bytes=Missing("it begins with memory empty, which grows as before"),
        command=command,
        warnings=warnings,
        go_on=NOBODY_ASKED,
    )
