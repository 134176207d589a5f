"""Single values of the JSON document: what is missing, what is no finite number, and times."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from enum import Enum
from typing import Any, TypeAlias

from gpumon.model.measure import Measure, Missing
from gpumon.model.training import Setting

Json: TypeAlias = dict[str, Any]


def rfc3339(unix_seconds: float) -> str:
    """Return a Unix time as RFC 3339 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(unix_seconds, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(name: str, value: Any, missing: dict[str, str]) -> Any:
    """Return `value` as JSON; a missing one is None and leaves its reason in `missing`."""
    if isinstance(value, Missing):
        missing[name] = value.reason
        return None
    if isinstance(value, Measure):
        return _measure(value) if plain(name, value.value, missing) is not None else None
    if isinstance(value, float) and not math.isfinite(value):
        missing[name] = f"not a finite number ({value})"
        return None
    if isinstance(value, tuple):
        return [plain(name, item, missing) for item in value]
    if isinstance(value, Setting):
        return plain(name, value.value, missing)
    return value.value if isinstance(value, Enum) else value


def finite(value: Any) -> Any:
    """Return what JSON can carry; a NaN loss is worth telling, so it becomes its name."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _measure(measure: Measure) -> Json:
    found: Json = {"value": measure.value, "certainty": measure.certainty.value, "source": measure.source}
    for name in ("standard_error", "low", "high"):
        value = getattr(measure, name)
        if value is not None:
            found[name] = finite(value)
    return found
