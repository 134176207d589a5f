"""Attributes and variables read together while tables, places and values change under the reader."""

from __future__ import annotations

from typing import Any

import pytest

from gpumon.remote_python import Frame, Interpreter, Object
from gpumon.remote_python.mapping import read_keys
from gpumon.remote_python.names import SECONDS_TRUSTED
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.thread import find_threads
from tests.remote_python.changed_memory import ChangedMemory
from tests.remote_python.interpreters import Installed

NAMES = ("epoch", "name", "ratio", "never")
# More reads than one look at two things takes: a change at any later one is none.
ENOUGH_READS = 40


class Scene:
    """The known program's `work`, read through a memory that can be changed, by a clock of its own."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.now = 100.0
        self.memory = ChangedMemory(interpreter._memory)
        self.reader = Reader(self.memory, interpreter._reader.layout, lambda: self.now)
        pid = interpreter.pid
        threads = find_threads(self.reader, interpreter._runtime.address, pid, {pid: pid})
        main = next(thread for thread in threads if thread.is_main)
        self.work: Frame = next(frame for frame in main.frames() or () if frame.name == "work")

    def variable(self, name: str) -> Object:
        """Return a variable of `work`, which must be readable."""
        found = self.work.local(name)
        assert found is not None
        return found

    def key_place(self, name: str) -> int:
        """Return where the pointer to a name stands in the one table that has it."""
        places = []
        for address, names in self.reader.names.items():
            if name in names.indexes:
                keys = read_keys(self.reader, address)
                places.append(keys.entries + 8 * (names.indexes[name] * keys.entry_words + keys.key_place))
        (place,) = places
        return place


@pytest.fixture
def scene(known: tuple[Installed, Interpreter, Any]) -> Scene:
    """The known program's scene."""
    return Scene(known[1])


def pointer(address: int) -> bytes:
    """Return the bytes of a pointer."""
    return address.to_bytes(8, "little")


def plain_values(found: dict[str, Object] | None) -> dict[str, object]:
    """Return what numbers and strings are worth."""
    return {name: one.int if one.str is None else one.str for name, one in (found or {}).items()}


def swapped(first: Object, second: Object) -> dict[int, bytes]:
    """Return the words that are changed for two objects to change places."""
    (first_at, first_word), (second_at, second_word) = first._place[0], second._place[0]
    return {first_at: pointer(second_word), second_at: pointer(first_word)}


@pytest.mark.parametrize("name", ["plain", "dressed"])
def test_attributes_read_together_are_those_read_alone(scene: Scene, name: str) -> None:
    """Those that there are, wherever the instance keeps them."""
    one = scene.variable(name)
    found = one.attrs(NAMES)
    assert found is not None
    assert {"epoch": 3, "name": "plain", "ratio": 0.25} == {
        key: value.float if value.float is not None else value.int if value.str is None else value.str
        for key, value in found.items()
    }


def test_variables_read_together_are_those_read_alone(scene: Scene) -> None:
    """Plain ones, those in cells, and none for what there is not."""
    found = scene.work.variables(["zero", "text", "shared", "epoch", "never"])
    assert {"zero": 0, "text": "hello", "shared": 5, "epoch": 2} == plain_values(found)


def test_names_are_not_read_again(scene: Scene) -> None:
    """Once their characters were read, three attributes cost about what one alone would cost."""
    plain = scene.variable("plain")
    plain.attrs(NAMES)
    before = scene.memory.reads
    assert len(plain.attrs(NAMES) or {}) == 3
    assert scene.memory.reads - before < 16


@pytest.mark.parametrize("name", ["plain", "dressed"])
def test_another_string_in_the_table_is_another_name(scene: Scene, name: str) -> None:
    """A table that changed under us is noticed by the address of the string."""
    one, other = scene.variable(name), scene.variable("text")
    assert plain_values(one.attrs(("epoch",))) == {"epoch": 3}
    scene.memory.words[scene.key_place("epoch")] = pointer(other.address)
    assert plain_values(one.attrs(("epoch", "hello"))) == {"hello": 3}


def test_another_name_at_the_same_address_is_noticed_in_time(scene: Scene) -> None:
    """A string that was freed and another in its memory may pass for SECONDS_TRUSTED, and not longer."""
    plain = scene.variable("plain")
    plain.attr("epoch")
    string = int.from_bytes(scene.memory.read(scene.key_place("epoch"), 8), "little")
    scene.memory.words[string + scene.reader.layout.text.ascii_data] = b"later\0\0\0"
    scene.now += SECONDS_TRUSTED / 2
    assert plain_values(plain.attrs(("epoch", "later"))) == {"epoch": 3}
    scene.now += SECONDS_TRUSTED / 2
    assert plain_values(plain.attrs(("epoch", "later"))) == {"later": 3}


def test_a_table_that_is_no_more_is_not_read_by_what_is_known_of_it(scene: Scene) -> None:
    """Where its memory holds anything else there is no attribute: nothing is taken on trust but strings."""
    dressed = scene.variable("dressed")
    dressed.attr("epoch")
    place = scene.key_place("epoch")
    for at in range(place - 4096, place + 4096, 8):
        scene.memory.words[at] = b"\xff" * 8
    assert dressed.attr("epoch") is None


@pytest.mark.parametrize("name", ["plain", "dressed"])
def test_attributes_are_of_one_moment(scene: Scene, name: str) -> None:
    """Whenever two attributes change places while they are read, both are from before or from after."""
    one = scene.variable(name)
    found = one.attrs(("epoch", "name"))
    assert found is not None
    change = swapped(found["epoch"], found["name"])
    seen = []
    for read in range(ENOUGH_READS):
        scene.memory.words.clear()
        scene.memory.change_at(read, change)
        seen.append(tuple(plain_values(one.attrs(("epoch", "name"))).values()))
    assert {(3, "plain"), ("plain", 3)} == set(seen)
    assert seen[0] == ("plain", 3)
    assert seen[-1] == (3, "plain")


@pytest.mark.parametrize("names", [("zero", "text"), ("epoch", "shared")])
def test_variables_are_of_one_moment(scene: Scene, names: tuple[str, str]) -> None:
    """The same for variables, also for those in cells."""
    found = scene.work.variables(names)
    before = tuple(plain_values(found).values())
    change = swapped(found[names[0]], found[names[1]])
    seen = set()
    for read in range(ENOUGH_READS):
        scene.memory.words.clear()
        scene.memory.change_at(read, change)
        seen.add(tuple(plain_values(scene.work.variables(names)).values()))
    assert {before, before[::-1]} == seen


def test_a_variable_that_makes_no_sense_hides_no_other(scene: Scene) -> None:
    """What cannot be read together is read alone, as far as it can be, and soon given up."""
    ratio, zero = scene.variable("ratio"), scene.variable("zero")
    scene.memory.words[ratio.address + scene.reader.layout.object.type] = pointer(zero.address)
    before = scene.memory.reads
    found = scene.work.variables(["zero", "ratio", "shared", "latin"])
    assert {"zero": 0, "shared": 5, "latin": "h\u00e9llo"} == plain_values(found)
    assert scene.memory.reads - before < 120


@pytest.mark.parametrize("string", [0x2000, 0xFFFFFFFFFFFFFFF8])
def test_a_name_that_cannot_be_read_hides_no_other(scene: Scene, string: int) -> None:
    """Where an address leads to nothing the other names are found, and the address is tried again."""
    plain = scene.variable("plain")
    plain.attr("epoch")
    place = scene.key_place("epoch")
    scene.memory.words[place] = pointer(string)
    assert {"name": "plain"} == plain_values(plain.attrs(("epoch", "name")))
    scene.memory.words.clear()
    assert {"epoch": 3, "name": "plain"} == plain_values(plain.attrs(("epoch", "name")))


def test_a_frame_tells_whether_variables_are_the_same(scene: Scene) -> None:
    """Another object in the place of one, or another number at its address, is noticed."""
    found = scene.work.variables(["zero", "text", "digit"])
    kept = [found["zero"], found["digit"]]
    told = [scene.work.still_has(kept)]
    scene.memory.words.update(swapped(found["zero"], found["text"]))
    told.append(scene.work.still_has(kept))
    scene.memory.words.clear()
    scene.memory.words[found["digit"].address + scene.reader.layout.integer.digits] = bytes(8)
    told.append(scene.work.still_has(kept))
    assert told == [True, False, False]


def test_a_frame_knows_itself(scene: Scene, known: tuple[Installed, Interpreter, Any]) -> None:
    """The frame that another look finds is the same call; its caller is another one."""
    again = Scene(known[1])
    caller = scene.work.caller
    assert caller is not None
    assert scene.work.is_same_call(scene.work)
    assert not scene.work.is_same_call(caller)
    # Each reader has code objects of its own.
    assert not scene.work.is_same_call(again.work)
