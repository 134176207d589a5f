"""Runs and comparisons as JSON (schema 1): base units, null with a reason where something is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeAlias

from gpumon.advice.prior import SeenPrediction
from gpumon.history.estimate import wait_interval
from gpumon.history.stats import Interval
from gpumon.model.document import SCHEMA
from gpumon.model.document_values import rfc3339
from gpumon.model.finding_document import change_document, effect_document
from gpumon.model.measure import Maybe, Missing
from gpumon.model.plan_document import proof_document
from gpumon.recording.runs_compare import Comparison
from gpumon.recording.runs_place import how_it_ended
from gpumon.recording.runs_run import Run
from gpumon.recording.runs_statistics import peak_of, speed_of, wait_of

Json: TypeAlias = dict[str, Any]


def runs_document(runs: tuple[Run, ...], boot: str, version: str) -> Json:
    """Return the list of runs."""
    return {"schema": SCHEMA, "gpumon": version, "runs": [_run(run, boot) for run in runs]}


def comparison_document(comparison: Comparison, boot: str, version: str) -> Json:
    """Return a comparison: `speedup` and the changes are of `other` against `one`."""
    missing: dict[str, str] = {}
    return {
        "schema": SCHEMA,
        "gpumon": version,
        "one": _run(comparison.one, boot),
        "other": _run(comparison.other, boot),
        "differences": [{**asdict(each), "kind": each.kind.value} for each in comparison.differences],
        "verdict": comparison.verdict.value,
        "text": comparison.text,
        "speedup": _interval("speedup", comparison.speedup, missing),
        "data_wait_ratio_change": _interval("data_wait_ratio_change", comparison.wait_change, missing),
        "gpu_memory_peak_bytes_change": _interval(
            "gpu_memory_peak_bytes_change", comparison.memory_change_bytes, missing
        ),
        "proof": proof_document(comparison.proof),
        "warnings": list(comparison.warnings),
        "missing": missing,
    }


def _run(run: Run, boot: str) -> Json:
    missing: dict[str, str] = {}
    speed, wait, peak = speed_of(run), wait_of(run), peak_of(run)
    end, text = how_it_ended(run, boot)
    about = asdict(run.about)
    settings = {
        name["name"]: {"value": name["value"], "source": name["source"]} for name in about["settings"]
    }
    high = peak if isinstance(peak, Missing) else peak.likely_high_bytes
    return {
        "run": run.id,
        "pid": run.process.pid,
        **about,
        "settings": settings,
        "environment": dict(about["environment"]),
        "first_seen": rfc3339(run.first_seen_unix_seconds),
        "last_seen": rfc3339(run.last_seen_unix_seconds),
        "first_epoch": run.first_epoch,
        "last_epoch": run.last_epoch,
        "ended": {"how": end.value, "text": text},
        "seen_seconds": run.seen_seconds,
        "steady_seconds": run.steady_seconds,
        "images_per_second": _interval(
            "images_per_second", speed if isinstance(speed, Missing) else speed.interval(), missing
        ),
        "data_wait_ratio": _interval(
            "data_wait_ratio", wait if isinstance(wait, Missing) else wait_interval(wait), missing
        ),
        "gpu_memory_peak_bytes": _plain(
            "gpu_memory_peak_bytes", peak if isinstance(peak, Missing) else peak.seen_bytes, missing
        ),
        "gpu_memory_peak_likely_high_bytes": _plain("gpu_memory_peak_likely_high_bytes", high, missing),
        "has_validation": run.has_validation,
        "predictions": [_prediction(prediction) for prediction in run.predictions],
        "proof": proof_document(run.proof),
        "missing": missing,
    }


def _prediction(prediction: SeenPrediction) -> Json:
    """Return what was predicted for changed settings; null is what was not."""
    effects = {
        name: None if effect is None else effect_document(effect)
        for name, effect in (
            ("speedup", prediction.speedup),
            ("images_per_second", prediction.images_per_second),
            ("data_wait_ratio", prediction.data_wait_ratio),
            ("gpu_memory_bytes", prediction.gpu_memory_bytes),
        )
    }
    curve = [{"value": value, "speedup": effect_document(effect)} for value, effect in prediction.curve]
    return {"changes": [change_document(each) for each in prediction.changes], **effects, "curve": curve}


def _interval(name: str, interval: Maybe[Interval], missing: dict[str, str]) -> Json | None:
    if isinstance(interval, Missing):
        missing[name] = interval.reason
        return None
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _plain(name: str, value: Maybe[int] | Maybe[float], missing: dict[str, str]) -> float | None:
    if isinstance(value, Missing):
        missing[name] = value.reason
        return None
    return value
