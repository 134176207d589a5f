"""Frames, threads and lines of the known program, read from outside, in every installed Python."""

from __future__ import annotations

from typing import Any

from gpumon.remote_python import Interpreter
from tests.remote_python.children import PROGRAMS, frame_named, main_frames
from tests.remote_python.interpreters import Installed

Known = tuple[Installed, Interpreter, Any]


def test_the_version_is_recognised(known: Known) -> None:
    """The version is the one that the interpreter says it has."""
    installed, interpreter, _said = known

    assert installed.version == interpreter.version


def test_the_stack_is_the_one_the_program_sees(known: Known) -> None:
    """Names and lines agree with sys._getframe(), through recursion, generators and calls from C."""
    _installed, interpreter, said = known

    assert said["stack"] == [[frame.name, frame.line] for frame in main_frames(interpreter)]


def test_frames_know_their_file(known: Known) -> None:
    """Every frame is from the program's file, as the interpreter names it."""
    assert {str(PROGRAMS / "known.py")} == {frame.file for frame in main_frames(known[1])}


def test_callers_lead_to_the_module(known: Known) -> None:
    """From any frame its callers lead outwards to the last one, which has none."""
    frames = main_frames(known[1])
    chain, frame = [], frames[0].caller
    while frame is not None:
        chain.append(frame)
        frame = frame.caller

    assert list(frames[1:]) == chain


def test_locals_of_a_recursion_are_each_frames_own(known: Known) -> None:
    """Frames of the same function have their own variables."""
    levels = [frame.local("levels") for frame in main_frames(known[1]) if frame.name == "descend"]

    assert [0, 1, 2, 3, 4, 5] == [level.int if level else None for level in levels]


def test_locals_of_a_generator(known: Known) -> None:
    """The frame of a generator, which does not lie on the stack, has its variables."""
    lines = frame_named(known[1], "steps").local("lines")
    assert lines is not None
    items = lines.items
    assert items is not None

    assert known[2]["lines"] == [item.int for item in items]


def test_variables_of_a_module_are_its_locals(known: Known) -> None:
    """The outermost frame's variables are those of its module."""
    answer = main_frames(known[1])[-1].local("answer")
    assert answer is not None

    assert 42 == answer.int


def test_global_variables_of_a_function(known: Known) -> None:
    """A function's frame leads to the variables of its module."""
    name = frame_named(known[1], "work").global_variable("__name__")
    assert name is not None

    assert "__main__" == name.str


def test_a_variable_that_is_not_there_is_none(known: Known) -> None:
    """A name that the function does not have, and one that is not bound yet, give None."""
    work = frame_named(known[1], "work")

    assert (None, None) == (work.local("never"), main_frames(known[1])[0].local("missing"))


def test_threads_have_the_kernels_ids(known: Known) -> None:
    """The main thread's id is the PID, and the other one waits in threading.py."""
    _installed, interpreter, said = known
    main, idle = interpreter.threads()
    frames = idle.frames()
    assert frames is not None

    assert (interpreter.pid, said["thread"], True, False) == (
        main.native_id,
        main.native_id,
        main.is_main,
        idle.is_main,
    )
    assert idle.native_id not in {None, interpreter.pid}
    assert "_bootstrap" == frames[-1].name


def test_a_thread_that_stays_is_the_same_object(known: Known) -> None:
    """Threads can be followed from one list to the next."""
    assert known[1].threads() == known[1].threads()
