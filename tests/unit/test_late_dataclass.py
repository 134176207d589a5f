"""Frozen dataclasses whose methods are made late are those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any, get_type_hints

import pytest

from gpumon.late_dataclass import dataclass


def _thing(decorator: Any) -> Any:
    """Return a class with every kind of field that gpumon has, made by a decorator."""

    @decorator(frozen=True, slots=True)
    class Thing:
        """A thing."""

        name: str
        size: float = 1.5
        parts: tuple[str, ...] = field(default_factory=lambda: ("made",))
        inner: object = field(default=None, compare=False, repr=False)
        kind: str = field(default="thing", init=False)
        place: int = field(default=3, kw_only=True)

        @property
        def loud(self) -> str:
            return self.name.upper()

    return Thing


LATE, STANDARD = _thing(dataclass), _thing(dataclasses.dataclass)


@pytest.mark.parametrize(
    "make",
    [
        lambda kind: kind("a"),
        lambda kind: kind("a", 2, ("x", "y"), "inside", place=4),
        lambda kind: kind(name="a", parts=()),
        lambda kind: replace(kind("a", 2), name="b", parts=("z",)),
        lambda kind: copy.deepcopy(kind("a", parts=("deep",))),
        lambda kind: copy.copy(kind("a")),
    ],
)
def test_what_is_made_is_what_the_standard_library_makes(make: Callable[[Any], Any]) -> None:
    """All values, the text and the hash are the same, however it is made."""
    late, standard = make(LATE), make(STANDARD)

    assert dataclasses.asdict(late) == dataclasses.asdict(standard)
    assert repr(late) == repr(standard)
    assert hash(late) == hash(standard)
    assert late.loud == standard.loud


def test_equal_are_those_of_the_same_class_and_values() -> None:
    """Fields that are not compared make no difference; other classes are never equal."""
    one = LATE("a", 2.0)

    assert one == LATE("a", 2, inner="other")
    assert one != LATE("a", 2.5)
    assert one != STANDARD("a", 2.0)
    assert one != ("a", 2.0)


def test_nothing_of_it_can_be_changed() -> None:
    """Fields and other names alike are refused as the standard library refuses them."""
    one = LATE("a")

    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        one.name = "b"
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'size'"):
        del one.size
    with pytest.raises(FrozenInstanceError, match="'novel'"):
        one.novel = 1
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize("arguments", [(), ("a", 1, (), None, 4), ("a", 1, (), None, "thing", 3)])
def test_wrong_arguments_are_refused(arguments: tuple[object, ...]) -> None:
    """What is missing or too much is a TypeError, as with the standard library."""
    for kind in (LATE, STANDARD):
        with pytest.raises(TypeError):
            kind(*arguments)


def test_it_can_be_looked_into() -> None:
    """Fields, positions for `match`, signature and hints are there for whoever asks."""
    names = [each.name for each in fields(LATE)]

    assert names == [each.name for each in fields(STANDARD)]
    assert LATE.__match_args__ == STANDARD.__match_args__
    assert list(inspect.signature(LATE).parameters) == list(inspect.signature(STANDARD).parameters)
    assert get_type_hints(LATE.__init__)["parts"] == tuple[str, ...]
    assert LATE.__doc__ == "A thing."


def test_an_own_method_stays() -> None:
    """What a class says of itself is not replaced; what it prepares after its making is done."""

    @dataclass(frozen=True, slots=True)
    class Own:
        value: int

        def __post_init__(self) -> None:
            object.__setattr__(self, "value", self.value + 1)

        def __repr__(self) -> str:
            return "own"

    assert repr(Own(1)) == "own"
    assert Own(1).value == 2


def test_a_class_may_add_to_another() -> None:
    """Fields are inherited in their order, by late classes and by those of the standard library."""

    @dataclass(frozen=True, slots=True)
    class Base:
        first: int

    @dataclass(frozen=True, slots=True)
    class Late(Base):
        second: int = 2

    @dataclasses.dataclass(frozen=True, slots=True)
    class Standard(Base):
        second: int = 2

    assert (Late(1).first, Late(1).second) == (Standard(1).first, Standard(1).second) == (1, 2)
    assert Late(1) == Late(1, 2) != Base(1)


def test_other_options_are_the_standard_librarys() -> None:
    """What may be changed, or has an order, is made as ever."""

    @dataclass(slots=True)
    class Open:
        value: int = 0

    @dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        value: int

    @dataclass
    class Bare:
        value: int = 0

    changed = Open()
    changed.value = 5
    assert changed == Open(5)
    assert Ordered(1) < Ordered(2)
    assert Bare(3).value == 3


def test_nothing_is_compiled_before_it_is_used() -> None:
    """Until a class is used its `__init__` is not made; then it is, once."""

    @dataclass(frozen=True, slots=True)
    class Rare:
        value: int

    assert not inspect.isfunction(vars(Rare)["__init__"])
    assert Rare(1).value == 1
    made = vars(Rare)["__init__"]
    assert inspect.isfunction(made)
    Rare(2)
    assert vars(Rare)["__init__"] is made
