"""Says the line tables of some modules of the library, and for each instruction the line Python gives it."""

from __future__ import annotations

import argparse
import asyncio.base_events
import dis
import json
import sys
import textwrap
from types import CodeType, ModuleType
from typing import Any, Iterator  # noqa: UP035 - Python 3.8 runs it

MODULES = (argparse, asyncio.base_events, textwrap)


def codes(module: ModuleType) -> Iterator[CodeType]:
    """Return the code of a module and of all functions in it."""
    with open(str(module.__file__), encoding="utf-8") as file:  # noqa: PTH123 - as Python 3.8 has it
        waiting = [compile(file.read(), str(module.__file__), "exec")]
    while waiting:
        code = waiting.pop()
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        yield code


def lines(code: CodeType) -> list[Any]:
    """Return [offset, line] of every instruction."""
    if hasattr(code, "co_lines"):
        return [
            [offset, line]
            for start, end, line in code.co_lines()
            for offset in range(start, min(end, start + 64), 2)
        ]
    starts = sorted(dis.findlinestarts(code))
    ends = [start for start, _ in starts[1:]] + [len(code.co_code)]
    return [
        [offset, line]
        for (start, line), end in zip(starts, ends)  # noqa: B905 - Python 3.8 runs it
        for offset in range(start, end, 2)
    ]


if __name__ == "__main__":
    said = [
        {
            "name": code.co_name,
            "first": code.co_firstlineno,
            "table": (code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab).hex(),
            "lines": lines(code),
        }
        for module in MODULES
        for code in codes(module)
    ]
    json.dump(said, sys.stdout)
