"""An option of a command line, and argparse's rules for reading one, without argparse.

The rules are those of CPython's argparse for a parser that has options only: unique prefixes, `--flag=value`,
`nargs` "?" and "+", negative numbers as values. Checked against the real one by a property test.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

OptionValue: TypeAlias = "int | float | str | bool | tuple[int | float | str, ...] | None"

_NEGATIVE_NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its spellings, where its value goes, and what it takes.

    `nargs` "" takes one value, "?" none or one (`const` where there is none), "+" one or more, "0" is a
    switch that gives True.
    """

    flags: tuple[str, ...]
    dest: str
    kind: Literal["str", "int", "float"] = "str"
    nargs: Literal["", "?", "+", "0"] = ""
    default: OptionValue = None
    const: OptionValue = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """An option as it was given: `arguments[start:stop]`, spelled `flag`, `inline` for `--flag=value`."""

    option: Option
    value: OptionValue
    flag: str
    start: int
    stop: int
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a command line says. `unknown` arguments fit no option; `problems` would have ended argparse."""

    given: tuple[Given, ...]
    unknown: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether argparse would have accepted the command line."""
        return not self.unknown and not self.problems

    def last(self, dest: str) -> Given | None:
        """Return the last, and so the winning, giving of `dest`."""
        for given in reversed(self.given):
            if given.option.dest == dest:
                return given
        return None


_HELP = Option(("-h", "--help"), "help", nargs="0")


def parse(options: Sequence[Option], arguments: Sequence[str], *, loose: bool = False) -> Parsed:
    """Read `arguments` as an argparse parser with `options` would.

    `loose` also takes `_` for `-` in a flag, as python-fire does (it stands in front of `yolov5 train`).
    """
    return _Reading(tuple(options), tuple(arguments), loose=loose).run()


def find_option(options: Sequence[Option], dest: str) -> Option | None:
    """Return the option whose value goes to `dest`."""
    for option in options:
        if option.dest == dest:
            return option
    return None


class _Reading:
    """One pass over the arguments."""

    def __init__(self, options: tuple[Option, ...], arguments: tuple[str, ...], *, loose: bool) -> None:
        self._by_flag = {flag: option for option in (_HELP, *options) for flag in option.flags}
        self._arguments = arguments
        self._loose = loose
        self._end_of_options = arguments.index("--") if "--" in arguments else len(arguments)
        self._given: list[Given] = []
        self._unknown: list[str] = []
        self._problems: list[str] = []

    def run(self) -> Parsed:
        position = 0
        while position < len(self._arguments):
            position = self._step(position)
        return Parsed(tuple(self._given), tuple(self._unknown), tuple(self._problems))

    def _step(self, position: int) -> int:
        argument = self._arguments[position]
        if self._is_value(position):
            self._unknown.append(argument)
            return position + 1
        matches = self._matches(argument)
        if len(matches) > 1:
            self._problems.append(f"{argument} could be any of {', '.join(flag for flag, _ in matches)}")
            return position + 1
        if not matches:
            self._unknown.append(argument)
            return position + 1
        flag, explicit = matches[0]
        return self._take(position, self._by_flag[flag], explicit)

    def _take(self, position: int, option: Option, explicit: str | None) -> int:
        spelled = self._arguments[position]
        if explicit is not None:
            spelled = spelled[: len(spelled) - len(explicit) - 1]
            values: tuple[str, ...] = (explicit,)
            stop = position + 1
        else:
            most = {"0": 0, "": 1, "?": 1, "+": len(self._arguments)}[option.nargs]
            stop = position + 1
            while stop < len(self._arguments) and stop - position <= most and self._is_value(stop):
                stop += 1
            values = self._arguments[position + 1 : stop]
        problem, value = _convert(option, values, inline=explicit is not None)
        if problem:
            self._problems.append(f"{spelled}: {problem}")
        else:
            self._given.append(Given(option, value, spelled, position, stop, explicit is not None))
        return stop

    def _is_value(self, position: int) -> bool:
        """Tell whether the argument is a value rather than an option; `--` itself is neither."""
        argument = self._arguments[position]
        if position >= self._end_of_options:
            return position > self._end_of_options
        if not argument.startswith("-") or len(argument) == 1:
            return True
        if self._matches(argument):
            return False
        return bool(_NEGATIVE_NUMBER.match(argument)) or " " in argument

    def _matches(self, argument: str) -> list[tuple[str, str | None]]:
        """Return (flag, explicit value) for each flag that `argument` may mean."""
        if self._loose:
            name, equals, rest = argument.partition("=")
            argument = name.replace("_", "-") + equals + rest if name not in self._by_flag else argument
        if argument in self._by_flag:
            return [(argument, None)]
        prefix, equals, rest = argument.partition("=")
        explicit = rest if equals else None
        if equals and prefix in self._by_flag:
            return [(prefix, explicit)]
        if not argument.startswith("--"):
            return []
        return [(flag, explicit) for flag in self._by_flag if flag.startswith(prefix)]


def _convert(option: Option, values: tuple[str, ...], *, inline: bool) -> tuple[str, OptionValue]:
    """Return (problem, value); the problem is empty where there is none."""
    if option.nargs == "0":
        return (f"takes no value, got {values[0]!r}", None) if inline else ("", True)
    if not values:
        return ("", option.const) if option.nargs == "?" else ("needs a value", None)
    converted: list[int | float | str] = []
    for text in values:
        try:
            value: int | float | str = {"str": str, "int": int, "float": float}[option.kind](text)
        except ValueError:
            return f"{text!r} is no {option.kind}", None
        if option.choices and value not in option.choices:
            return f"{text!r} is none of {', '.join(option.choices)}", None
        converted.append(value)
    return "", tuple(converted) if option.nargs == "+" else converted[0]
