"""An examination as JSON (schema 1): ids, states and remedies under names that stay."""

from __future__ import annotations

from typing import Any

from gpumon.doctor.check import Check
from gpumon.doctor.examine import Examination
from gpumon.model.document import SCHEMA
from gpumon.model.document_values import rfc3339


def document(examination: Examination, *, version: str, hostname: str, unix_seconds: float) -> dict[str, Any]:
    """Return the examination as JSON-ready values.

    `command` of a remedy is null where there is none; of the remedies of a check any one is enough.
    """
    return {
        "schema": SCHEMA,
        "gpumon": version,
        "timestamp": rfc3339(unix_seconds),
        "hostname": hostname,
        "health": examination.health.value,
        "text": examination.text,
        "exit_code": examination.exit_code,
        "pids": list(examination.pids),
        "notes": list(examination.notes),
        "checks": [_check(check) for check in examination.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "tier": check.tier.value,
        "subject": check.subject,
        "title": check.title,
        "state": check.state.value,
        "text": check.text,
        "remedies": [{"text": remedy.text, "command": remedy.command or None} for remedy in check.remedies],
    }
