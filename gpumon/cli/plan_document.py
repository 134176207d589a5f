"""A plan before a run as JSON (schema 1). All of it is an estimate, and says so."""

from __future__ import annotations

from typing import Any

from gpumon.advice.starting_facts import StartingFacts
from gpumon.advice.starting_point import BatchStart, StartingPoint
from gpumon.history.stats import Interval
from gpumon.model.document import SCHEMA
from gpumon.model.measure import Maybe, Missing, known


def plan_document(
    facts: StartingFacts, point: StartingPoint, command: str, note: str, version: str
) -> dict[str, Any]:
    """Return a plan as JSON-ready values; `missing` says of each null why it is one."""
    return {
        "schema": SCHEMA,
        "gpumon": version,
        "estimate": True,
        "model": facts.model,
        "imgsz": facts.imgsz,
        "known": _known(facts),
        "batch": _batch(point.batch),
        "workers": {
            "workers": point.workers.workers,
            "text": point.workers.text,
            "images_per_second": _interval(point.workers.prepared),
        },
        "cache": {
            "cache": "ram" if point.cache.ram else None,
            "text": point.cache.text,
            "need_bytes": _interval(point.cache.need),
        },
        "seen": _seen(point),
        "command": command,
        "watch": list(point.watch),
        "missing": _missing(facts, point),
        "notes": [note] if note else [],
    }


def _known(facts: StartingFacts) -> dict[str, Any]:
    gpu, data, machine = known(facts.gpu), known(facts.data), facts.machine
    return {
        "gpu": None
        if gpu is None
        else {
            "name": gpu.name or None,
            "memory_total_bytes": gpu.total_bytes,
            "memory_taken_bytes": gpu.taken_bytes,
            "source": gpu.source,
        },
        "cpu_count": machine.cpu_count,
        "usable_cores": machine.usable_cores,
        "usable_cores_limit": machine.limited_by or None,
        "memory_available_bytes": known(machine.memory_available_bytes),
        "shm_free_bytes": known(machine.shm_free_bytes),
        "images": None if data is None else data.images,
        "images_are_all": None if data is None else data.is_whole,
        "images_sampled": None if data is None else len(data.sizes),
        "mean_file_bytes": None if data is None else data.file_bytes,
    }


def _batch(batch: Maybe[BatchStart]) -> dict[str, Any] | None:
    if isinstance(batch, Missing):
        return None
    return {
        "batch_size": batch.batch,
        "largest_safe": batch.safe,
        "largest_likely": batch.likely,
        "peak_bytes": _interval(batch.peak),
        "rests_on": batch.rests_on,
    }


def _seen(point: StartingPoint) -> dict[str, Any] | None:
    seen = point.seen
    if seen is None:
        return None
    rate = Interval(seen.images_per_second, seen.images_per_second_low, seen.images_per_second_high)
    return {
        "workers": seen.workers,
        "batch_size": seen.batch_size,
        "cache": seen.cache,
        "images_per_second": _interval(rate),
        "data_wait_ratio": seen.data_wait_ratio,
    }


def _missing(facts: StartingFacts, point: StartingPoint) -> dict[str, str]:
    parts: dict[str, Any] = {
        "gpu": facts.gpu,
        "data": facts.data,
        "memory_available_bytes": facts.machine.memory_available_bytes,
        "shm_free_bytes": facts.machine.shm_free_bytes,
        "batch": point.batch,
        "workers.images_per_second": point.workers.prepared,
        "cache.need_bytes": point.cache.need,
    }
    return {name: part.reason for name, part in parts.items() if isinstance(part, Missing)}


def _interval(interval: Maybe[Interval]) -> dict[str, float] | None:
    if isinstance(interval, Missing):
        return None
    return {"value": interval.value, "low": interval.low, "high": interval.high}
