"""The local variables of the known program, read from outside, in every installed Python."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gpumon.remote_python import Interpreter, Object
from tests.remote_python.children import frame_named
from tests.remote_python.interpreters import Installed

Known = tuple[Installed, Interpreter, Any]


def local(known: Known, name: str) -> Object:
    """Return a local variable of `work`, which must be readable."""
    found = frame_named(known[1], "work").local(name)
    assert found is not None
    return found


def value(found: Object | None) -> object:
    """Return what a scalar is worth, told by its type alone."""
    assert found is not None
    return {
        "int": found.int,
        "bool": found.bool,
        "float": found.float,
        "str": found.str,
        "NoneType": "None" if found.is_none else "broken",
    }.get(found.type_name, found.type_name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("epoch", 2),
        ("zero", 0),
        ("negative", -12345678901),
        ("digit", 2**30 - 1),
        ("huge", 2**100),
        ("ratio", 1.5),
        ("infinite", -math.inf),
        ("nothing", "None"),
        ("yes", True),
        ("no", False),
        ("flag", False),
        ("text", "hello"),
        ("latin", "h\u00e9llo"),
        ("wide", "\u65e5\u672c"),
        ("wider", "\U0001f600x"),
        ("empty", ""),
        ("shared", 5),
    ],
)
def test_scalars_have_their_values(known: Known, name: str, expected: object) -> None:
    """Numbers, strings, bools and None are read as they are, also from cells."""
    found = value(local(known, name))

    assert (type(expected), expected) == (type(found), found)


def test_a_bool_counts_as_a_number_and_a_number_is_no_bool(known: Known) -> None:
    """True is 1, as in Python; 2 is no bool, and no float either."""
    yes, epoch = local(known, "yes"), local(known, "epoch")

    assert (1, None, None) == (yes.int, epoch.bool, epoch.float)


def test_subclasses_of_numbers_are_numbers(known: Known) -> None:
    """A class of one's own keeps its name and has the value of what it is derived from."""
    counter, share = local(known, "counter"), local(known, "share")

    assert ("Counter", 7, "Share", 2.5) == (counter.type_name, counter.int, share.type_name, share.float)


def test_an_enormous_number_is_not_read(known: Known) -> None:
    """A number of thousands of bits is no counter: it has a type and no value."""
    enormous = local(known, "enormous")

    assert ("int", None) == (enormous.type_name, enormous.int)


def test_a_long_string_is_cut(known: Known) -> None:
    """A string keeps its length, of its text the first 4,096 characters are read."""
    long = local(known, "long")

    assert (5000, "x" * 4096) == (long.len, long.str)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mixed", [1, "a", 2.0, "None", "list"]),
        ("pair", [1, "b"]),
        ("void", []),
        ("rest", [8, 9]),
        ("slim", [1, 2, 3]),
        ("queue", list(range(1, 200))),
        ("ring", ["b", "c"]),
    ],
)
def test_sequences_hold_their_items(known: Known, name: str, expected: list[object]) -> None:
    """Lists, tuples, deques of several blocks and subclasses of them hold what they hold, in order."""
    items = local(known, name).items
    assert items is not None

    assert (expected, len(expected)) == ([value(item) for item in items], local(known, name).len)


def test_one_item_is_read_alone(known: Known) -> None:
    """An item is found by its index, also from the end; outside there is none."""
    queue = local(known, "queue")

    assert (1, 199, None) == (value(queue.item(0)), value(queue.item(-1)), queue.item(199))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("table", {"k": 1, "other": "list", 3: 4}),
        ("more", {"extra": 1}),
        ("ordered", {"a": 1}),
        ("default", {"b": 2}),
        ("numbers", {number: str(number) for number in range(300)}),
    ],
)
def test_dicts_have_their_entries(known: Known, name: str, expected: dict[object, object]) -> None:
    """Small and large dicts and subclasses have their keys and values; deleted ones are gone."""
    entries = local(known, name).entries
    assert entries is not None

    assert (expected, len(expected)) == (
        {value(key): value(one) for key, one in entries},
        local(known, name).len,
    )


def test_a_dict_is_asked_for_one_key(known: Known) -> None:
    """A key is found if it is there, again and again; a deleted one is not."""
    table = local(known, "table")

    assert (1, 1, None) == (value(table.get("k")), value(table.get("k")), table.get("gone"))


def test_attributes_of_an_instance(known: Known) -> None:
    """Attributes are found in instances that have no dict yet, and through chains of them."""
    plain = local(known, "plain")
    inner = plain.attr("child")
    assert inner is not None
    innermost = inner.attr("child")
    assert innermost is not None

    assert (3, "plain", 0.25, "None") == (
        value(plain.attr("epoch")),
        value(innermost.attr("name")),
        value(innermost.attr("ratio")),
        value(innermost.attr("child")),
    )


def test_attributes_of_an_instance_with_a_dict(known: Known) -> None:
    """Attributes are found where __dict__ was asked for, and has grown."""
    dressed = local(known, "dressed")

    assert (3, "comer", 39) == (
        value(dressed.attr("epoch")),
        value(dressed.attr("late")),
        value(dressed.attr("extra_39")),
    )


@pytest.mark.parametrize(("name", "expected"), [("slim", "s"), ("cold", "e")])
def test_attributes_of_instances_of_c_types(known: Known, name: str, expected: str) -> None:
    """Where a C type is the base, the dict stands at the offset that the type states."""
    assert expected == value(local(known, name).attr("mark"))


def test_attributes_behind_the_digits_of_an_int_are_right_or_unknown(known: Known) -> None:
    """Where the dict stands depends on the digits: it is not guessed."""
    mark = local(known, "counter").attr("mark")

    assert mark is None or mark.str == "c"


def test_an_attribute_that_is_not_there_is_none(known: Known) -> None:
    """An instance without the attribute, a number, and a name that only the class has give None."""
    plain = local(known, "plain")

    assert (None, None, None) == (plain.attr("none"), plain.attr("__init__"), local(known, "zero").attr("x"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", "Plain"),
        ("data", "bytes"),
        ("queue", "collections.deque"),
        ("ordered", "collections.OrderedDict"),
        ("kind", "type"),
        ("module", "module"),
        ("code", "code"),
        ("use", "function"),
    ],
)
def test_types_have_their_names(known: Known, name: str, expected: str) -> None:
    """Every object says its type, in the words of C: dotted for what C defines."""
    assert expected == local(known, name).type_name


def test_what_an_object_is_not_is_none(known: Known) -> None:
    """Asked for what it has not, an object gives None."""
    zero = local(known, "zero")

    assert (None, None, None, None, None, None, False) == (
        zero.str,
        zero.len,
        zero.items,
        zero.entries,
        zero.item(0),
        zero.get("k"),
        zero.is_none,
    )


def test_nothing_was_torn(known: Known) -> None:
    """In a process that waits every read is good at once."""
    local(known, "plain").attr("epoch")

    assert (0, 0) == (known[1].torn_reads, known[1].lost_reads)
