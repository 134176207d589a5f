"""Findings and suggestions as JSON: parts of the document, and what an alert hands on."""

from __future__ import annotations

from dataclasses import fields

from gpumon.model.cost import Cost
from gpumon.model.document_values import Json, finite, plain, rfc3339
from gpumon.model.finding import Evidence, Finding
from gpumon.model.measure import Maybe, Missing
from gpumon.model.suggestion import Change, Effect, GoOn, Suggestion

_NO_COST = "it costs no time, or nobody knows how much"


def finding_document(finding: Finding, cost: Cost | None) -> Json:
    """Return a finding with its evidence and what it costs."""
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "since": rfc3339(finding.since_unix_seconds),
        "text": finding.text,
        "evidence": [evidence_document(evidence) for evidence in finding.evidence],
        "cost": None if cost is None else _cost(cost),
        "missing": {"cost": _NO_COST} if cost is None else {},
    }


def suggestion_document(suggestion: Suggestion) -> Json:
    """Return a suggestion: the change, what it brings, and the command."""
    missing: dict[str, str] = {}

    def effect(name: str, value: Effect | Missing) -> Json | None:
        if isinstance(value, Missing):
            missing[name] = value.reason
            return None
        return effect_document(value)

    return {
        "setting": suggestion.setting,
        "from": finite(suggestion.from_value),
        "to": finite(suggestion.to_value),
        "text": suggestion.text,
        "speedup": effect("speedup", suggestion.speedup),
        "images_per_second": effect("images_per_second", suggestion.images_per_second),
        "gpu_memory_bytes": effect("gpu_memory_bytes", suggestion.gpu_memory_bytes),
        "data_wait_ratio": effect("data_wait_ratio", suggestion.data_wait_ratio),
        "certainty": "estimated",
        "bound": suggestion.bound.value,
        "rests_on": suggestion.rests_on,
        "finding": suggestion.finding,
        "command": plain("command", suggestion.command, missing),
        "warnings": list(suggestion.warnings),
        "together": [change_document(change) for change in suggestion.together],
        "curve": [{"value": value, "speedup": effect_document(point)} for value, point in suggestion.curve],
        "go_on": _go_on(suggestion.go_on, missing),
        "missing": missing,
    }


def change_document(change: Change) -> Json:
    """Return a changed setting."""
    return {
        "setting": change.setting,
        "from": finite(change.from_value),
        "to": finite(change.to_value),
    }


def effect_document(effect: Effect) -> Json:
    """Return a quantity now and as predicted."""
    return {field.name: finite(getattr(effect, field.name)) for field in fields(effect)}


def _go_on(go_on: Maybe[GoOn], missing: dict[str, str]) -> Json | None:
    if isinstance(go_on, Missing):
        missing["go_on"] = go_on.reason
        return None
    inner: dict[str, str] = {}
    found: Json = {"command": plain("command", go_on.command, inner), "lost": go_on.lost}
    found |= {"path": go_on.path, "edit": go_on.edit, "begins_again": go_on.begins_again}
    return {**found, "missing": inner}


def _cost(cost: Cost) -> Json:
    missing: dict[str, str] = {}
    found = {field.name: plain(field.name, getattr(cost, field.name), missing) for field in fields(cost)}
    return {**found, "certainty": "estimated", "missing": missing}


def evidence_document(evidence: Evidence) -> Json:
    """Return one number behind a finding."""
    return {
        field.name: finite(getattr(evidence, field.name))
        for field in fields(evidence)
        if getattr(evidence, field.name) not in {None, ""}
    }
