"""What the annotations of a class mean, also where the model imports a name for the type checker only."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, get_type_hints

from gpumon.model import (
    clock,
    finding,
    gpu,
    host,
    measure,
    plan,
    process,
    proof,
    reading,
    report,
    sample,
    suggestion,
    training,
)

_MODULES: tuple[ModuleType, ...] = (
    clock,
    finding,
    gpu,
    host,
    measure,
    plan,
    process,
    proof,
    reading,
    report,
    sample,
    suggestion,
    training,
)
NOUNS = {
    name: value for module in _MODULES for name, value in vars(module).items() if not name.startswith("_")
}


def hints_of(kind: type[Any]) -> dict[str, Any]:
    """Return the types of a class's fields. What its own module says of a name comes first."""
    names = {**NOUNS, **vars(sys.modules[kind.__module__])}
    return get_type_hints(kind, names, names)
