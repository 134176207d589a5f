"""Frames of the other interpreter: which function runs where, and its local variables."""

from __future__ import annotations

import contextlib
from typing import Protocol

from gpumon.remote_python.code_object import Code
from gpumon.remote_python.mapping import value_place
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.object import Object, read_place
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
        return self._reader.attempt(lambda: self._confirmed(self._local(name)))

    def global_variable(self, name: str) -> Object | None:
        """Return a global variable of the module that the function is from, as it is now."""
        return self._reader.attempt(
            lambda: self._confirmed(self._in_dict(self._reader.layout.frame.globals, name))
        )

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

    def _confirmed(self, found: Object | None) -> Object | None:
        self.confirm()
        return found

    def _local(self, name: str) -> Object | None:
        reader, layout = self._reader, self._reader.layout.frame
        if not self._code.optimized:
            return self._in_dict(layout.locals, name)
        known = self._code.local(reader, name)
        if known is None:
            return None
        index, in_cell = known
        slot = self._address + layout.localsplus + 8 * index
        word = reader.word(slot)
        if not self._untagged(word):
            return None
        found = read_place(reader, ((slot, word),), self, reader.layout.pointer_tag_mask)
        # Before the function has made its cells, an argument itself stands there.
        if in_cell and found.type_name == "cell":
            content_at = found.address + reader.layout.object.cell_content
            content = reader.word(content_at)
            return read_place(reader, ((content_at, content), (slot, word)), self) if content else None
        return found

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

    def _in_dict(self, offset: int, name: str) -> Object | None:
        pointer_at = self._address + offset
        mapping = self._reader.word(pointer_at)
        place = value_place(self._reader, mapping, name) if mapping else None
        return None if place is None else read_place(self._reader, (*place, (pointer_at, mapping)), self)

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
