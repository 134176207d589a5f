"""What the annotations of a class mean, also where the model imports a name for the type checker only."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, get_type_hints

_MODULES = (
    "clock",
    "finding",
    "gpu",
    "host",
    "measure",
    "plan",
    "process",
    "proof",
    "reading",
    "report",
    "sample",
    "suggestion",
    "training",
)
NOUNS = {
    name: value
    for module in _MODULES
    for name, value in vars(import_module(f"gpumon.model.{module}")).items()
    if not name.startswith("_")
}


def hints_of(kind: type[Any]) -> dict[str, Any]:
    """Return the types of a class's fields. What its own module says of a name comes first."""
    names = {**NOUNS, **vars(sys.modules[kind.__module__])}
    return get_type_hints(kind, names, names)
