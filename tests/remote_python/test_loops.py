"""The loops of functions in every installed Python: what they go through lies on the evaluation stack."""

from __future__ import annotations

import pytest

from gpumon.remote_python import Object
from tests.remote_python.children import PROGRAMS, attached, frame_named, main_frames
from tests.remote_python.interpreters import Installed, installed


def name_of(found: Object | None) -> str | None:
    """Return the name of an iterator of the program."""
    name = found.attr("name") if found else None
    return name.str if name else None


@pytest.mark.parametrize("one", installed(), ids=str)
def test_loops_hold_what_they_go_through(one: Installed) -> None:
    """The outermost loop's iterator comes first, and what an enumerate counts can be asked for."""
    with attached(one.program, PROGRAMS / "loops.py") as (interpreter, _said):
        held = frame_named(interpreter, "fit").held()
        first = next(place for place, one in enumerate(held) if one.type_name == "range_iterator")
        counted, plain = held[first + 1 : first + 3]
        assert ["enumerate", "Batches"] == [counted.type_name, plain.type_name]
        assert "counted" == name_of(counted.enumerated)
        assert "plain" == name_of(plain)
        assert plain.enumerated is None


@pytest.mark.parametrize("one", installed(), ids=str)
def test_variables_are_held_before_the_loops(one: Installed) -> None:
    """An iterator that a program calls `next` on itself is a variable."""
    with attached(one.program, PROGRAMS / "loops.py") as (interpreter, _said):
        held = frame_named(interpreter, "fit").held()
        assert "by hand" in [name_of(found) for found in held[: len(held) // 2]]


@pytest.mark.parametrize("one", installed(), ids=str)
def test_loops_of_a_module_are_its_frames(one: Installed) -> None:
    """A module has no variables in its frame: its own loop's iterator is the first that lies there."""
    with attached(one.program, PROGRAMS / "loops.py") as (interpreter, _said):
        assert "tuple_iterator" == main_frames(interpreter)[-1].held()[0].type_name
