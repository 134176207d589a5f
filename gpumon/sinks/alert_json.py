"""An alert as JSON: what the command of --on-finding gets on its stdin."""

from __future__ import annotations

import json

import gpumon
from gpumon.model.cost import cost_of, power_of
from gpumon.model.document import SCHEMA
from gpumon.model.document_values import Json, plain, rfc3339
from gpumon.model.finding_document import finding_document, suggestion_document
from gpumon.monitor.onsets import Alert


def alert_document(alert: Alert) -> Json:
    """Return the finding, the training it is of, what it costs, and what to change."""
    reading, sample = alert.reading, alert.report.sample
    training = reading.training
    missing: dict[str, str] = {}
    report = alert.report.of(training.id.pid)
    suggestions = report.suggestions if report is not None else ()
    return {
        "schema": SCHEMA,
        "gpumon": gpumon.__version__,
        "event": "finding",
        "timestamp": rfc3339(sample.instant.unix_seconds),
        "hostname": sample.hostname,
        "simulated": training.simulated,
        "training": {
            "pid": training.id.pid,
            "framework": training.framework,
            "name": training.name,
            "run_dir": plain("run_dir", training.run_dir, missing),
            "missing": missing,
        },
        "finding": finding_document(
            alert.finding, cost_of(alert.finding, reading, power_of(reading, sample.gpus))
        ),
        "suggestions": [
            suggestion_document(suggestion)
            for suggestion in suggestions
            if suggestion.finding == alert.finding.id
        ],
    }


def alert_bytes(alert: Alert) -> bytes:
    """Return the document in one line of ASCII."""
    return json.dumps(alert_document(alert), allow_nan=False, ensure_ascii=True).encode("ascii") + b"\n"
