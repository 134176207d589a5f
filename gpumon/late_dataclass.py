"""`@dataclass(frozen=True, slots=True)`, whose methods cost nothing before they are used.

The standard library's compiles six methods for each class, 0.6 ms a class on a slow core: 60 ms of the
dashboard's start. Here one is compiled, `__init__`, and when it is first looked at. For the classes that are
loaded before the first frame; all others may as well be the standard library's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")


class _LateInit:
    """Stands for `__init__` until it is looked at, and puts the real one in its place."""

    __slots__ = ("_owner",)

    def __init__(self, owner: type) -> None:
        self._owner = owner

    def __get__(self, instance: object, kind: type | None = None) -> Callable[..., None]:
        made = _init(self._owner)
        type.__setattr__(self._owner, "__init__", made)
        bound: Callable[..., None] = made if instance is None else made.__get__(instance, kind)
        return bound


def _late(cls: type[T] | None = None, /, **options: bool) -> Callable[[type[T]], type[T]] | type[T]:
    """Return the decorator of these options: for all others than these two it is the standard library's."""
    if options != {"frozen": True, "slots": True}:
        return dataclasses.dataclass(cls, **options)

    def decorate(cls: type[T]) -> type[T]:
        if any(map(dataclasses.is_dataclass, cls.__mro__[1:])):
            return dataclasses.dataclass(frozen=True, slots=True)(cls)
        own = frozenset(cls.__dict__)
        if cls.__doc__ is None:
            # Otherwise the standard library writes the signature there, which takes longer than all the rest.
            cls.__doc__ = cls.__name__
        cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
        # A class of the standard library's may inherit from it: from a frozen one only as a frozen one.
        cls.__dataclass_params__.frozen = True  # type: ignore[attr-defined]  # typeshed leaves it out
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]  # it has just become one
        compared = _values(field.name for field in fields if field.compare)
        hashed = _values(
            field.name for field in fields if (field.compare if field.hash is None else field.hash)
        )
        shown = tuple(field.name for field in fields if field.repr)

        def __eq__(self: T, other: object) -> bool:  # noqa: N807 - becomes the method of that name
            if self.__class__ is not other.__class__:
                # That the other one may know.
                return object.__eq__(self, other)
            return self is other or compared(self) == compared(other)

        def __hash__(self: T) -> int:  # noqa: N807 - as above
            return hash(hashed(self))

        def __repr__(self: T) -> str:  # noqa: N807 - as above
            values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
            return f"{self.__class__.__qualname__}({values})"

        methods = {
            "__init__": _LateInit(cls),
            "__eq__": __eq__,
            "__hash__": __hash__,
            "__repr__": __repr__,
            "__setattr__": _refuse_setting,
            "__delattr__": _refuse_deleting,
            "__getstate__": _state,
            "__setstate__": _set_state,
        }
        for name, method in methods.items():
            if name not in own:
                setattr(cls, name, method)
        return cls

    return decorate


def _values(names: Iterable[str]) -> Callable[[object], tuple[object, ...]]:
    """Return what takes the values of these attributes."""
    all_names = tuple(names)
    if len(all_names) > 1:
        return attrgetter(*all_names)
    return lambda instance: tuple(getattr(instance, name) for name in all_names)


def _init(cls: type) -> Callable[..., None]:
    """Compile `__init__`: the field's defaults are its own, and what has to be made is made in it."""
    scope: dict[str, Any] = {"_UNSET": dataclasses.MISSING}
    parameters: list[str] = []
    keywords: list[str] = []
    lines: list[str] = []
    for field in dataclasses.fields(cls):
        name = field.name
        # The slot's own setter: the class refuses to set anything.
        scope[f"_set_{name}"] = getattr(cls, name).__set__
        scope[f"_default_{name}"] = field.default
        scope[f"_make_{name}"] = field.default_factory
        is_made = field.default_factory is not dataclasses.MISSING
        value = f"_make_{name}()" if is_made else f"_default_{name}"
        if field.init:
            has_default = is_made or field.default is not dataclasses.MISSING
            unset = "_UNSET" if is_made else f"_default_{name}"
            parameter = f"{name}={unset}" if has_default else name
            (keywords if field.kw_only else parameters).append(parameter)
            value = f"{value} if {name} is _UNSET else {name}" if is_made else name
        lines.append(f" _set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    star = ["*", *keywords] if keywords else []
    head = f"def __init__(self, {', '.join([*parameters, *star])}):"
    exec("\n".join([head, *(lines or [" pass"])]), scope)  # noqa: S102 - names of fields, as dataclasses does
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {field.name: field.type for field in dataclasses.fields(cls) if field.init}
    return made


def _refuse_setting(self: object, name: str, value: object) -> None:
    del self, value
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: object, name: str) -> None:
    del self
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


if TYPE_CHECKING:
    # For those who check types it is the standard library's.
    from dataclasses import dataclass
else:
    dataclass = _late
