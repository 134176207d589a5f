"""Numbers that say how they are known, and the value that says why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

T = TypeVar("T")


class Certainty(str, Enum):
    """How a number is known."""

    EXACT = "exact"
    SAMPLED = "sampled"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """A reading that cannot be had, with the reason as a short lower-case sentence.

    Two are equal that have the same reason, of whatever class: a source may know more, a recording does not.
    """

    reason: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing) and self.reason == other.reason

    def __hash__(self) -> int:
        return hash(self.reason)


Maybe: TypeAlias = T | Missing


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with its certainty and its source.

    `standard_error` belongs to sampled numbers, `low` and `high` (a 90 % interval) to estimated ones. A
    sampled one has them too where a part of its error is not chance, and is the same in every reading.
    """

    value: float
    certainty: Certainty
    source: str
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None


def known(value: Maybe[T] | None) -> T | None:
    """Return the value itself, or None where it is missing."""
    return None if isinstance(value, Missing) else value


def number(value: Maybe[Measure] | Maybe[float] | Maybe[int] | None) -> float | None:
    """Return the plain number of a measure or a reading, or None where it is missing."""
    # Most are plain numbers, and hundreds are asked for at each sample.
    if type(value) is float:
        return value
    if value is None or isinstance(value, Missing):
        return None
    if isinstance(value, Measure):
        return value.value
    return float(value)
