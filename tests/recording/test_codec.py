"""The codec gives back exactly what it was given, and refuses everything else."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import MISSING, dataclass, fields, is_dataclass, make_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.model.measure import Maybe, Missing
from gpumon.model.report import Report
from gpumon.model.sample import Sample
from gpumon.model.suggestion import GoOn
from gpumon.model.text import clean
from gpumon.recording.codec import Codec, CodecError
from gpumon.recording.nouns import NOUNS, hints_of
from gpumon.sources.proc_file import Absent, Denied
from tests.unit.full_report import full_report, missing_report

_LOOKALIKES = st.sampled_from([0.0, -0.0, 1, 1.0, math.inf, 2.5])
SAMPLES = Codec(Sample)
REPORTS = Codec(Report)
_TEXT = st.text(max_size=12).map(clean)
_INTS = st.integers(-(1 << 64), 1 << 64)

st.register_type_strategy(str, _TEXT)
st.register_type_strategy(int, _INTS)
st.register_type_strategy(float, st.floats(allow_nan=False))


def _built(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Return values of a noun of the model: Hypothesis does not find types that are only named there."""
    hints = hints_of(kind)
    ways = {field.name: (field.default, st.from_type(hints[field.name])) for field in fields(kind)}
    return st.builds(
        kind,
        **{
            name: any_value if default is MISSING else st.just(default) | any_value
            for name, (default, any_value) in ways.items()
        },
    )


for _noun in NOUNS.values():
    if isinstance(_noun, type) and is_dataclass(_noun):
        st.register_type_strategy(_noun, _built)


@pytest.mark.parametrize("report", [full_report(), missing_report()])
def test_a_report_comes_back_equal(report: Report) -> None:
    """A report that has everything, and one that has nothing, survive the way through JSON text."""
    text = json.dumps(REPORTS.encode(report))

    assert report == REPORTS.decode(json.loads(text))
    assert repr(report) == repr(REPORTS.decode(json.loads(text)))


@settings(max_examples=12, deadline=None)
@given(sample=st.from_type(Sample))
def test_any_sample_comes_back_equal(sample: Sample) -> None:
    """Whatever the classes allow is written and read back to an equal value."""
    plain = json.loads(json.dumps(SAMPLES.encode(sample)))

    assert repr(sample) == repr(SAMPLES.decode(plain))


@dataclass(frozen=True, slots=True)
class _Numbers:
    number: float
    maybe: Maybe[float | None] = Missing("not read")
    pairs: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _OldNumbers:
    number: float


@pytest.mark.parametrize("number", [0.1, 1e-310, -0.0, 5e-324, math.inf, -math.inf, math.nan, 3, 2**53 + 1])
def test_numbers_are_exact(number: float) -> None:
    """Every bit of a number stays, also of those that are not finite."""
    codec = Codec(_Numbers)
    value = _Numbers(number, number, (("loss", number),))

    assert repr(value) == repr(codec.decode(json.loads(json.dumps(codec.encode(value)))))


@pytest.mark.parametrize("missing", [Absent("/proc/5 is gone"), Denied("no permission to read it")])
def test_what_is_missing_in_a_way_of_its_own_is_written_as_missing(missing: Missing) -> None:
    """A file of /proc that goes with its training once ended a recording."""
    codec = Codec(_Numbers)
    plain = json.loads(json.dumps(codec.encode(_Numbers(1.0, missing))))

    assert _Numbers(1.0, Missing(missing.reason)) == codec.decode(plain)


def test_fields_that_came_later_take_their_defaults() -> None:
    """A recording from before a field was there is read with its default."""
    plain = Codec(_OldNumbers).encode(_OldNumbers(0.5))

    assert _Numbers(0.5) == Codec(_Numbers, {"_Numbers": ["number"]}).decode(plain)


@pytest.mark.parametrize("shape", [["number", "later"], ["maybe"], ["number", "number"]])
def test_fields_that_are_not_known_are_refused(shape: list[str]) -> None:
    """A shape with fields that are unknown, needed and absent, or doubled is refused at once."""
    with pytest.raises(CodecError, match="other fields"):
        Codec(_Numbers, {"_Numbers": shape})


_GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=30,
)


@settings(max_examples=40, deadline=None)
@given(garbage=_GARBAGE)
def test_garbage_is_refused(garbage: object) -> None:
    """Anything else ends in a CodecError of one line, never in another exception."""
    with pytest.raises(CodecError) as caught:
        SAMPLES.decode(garbage)

    assert "\n" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), garbage=_GARBAGE)
def test_a_sample_with_one_wrong_value_never_crashes(data: st.DataObject, garbage: object) -> None:
    """One value of a true sample replaced by anything is read or refused in a sentence."""
    plain = SAMPLES.encode(full_report().sample)
    place: list[object] = plain
    while True:
        index = data.draw(st.integers(0, len(place) - 1))
        inner = place[index]
        if not isinstance(inner, list) or not inner or data.draw(st.booleans()):
            place[index] = garbage
            break
        place = inner

    with contextlib.suppress(CodecError):
        assert isinstance(SAMPLES.decode(plain), Sample)


def test_text_that_would_harm_a_terminal_is_cleaned() -> None:
    """Escape sequences in a file never reach the screen."""
    plain = SAMPLES.encode(full_report().sample)
    plain[3] = "host\x1b[2J"

    assert SAMPLES.decode(plain).hostname == "host"


@dataclass(frozen=True, slots=True)
class _Part:
    """What a training is to a sample."""

    number: float
    flag: bool | float


@dataclass(frozen=True, slots=True)
class _Whole:
    """Two parts."""

    first: _Part
    second: _Part


@given(parts=st.lists(st.tuples(_LOOKALIKES, _LOOKALIKES | st.booleans()), min_size=2, max_size=40))
def test_what_comes_again_is_the_same_and_never_what_only_looks_like_it(
    parts: list[tuple[float, bool | float]],
) -> None:
    """A codec that remembers gives back what one without a memory does, to the type and the sign."""
    codec, plain = Codec(_Whole, steady=(_Part,)), Codec(_Whole)
    for first in parts:
        row = json.loads(json.dumps([list(first), list(parts[0])]))

        assert repr(plain.decode(row)) == repr(codec.decode(row))


def test_what_comes_again_is_one_value() -> None:
    """It is not built anew for each sample."""
    codec = Codec(_Whole, steady=(_Part,))
    first, second = (codec.decode(json.loads("[[1.5, true], [2, 2]]")) for _ in range(2))

    assert first.first is second.first


def test_what_was_refused_is_refused_again() -> None:
    """A memory does not make a wrong value a right one."""
    codec = Codec(_Whole, steady=(_Part,))
    for _ in range(2):
        with pytest.raises(CodecError):
            codec.decode([[1.5, "no"], [2, 2]])


def test_a_diff_keeps_its_lines_and_nothing_else_that_could_harm() -> None:
    """What is to be edited has lines; escape sequences in them are gone, and other text stays one line."""
    hostile = GoOn("python\ntrain.py", "lost", "opt.yaml", "-workers: 2\n+workers: 6\x1b]0;owned\x07\r\n")
    codec = Codec(GoOn)
    found = codec.decode(codec.encode(hostile))

    assert "-workers: 2\n+workers: 6 \n" == found.edit
    assert "python train.py" == found.command


def test_a_diff_that_is_no_text_is_refused() -> None:
    """As any other field."""
    codec = Codec(GoOn)
    plain = codec.encode(GoOn("python", "lost"))
    plain[[field.name for field in fields(GoOn)].index("edit")] = 7

    with pytest.raises(CodecError, match="stands where str was expected"):
        codec.decode(plain)


def test_a_name_alone_does_not_make_a_text_one_of_lines() -> None:
    """It is the class of the model that has lines, not whatever is called like it."""
    other = make_dataclass("GoOn", [("edit", str)])

    assert other("one line") == Codec(other).decode(["one\nline"])
