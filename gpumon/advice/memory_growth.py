"""What to do where GPU memory grows: no batch cures it; going on from a checkpoint empties it."""

from __future__ import annotations

from dataclasses import replace

from gpumon.advice.memory import model_of
from gpumon.advice.restart import HOW_TO_STOP, NOBODY_ASKED
from gpumon.advice.terms import Terms
from gpumon.diagnosis.memory import GpuMemory, has_run_out, memory_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import seconds_words
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.suggestion import Bound, GoOn, Suggestion

# Chosen: a pace that was seen for a minute says what comes to a tenth.
_ROOM = 1.1
# Weights, optimizer and context are never less than this share of the peak.
_LEAST_RATIO = 0.1
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
    lasts = _lasts(view, memory, terms)
    look = f"; {_KEPT}" if growth is not None else ""
    way = terms.go_on(view.reading, {})
    if isinstance(way, GoOn):
        when = "go on" if has_ended else "stop it before it is full and go on"
        begun = f": begun with memory empty it lasts {lasts}" if lasts else ", with memory empty"
        text = f"{when} from its last checkpoint{begun}{look}"
        warnings = (way.lost, _CUT) if has_ended else (way.lost, HOW_TO_STOP, _CUT)
        return (_suggestion(finding, "resume", (None, "last.pt"), text, basis, way.command, warnings),)
    begun = f"; begun again it lasts {lasts}" if lasts else ""
    when = "" if has_ended else "when memory is full, "
    text = f"{when}what was done since the last checkpoint is lost{begun}{look}"
    changes = ("keeps memory", "releases it")
    return (_suggestion(finding, "code", changes, text, basis, Missing(way.reason), (_CUT,)),)


def _lasts(view: View, memory: GpuMemory, terms: Terms) -> str:
    """Return how long it lasts when begun again, at the present batch and at half of it; empty: not known.

    As long as this time: as its process has trained, and until memory is full.
    """
    growth, done, left = memory.growth, memory.steps_done, memory.steps_left
    eta = known(view.reading.progress.eta_seconds)
    if growth is None or eta is None or not done or not left:
        return ""
    trained = eta * done / left
    seconds = trained if has_run_out(view) else trained + growth.full_in_seconds
    if seconds > _ROOM * eta:
        return "to the end of the run at this pace"
    words = f"about {seconds_words(seconds)}, as this time"
    # What an image takes is told by what was held before it grew.
    before = max(_LEAST_RATIO * memory.peak, memory.peak - growth.bytes_per_second * trained)
    model = model_of(view, replace(memory, peak=int(before)), terms.prior)
    if isinstance(model, Missing) or model.batch < 2:
        return words
    half = model.batch // 2
    longer = seconds + (before - model.bytes_at(half).value) / growth.bytes_per_second
    if longer <= _ROOM * seconds:
        return words
    return f"{words} (with batch {half * view.ranks} about {seconds_words(longer)})"


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
