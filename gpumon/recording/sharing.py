"""What is told again in the same words is kept once."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")


def shared(new: T, old: Any) -> T:
    """Return `new` with the very parts of `old` that are equal to its own, where they stand in both.

    Of what is told of a training some numbers change from one sample to the next, and hardly a sentence: of
    reports that are kept for minutes each would have its own.
    """
    found: T = _shared(new, old)
    return found


def _shared(new: Any, old: Any) -> Any:
    kind = new.__class__
    if new is old or kind is not old.__class__:
        return new
    if kind is tuple:
        return _shared_items(new, old)
    names = _names(kind)
    if names is None:
        # Of two zeros that are equal one may be negative.
        return old if new == old and (kind is not float or new) else new
    parts = {name: _shared(getattr(new, name), getattr(old, name)) for name in names}
    if all(part is getattr(old, name) for name, part in parts.items()):
        return old
    return replace(new, **parts)


@lru_cache(maxsize=256)
def _names(kind: type[Any]) -> tuple[str, ...] | None:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def _shared_items(new: Any, old: Any) -> Any:
    items = (*map(_shared, new, old), *new[len(old) :])
    is_same = len(items) == len(old) and all(item is there for item, there in zip(items, old, strict=True))
    return old if is_same else items
