"""A program that changes all it has while it is read: what is read is right, or unknown."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from contextlib import suppress

import pytest

from gpumon.remote_python import Frame, Interpreter, NotRunning, Object, Thread
from tests.remote_python.children import PROGRAMS
from tests.remote_python.interpreters import Installed, installed

LOOKS = 150


def of_number(factor: int) -> Callable[[Object], bool]:
    """Return the rule that an object is a multiple of `factor`."""
    return lambda one: one.int is not None and one.int % factor == 0


def of_text(pattern: str) -> Callable[[Object], bool]:
    """Return the rule that an object is a string like `pattern`."""
    return lambda one: one.str is not None and re.fullmatch(pattern, one.str) is not None


def all_items(rule: Callable[[Object], bool]) -> Callable[[Object], bool]:
    """Return the rule that all items, if they can be read, keep to another rule."""
    return lambda one: all(map(rule, one.items or ()))


def is_pair(one: Object) -> bool:
    """Tell whether it is (n, -n), or unreadable by now."""
    items = one.items
    if items is None:
        return True
    first, second = items[0].int, items[1].int
    return first is not None and second is not None and first == -second


def is_box(one: Object) -> bool:
    """Tell whether every value is seven times the number of its key."""
    seen = [(key.str or "", value.int) for key, value in one.entries or ()]
    single = one.get("key-5")
    good = [key.startswith("key-") and number == 7 * int(key[4:]) for key, number in seen]
    return all(good) and (single is None or single.int == 35)


def is_thing(one: Object) -> bool:
    """Tell whether its attributes are its own."""
    left, name = one.attr("left"), one.attr("name")
    return (left is None or of_number(11)(left)) and (name is None or of_text(r"thing-\d+")(name))


RULES: dict[str, Callable[[Object], bool]] = {
    "pair": is_pair,
    "count": of_number(3),
    "label": of_text(r"label-\d+"),
    "row": all_items(of_number(5)),
    "box": is_box,
    "thing": is_thing,
    "queue": all_items(of_text(r"q\d+")),
}


def attach_to(child: subprocess.Popen[bytes]) -> Interpreter:
    """Attach as soon as the program runs."""
    while True:
        with suppress(NotRunning):
            return Interpreter.attach(child.pid)


def broken_names(frames: tuple[Frame, ...]) -> list[str]:
    """Return the functions that are from the wrong file."""
    return [
        f"{frame.name} in {frame.file}"
        for frame in frames
        if (frame.name.startswith("fresh_") and frame.file != f"{frame.name}.py")
        or (frame.name in {"churn", "numbers", "descend"} and not frame.file.endswith("restless.py"))
    ]


def look(main: Thread, seen: dict[str, int]) -> list[str]:
    """Look once at everything; return what was wrong, and count in `seen` what could be read."""
    frames = main.frames()
    if frames is None:
        return []
    seen["stack"] += 1
    wrong = broken_names(frames)
    if frames[-1].name != "<module>":
        wrong.append(f"the outermost function is {frames[-1].name}")
    for frame in frames:
        if frame.name == "churn":
            for name, rule in RULES.items():
                one = frame.local(name)
                if one is not None:
                    seen[name] += 1
                    wrong += [] if rule(one) else [f"{name}: {one!r} {one.items} {one.entries}"]
    return wrong


@pytest.mark.parametrize("one", installed(), ids=str)
def test_what_is_read_of_a_restless_program_is_right(one: Installed) -> None:
    """In hundreds of looks nothing raises, nothing is wrong, and most things can be read."""
    child = subprocess.Popen([one.program, PROGRAMS / "restless.py"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    seen = dict.fromkeys(["stack", *RULES], 0)
    try:
        child.stdout.readline()
        with attach_to(child) as interpreter:
            main = interpreter.main_thread
            assert main is not None
            while all(frame.name != "churn" for frame in main.frames() or ()):
                assert child.poll() is None
            wrong = [complaint for _ in range(LOOKS) for complaint in look(main, seen)]
    finally:
        child.kill()
        child.wait()
        child.stdout.close()

    assert ([], []) == (wrong[:5], [name for name, count in seen.items() if count < LOOKS // 2])
