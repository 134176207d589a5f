"""Advice on mixed precision (AMP): what it would save where it is off, and how to get it on."""

from __future__ import annotations

from gpumon.advice.effects import rate_effect
from gpumon.advice.restart import restart_warnings
from gpumon.advice.terms import Terms
from gpumon.diagnosis.amp_checklist import is_starved
from gpumon.diagnosis.memory import memory_of
from gpumon.diagnosis.view import View
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.suggestion import Bound, Effect, Suggestion

# The guide's figures for an RTX 3060: 100 images/s become 130, and in its words 20 to 30 %.
_FASTER, _FASTEST = 1.25, 1.30
# Its memory in FP32 and with AMP: YOLOv5s at batch 32 10.1 and 6.8 GB, YOLOv5m at 16 11.2 and 7.5 GB: 0.67
# both. Less 0.5 to 0.8 GB of context and weights, which do not shrink, 0.65 is left of the rest. The ends:
# half (half precision takes no less), and one half that does not shrink with 0.65 of the other.
_MEMORY, _LEAST_MEMORY, _MOST_MEMORY = 0.67, 0.5, 0.825
_BASIS = (
    "figures published for YOLOv5s and YOLOv5m on an RTX 3060 (a third of the memory, 20 to 30 % of the"
    " speed); not measured here"
)


def advise_amp(view: View, findings: tuple[Finding, ...], terms: Terms) -> tuple[Suggestion, ...]:
    """Return how to get mixed precision on, where the finding amp-off says that it is off."""
    finding = next((finding for finding in findings if finding.id == "amp-off"), None)
    if finding is None:
        return ()
    gain, command = _gain(view), _command(view, terms)
    # YOLOv5 checks anew whenever it starts: what is changed is not among its settings.
    changes = {"amp": True} if view.reading.training.framework == "ultralytics" else {}
    return (
        Suggestion(
            setting="amp",
            from_value="off",
            to_value="on",
            text=f"mixed precision (AMP): {_how(view)}",
            finding=finding.id,
            bound=Bound.NONE,
            rests_on=_BASIS if gain.high > 1.0 else f"{_BASIS}; no speed while it waits for data",
            speedup=Effect(1.0, gain.value, gain.low, gain.high),
            images_per_second=rate_effect(view, gain),
            gpu_memory_bytes=_memory(view),
            command=command,
            warnings=() if isinstance(command, Missing) else restart_warnings(view),
            go_on=terms.go_on(view.reading, changes),
        ),
    )


def _gain(view: View) -> Interval:
    """Return the factor on the rate: that of the GPU's work, as far as the workers can follow."""
    if is_starved(view):
        return Interval(1.0, 1.0, 1.0)
    follow = max(1.0, 1.0 / view.busy) if view.busy else _FASTEST
    return Interval(min(_FASTER, follow), 1.0, min(_FASTEST, follow))


def _memory(view: View) -> Maybe[Effect]:
    memory = memory_of(view)
    if isinstance(memory, Missing):
        return memory
    peak = float(memory.peak)
    return Effect(peak, _MEMORY * peak, _LEAST_MEMORY * peak, _MOST_MEMORY * peak)


def _how(view: View) -> str:
    """Return what to do, in words that go on after "mixed precision (AMP):"."""
    framework = view.reading.training.framework
    if framework == "ultralytics":
        return "start it with amp=True"
    if framework != "yolov5":
        return "its code decides about it: torch.autocast and a GradScaler around forward and step"
    if known(view.reading.progress.amp_enabled) is None:
        return "find the line about AMP checks in its log; YOLOv5 switches AMP on by itself where they pass"
    return (
        "YOLOv5 switches it on by itself, but its check failed; that compares detections with and without AMP"
        " and may have to download yolov5n.pt: put it beside train.py, then update PyTorch and the driver"
    )


def _command(view: View, terms: Terms) -> Maybe[str]:
    training = view.reading.training
    if training.framework == "ultralytics":
        return terms.rewrite(training, {"amp": True})
    if training.framework == "yolov5":
        return Missing("YOLOv5 has no flag for it: it follows from the check at the start")
    return Missing("whether its command line has a flag for it is not known: look into its code")
