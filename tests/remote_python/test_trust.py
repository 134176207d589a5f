"""Code objects that are not compared at each look: how long a name can be wrong if one is replaced."""

from __future__ import annotations

from typing import Any

import pytest

from gpumon.remote_python import Code, Interpreter
from gpumon.remote_python.code_object import SECONDS_TO_SETTLE, SECONDS_TRUSTED
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.thread import Thread, find_threads
from tests.remote_python.changed_memory import ChangedMemory
from tests.remote_python.interpreters import Installed


class Watched:
    """The main thread of the known program, a clock of its own, and the power to replace functions."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.now = 100.0
        self.memory = ChangedMemory(interpreter._memory)
        self.reader = Reader(self.memory, interpreter._reader.layout, lambda: self.now)
        pid = interpreter.pid
        threads = find_threads(self.reader, interpreter._runtime.address, pid, {pid: pid})
        self._main: Thread = next(thread for thread in threads if thread.is_main)

    def functions(self) -> list[Code]:
        """Return the functions on the stack now, the innermost first."""
        calls = self._main.calls()
        assert calls is not None
        return calls.functions

    def names(self) -> list[str]:
        """Return their names."""
        return [function.name for function in self.functions()]

    def rename(self, function: Code, other: Code) -> None:
        """Put a code object of another name in the place of one."""
        place = self.reader.layout.code.name
        word = self.reader.word(other.address + place)
        self.memory.words[function.address + place] = word.to_bytes(8, "little")

    def settle(self) -> None:
        """Look until all functions are trusted."""
        self.names()
        self.now += SECONDS_TO_SETTLE
        self.names()


@pytest.fixture
def watched(known: tuple[Installed, Interpreter, Any]) -> Watched:
    """The known program's main thread."""
    return Watched(known[1])


def test_a_function_seen_a_moment_ago_is_compared_at_each_look(watched: Watched) -> None:
    """Another code object at its address is noticed at once."""
    first, *_rest, last = watched.functions()
    watched.now += SECONDS_TO_SETTLE / 2
    watched.rename(first, last)
    assert watched.names()[0] == last.name != first.name


def test_a_settled_function_is_wrong_for_a_second_at_most(watched: Watched) -> None:
    """It is compared again when the time of trust is over."""
    first, *_rest, last = watched.functions()
    watched.settle()
    watched.rename(first, last)
    assert watched.names()[0] == first.name
    watched.now += SECONDS_TRUSTED
    assert watched.names()[0] == last.name


def test_an_address_that_was_used_again_is_compared_for_good(watched: Watched) -> None:
    """A program that makes functions in a loop deceives once."""
    first, *_rest, last = watched.functions()
    watched.rename(first, last)
    watched.settle()
    assert watched.names()[0] == last.name
    watched.memory.words.clear()
    assert watched.names()[0] == first.name


def test_variables_are_never_read_on_trust(watched: Watched) -> None:
    """The table that says where they are must be that of the code object which is there now."""
    _first, *_rest, last = watched.functions()
    place = next(place for place, name in enumerate(watched.names()) if name == "work")
    watched.settle()
    calls = watched._main.calls()
    assert calls is not None
    work = calls.frames()[place]
    assert work.local("epoch") is not None
    watched.rename(calls.functions[place], last)
    assert work.local("epoch") is None


def test_a_settled_stack_costs_a_few_reads(watched: Watched) -> None:
    """No read for each function: the thread, its innermost frame, and the frames at once or by page."""
    functions = watched.functions()
    watched.settle()
    watched.names()
    before = watched.memory.reads
    assert watched.functions() == functions
    assert watched.memory.reads - before < len(functions)


def test_a_number_is_unchanged_until_another_one_is_in_its_place(watched: Watched) -> None:
    """Also one at the same address, as a counter finds its next number where it left the last but one."""
    calls = watched._main.calls()
    assert calls is not None
    work = next(frame for frame in calls.frames() if frame.name == "work")
    plain = work.local("plain")
    number = plain.attr("epoch") if plain else None
    assert number is not None
    changes: list[bool] = [number.is_unchanged]
    digits = number.address + watched.reader.layout.integer.digits
    watched.memory.words[digits] = (4).to_bytes(8, "little")
    changes.append(number.is_unchanged)
    watched.memory.words.clear()
    changes.append(number.is_unchanged)
    watched.memory.words[number._place[0][0]] = (number.address + 64).to_bytes(8, "little")
    changes.append(number.is_unchanged)
    assert changes == [True, False, True, False]
