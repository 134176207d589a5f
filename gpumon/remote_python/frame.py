"""Frames of the other interpreter: which function runs where, and its local variables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Protocol

from gpumon.remote_python.attributes import variable_places
from gpumon.remote_python.code_object import Code
from gpumon.remote_python.gather import gather
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.object import Object, confirm_together, read_place, read_together
from gpumon.remote_python.place import Place
from gpumon.remote_python.reader import Reader

# Loops within loops, and what an innermost call is made with.
MOST_STACKED = 8
# Functions with more variables than this are none that people write.
MOST_HELD = 200


class Stack(Protocol):
    """The stack that a frame is on."""

    def confirm_frame(self, address: int) -> None:
        """Raise TornRead unless the frame is on it."""


class Frame:
    """One call of a Python function at the moment the stack was read.

    `name` and `file` are of its code object (co_name, co_filename) and may hold any character.
    `caller` is the frame that called it, None for the outermost.
    """

    __slots__ = ("_address", "_code", "_instruction", "_reader", "_stack", "caller", "file", "name")

    def __init__(self, reader: Reader, stack: Stack, at: tuple[int, Code, int], caller: Frame | None) -> None:
        self._reader = reader
        self._stack = stack
        self._address, code, self._instruction = at
        self._code = code
        self.name = code.name
        self.file = code.file
        self.caller = caller

    def __repr__(self) -> str:
        return f"<remote frame {self.name} in {self.file}>"

    @property
    def line(self) -> int | None:
        """The line that was running, or waiting for a call to return; None if it cannot be told."""
        return self._reader.attempt(lambda: self._code.line(self._reader, self._instruction))

    def local(self, name: str) -> Object | None:
        """Return the local variable as it is now (of a module: the global one).

        None if there is none, it is not bound, or the frame has returned. Variables of outer functions
        that this one uses are found too.
        """
        return self.variables((name,)).get(name)

    def variables(self, names: Iterable[str]) -> dict[str, Object]:
        """Return those of these local variables that there are, all as they were at one moment.

        See `local`. Costs less than one by one. Where that moment was not found in five tries, as one of them
        changes too often or makes no sense, each is read once alone: `still_has` then tells more.
        """
        wanted = tuple(dict.fromkeys(names))
        found = self._reader.attempt(lambda: self._confirmed(self._variables(wanted)))
        if found is None and len(wanted) > 1 and self.still_has(()):
            found = {}
            for name in wanted:
                found.update(self._alone(name))
        return found or {}

    def still_has(self, variables: Sequence[Object]) -> bool:
        """Tell whether variables that were read of it are still the same objects with the same values."""
        try:
            confirm_together(self._reader, variables)
            self.confirm()
        except TornRead:
            return False
        return True

    def is_same_call(self, other: Frame) -> bool:
        """Tell whether it is the frame that another look found."""
        return self._address == other._address and self._code is other._code

    def global_variable(self, name: str) -> Object | None:
        """Return a global variable of the module that the function is from, as it is now."""
        found = self._reader.attempt(
            lambda: self._confirmed(self._in_dict(self._reader.layout.frame.globals, (name,)))
        )
        return (found or {}).get(name)

    def held(self) -> tuple[Object, ...]:
        """Return what it holds: its variables, then the iterators of its `for` loops, the outermost first.

        What is in cells, and the variables of modules, are not among them. The first MOST_STACKED places of
        the evaluation stack are looked at. Above the top may be what was left there, if it still is an
        object. Empty if the frame has returned.
        """
        return self._reader.attempt(self._held) or ()

    def confirm(self) -> None:
        """Raise TornRead unless the frame is on the stack and runs the same function."""
        if (
            self._untagged(self._reader.word(self._address + self._reader.layout.frame.code))
            != self._code.address
        ):
            raise TornRead
        # The code object was perhaps taken on trust.
        self._code.confirm(self._reader)
        self._stack.confirm_frame(self._address)

    def _confirmed(self, found: dict[str, Object]) -> dict[str, Object]:
        self.confirm()
        return found

    def _alone(self, name: str) -> dict[str, Object]:
        """Return one variable, by one try; empty if there is none or it could not be read."""
        try:
            return self._confirmed(self._variables((name,)))
        except TornRead:
            return {}

    def _variables(self, names: Sequence[str]) -> dict[str, Object]:
        reader, layout = self._reader, self._reader.layout.frame
        if not self._code.optimized:
            return self._in_dict(layout.locals, names)
        known = self._code.locals_named(reader, names)
        if not known:
            return {}
        lowest = min(index for index, _in_cell in known.values())
        highest = max(index for index, _in_cell in known.values())
        first = self._address + layout.localsplus + 8 * lowest
        words = reader.words(first, highest - lowest + 1)
        places: dict[str, Place] = {
            name: ((first + 8 * (index - lowest), words[index - lowest]),)
            for name, (index, _in_cell) in known.items()
            if self._untagged(words[index - lowest])
        }
        read = read_together(reader, [*places.values()], self, reader.layout.pointer_tag_mask)
        found = dict(zip(places, read, strict=True))
        # Before the function has made its cells, an argument itself stands there.
        cells = {name: one for name, one in found.items() if known[name][1] and one.type_name == "cell"}
        if not cells:
            return found
        plain = {name: one for name, one in found.items() if name not in cells}
        contents = self._contents(cells, places)
        # These were read after the plain ones.
        confirm_together(reader, [*plain.values()])
        return {**plain, **contents}

    def _contents(self, cells: dict[str, Object], places: dict[str, Place]) -> dict[str, Object]:
        """Return what is in cells, without those that are empty."""
        reader = self._reader
        at = {name: cell.address + reader.layout.object.cell_content for name, cell in cells.items()}
        words = gather(reader.memory, [(address, 8) for address in at.values()])
        contents: dict[str, Place] = {}
        for (name, address), data in zip(at.items(), words, strict=True):
            word = int.from_bytes(data, "little")
            if word:
                contents[name] = ((address, word), *places[name])
        return dict(zip(contents, read_together(reader, [*contents.values()], self), strict=True))

    def _held(self) -> tuple[Object, ...]:
        reader = self._reader
        first = self._address + reader.layout.frame.localsplus
        count = min(self._code.local_count(reader), MOST_HELD) + MOST_STACKED
        found = []
        for index, word in enumerate(reader.words(first, count)):
            if not self._untagged(word):
                continue
            place = ((first + 8 * index, word),)
            with contextlib.suppress(TornRead):
                found.append(read_place(reader, place, self, reader.layout.pointer_tag_mask))
        self.confirm()
        return tuple(found)

    def _in_dict(self, offset: int, names: Sequence[str]) -> dict[str, Object]:
        pointer_at = self._address + offset
        mapping = self._reader.word(pointer_at)
        if not mapping:
            return {}
        places = variable_places(self._reader, mapping, names, ((pointer_at, mapping),))
        return dict(zip(places, read_together(self._reader, [*places.values()], self), strict=True))

    def _untagged(self, word: int) -> int:
        """Return a pointer of a frame without its tag; 0 for a number in its place (both from 3.14)."""
        mask = self._reader.layout.pointer_tag_mask
        return 0 if mask and word & mask == mask else word & ~mask


class Calls:
    """The calls on a stack at one moment.

    `functions` are the code objects that they run, the innermost call first: each has a `name` and a `file`,
    and is the same object when it is seen again. Frames are made when they are asked for.
    """

    __slots__ = ("_chain", "_reader", "_stack", "functions")

    def __init__(self, reader: Reader, stack: Stack, chain: list[tuple[int, Code, int]]) -> None:
        self._reader = reader
        self._stack = stack
        self._chain = chain
        self.functions: list[Code] = [code for _address, code, _instruction in chain]

    def frames(self) -> tuple[Frame, ...]:
        """Return the frames, linked to their callers, the innermost first."""
        frames: list[Frame] = []
        caller: Frame | None = None
        for at in reversed(self._chain):
            caller = Frame(self._reader, self._stack, at, caller)
            frames.append(caller)
        frames.reverse()
        return tuple(frames)
