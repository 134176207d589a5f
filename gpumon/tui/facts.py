"""A number with all that is known about it, in words: its value, its certainty, and its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.paint.glyphs import Glyphs
from gpumon.paint.numbers import bytes_text, percent, quantity

N = TypeVar("N", int, float, bool)


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the list of sources. `certainty` is empty for words, which are told and not measured.

    `is_missing` says that `source` is the reason why there is no value.
    """

    name: str
    value: str
    certainty: str = ""
    source: str = ""
    role: str = "value"
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that belong together, under a heading."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """How a number is written, and how its standard error is, which stands behind it."""

    write: Callable[[float], str]
    write_error: Callable[[float], str]


def _error_percent(error: float) -> str:
    return f"{error * 100:.0f}" if error >= 0.0095 else f"{error * 100:.1f}"


RATIO = Unit(lambda value: percent(value, 0), _error_percent)
RATE = Unit(quantity, lambda error: f"{error:.0f}" if error >= 0.95 else f"{error:.1g}")
BYTES = Unit(bytes_text, bytes_text)
SECONDS = Unit(lambda value: f"{1000 * value:.0f} ms", lambda error: f"{1000 * error:.0f}")


def missing(name: str, reason: str) -> Fact:
    """Return a fact that cannot be had."""
    return Fact(name, "", "missing", reason, "dim", is_missing=True)


def measured(name: str, measure: Maybe[Measure], unit: Unit, glyph: Glyphs, note: str = "") -> Fact:
    """Return a measure with its error or its interval, and its source with `note` behind it."""
    if isinstance(measure, Missing):
        return missing(name, measure.reason)
    value = unit.write(measure.value)
    if measure.certainty is Certainty.ESTIMATED:
        value = f"~{value}"
    if measure.standard_error is not None:
        value += f" {glyph.plus_minus}{unit.write_error(measure.standard_error)}"
    words = [measure.source, note]
    if measure.low is not None and measure.high is not None:
        words.append(f"90 % between {unit.write(measure.low)} and {unit.write(measure.high)}")
    return Fact(name, value, measure.certainty.value, ", ".join(word for word in words if word))


def counted(
    name: str,
    value: Maybe[N],
    source: str,
    *,
    write: Callable[[N], str] = str,
    certainty: Certainty = Certainty.EXACT,
) -> Fact:
    """Return a plain number, which is as certain as its source makes it."""
    if isinstance(value, Missing):
        return missing(name, value.reason)
    mark = "~" if certainty is Certainty.ESTIMATED else ""
    return Fact(name, mark + write(value), certainty.value, source)
