"""Windows to judge rules on: traces of the library, and samples from which a measure is taken away."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import window_of
from gpumon.history.window import Window
from gpumon.model.gpu import GpuReading
from gpumon.model.host import CgroupReading, HostReading
from gpumon.model.measure import Missing
from gpumon.model.reading import LoaderReading, ProgressReading, TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.lab.library import TRACES
from tests.lab.score_library import opened

AWAY = Missing("taken away in a test")
_TYPES = (GpuReading, HostReading, LoaderReading, ProgressReading, CgroupReading, TrainingReading)
# Measures that are called otherwise where they are read, or that come as a part of something.
_PLACES: dict[str, tuple[tuple[type, str], ...]] = {
    "host_cpu_busy_ratio": ((HostReading, "cpu_busy_ratio"),),
    "disk_busy_ratio": ((HostReading, "disks"),),
    "shm_free_bytes": ((LoaderReading, "shm"),),
    "training_gpu_memory_used_bytes": ((TrainingReading, "gpu_memory_used_bytes"),),
    "memory_available_bytes": ((HostReading, "memory"),),
    "losses_not_finite_ratio": (
        (ProgressReading, "losses_not_finite_ratio"),
        (ProgressReading, "steps_skipped_ratio"),
    ),
    "validation_ratio": ((TrainingReading, "phase"),),
    "checkpoint_ratio": ((TrainingReading, "phase"),),
}


@cache
def samples_of(name: str) -> tuple[Sample, ...]:
    """Return the samples of a trace of the library, read once."""
    with opened(name, TRACES) as trace:
        return tuple(trace.samples())


@cache
def window_of_trace(name: str) -> Window:
    """Return the window at the end of a trace."""
    return window_of(samples_of(name))


def view_at_the_end(window: Window) -> View:
    """Return the view of the training of a window."""
    reading = window.newest.training()
    assert reading is not None
    found = view_of(window, reading.training.id.pid)
    assert found is not None
    return found


def without(window: Window, measure: str) -> Window:
    """Return a window of the same samples in which nobody knows a measure."""
    places = _PLACES.get(measure) or tuple((one, measure) for one in _TYPES if _has(one, measure))
    assert places, f"no reading has {measure}"
    samples = window.samples
    for kind, name in places:
        samples = tuple(_replaced(sample, kind, name) for sample in samples)
    return window_of(samples)


def _has(kind: Any, name: str) -> bool:
    return any(one.name == name for one in fields(kind))


def _replaced(reading: Any, kind: type, name: str) -> Any:
    """Return a reading with a field of all its parts of one kind taken away."""
    if isinstance(reading, tuple):
        return tuple(_replaced(part, kind, name) for part in reading)
    if not is_dataclass(reading) or isinstance(reading, type):
        return reading
    if isinstance(reading, kind):
        return replace(reading, **{name: Phase.UNKNOWN if name == "phase" else AWAY})
    changed = {}
    for one in fields(reading):
        value = getattr(reading, one.name)
        if isinstance(value, tuple) or is_dataclass(value):
            new = _replaced(value, kind, name)
            if new is not value and new != value:
                changed[one.name] = new
    return replace(reading, **changed) if changed else reading
