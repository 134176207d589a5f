"""What earlier runs taught, written into a recording and read back: exactly, and without trust."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.prior import (
    NOTHING_KNOWN,
    EarlierRun,
    Prior,
    SeenMemory,
    SeenPrediction,
    SeenProof,
    SeenRate,
)
from gpumon.history.stats import Interval
from gpumon.model.clock import Instant
from gpumon.model.process import ProcessId
from gpumon.model.suggestion import Change, Effect
from gpumon.recording.codec import CodecError
from gpumon.recording.learned import (
    MOST_LEARNED_CHARACTERS,
    MOST_TRAININGS,
    Learned,
    as_recorded,
    learned_text,
    newest_learned,
    read_learned,
)
from gpumon.recording.reader import open_recording
from gpumon.recording.store import RecordingFile
from tests.recording.prior_scene import PRIOR, full_prior
from tests.recording.scene import ABOUT

TRAINING = ProcessId(4000, 1)
OTHER = ProcessId(4001, 7)

_factors = st.floats(0.01, 100.0)
_rates = st.lists(st.floats(0.001, 1e6), min_size=3, max_size=3).map(sorted)
_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
_values = st.none() | st.booleans() | st.integers(-9, 10**6) | st.floats(0.0, 10.0) | _texts
_effects = st.builds(Effect, _factors, _factors, _factors, _factors)
_changes = st.builds(Change, _texts, _values, _values)
_intervals = _rates.map(lambda three: Interval(three[1], three[0], three[2]))
_predictions = st.builds(
    SeenPrediction,
    st.lists(_changes, min_size=1, max_size=3).map(tuple),
    st.none() | _effects,
    st.none() | _effects,
    st.none() | _effects,
    st.none() | _effects,
    st.lists(st.tuples(st.integers(0, 64), _effects), max_size=4).map(tuple),
)
_seen_rates = st.builds(
    lambda workers, batch, cache, three, wait: SeenRate(
        workers, batch, cache, three[1], three[0], three[2], wait
    ),
    st.integers(0, 256),
    st.integers(1, 1024),
    st.none() | _texts,
    _rates,
    st.none() | st.floats(0.0, 1.0),
)
_earlier = st.builds(
    EarlierRun,
    st.integers(1, 10**6),
    st.lists(st.tuples(_texts, _values), max_size=5).map(tuple),
    st.none() | _intervals,
    st.none() | _intervals,
    st.none() | _intervals,
    st.lists(_predictions, max_size=2).map(tuple),
)
_memories = st.builds(SeenMemory, st.integers(1, 512), st.integers(0, 1 << 40), st.booleans())
_priors = st.builds(
    Prior,
    st.lists(
        st.builds(SeenMemory, st.integers(1, 512), st.integers(0, 1 << 40), st.booleans()), max_size=5
    ).map(tuple),
    st.lists(_seen_rates, max_size=5).map(tuple),
    st.lists(st.builds(SeenProof, _texts, _factors, _factors), max_size=5).map(tuple),
    st.none() | _earlier,
    st.none() | st.integers(1, 10**6),
)


@given(_priors, st.floats(0.0, 1e9))
def test_a_prior_comes_back_as_it_was(prior: Prior, seconds: float) -> None:
    """Every number to the last bit, every type as it was."""
    text = learned_text({TRAINING: Learned(seconds, prior), OTHER: Learned(0.0, NOTHING_KNOWN)})
    found = read_learned(text)

    assert "" == found.trouble
    assert {TRAINING: Learned(seconds, prior), OTHER: Learned(0.0, NOTHING_KNOWN)} == found.of_training
    assert repr(prior) == repr(found.of_training[TRAINING].prior) == repr(as_recorded(prior))


def test_it_holds_from_when_it_had_been_read() -> None:
    """Before that moment nothing was known, and of another training nothing ever is."""
    found = read_learned(learned_text({TRAINING: Learned(50.0, PRIOR)}))

    assert NOTHING_KNOWN == found.prior(TRAINING, Instant(0.0, 49.9))
    assert PRIOR == found.prior(TRAINING, Instant(0.0, 50.0))
    assert NOTHING_KNOWN == found.prior(replace(TRAINING, start_ticks=2), Instant(0.0, 60.0))


def test_a_recording_without_one_knows_nothing() -> None:
    """Recordings of an older gpumon hold no prior, and that is no trouble."""
    assert ("", NOTHING_KNOWN) == (read_learned("").trouble, read_learned("").prior(TRAINING, Instant(0, 9)))
    assert learned_text({}) == ""


def _kept(folder: Path, text: str) -> str:
    """Return what a recording gives back of that text."""
    path = folder / "a.gpumon"
    file = RecordingFile(path, replace(ABOUT, prior=text))
    file.end()
    file.close()
    with open_recording(path) as recording:
        return recording.prior


def test_as_many_full_priors_as_trainings_are_read_back(tmp_path: Path) -> None:
    """The most trainings of one recording, each with all that a prior may hold."""
    learned = {
        ProcessId(1000 + each, 1): Learned(float(each), as_recorded(full_prior(each)))
        for each in range(MOST_TRAININGS + 1)
    }
    kept, text = newest_learned(learned)

    assert list(learned)[1:] == list(kept)
    assert ("", kept) == (read_learned(_kept(tmp_path, text)).trouble, read_learned(text).of_training)


def test_what_would_be_too_long_is_the_newest_that_fits(tmp_path: Path) -> None:
    """The oldest is forgotten rather than all, and the recording can still be opened."""
    learned = {
        ProcessId(1000 + each, 1): Learned(float(each), as_recorded(full_prior(each, "\\" * 1500)))
        for each in range(MOST_TRAININGS)
    }
    kept, text = newest_learned(learned)

    assert 3 < len(kept) < MOST_TRAININGS
    assert list(learned)[-len(kept) :] == list(kept)
    assert ("", kept) == (read_learned(_kept(tmp_path, text)).trouble, read_learned(text).of_training)


def _plain() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(learned_text({TRAINING: Learned(50.0, PRIOR)}))
    return found


def _with(change: Any) -> str:
    plain = _plain()
    change(plain["4000:1"])
    return json.dumps(plain)


def _set(value: list[Any], *path: int, to: Any) -> None:
    for index in path[:-1]:
        value = value[index]
    value[path[-1]] = to


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it is not about up to 32 trainings"),
        pytest.param(" " * (MOST_LEARNED_CHARACTERS + 1), "it is too long", id="too long"),
        ('{"4000:1": {"from_seconds": NaN}}', "NaN is no finite number"),
        ('{"pid": {}}', "a training in it has no PID"),
        ('{"4000:1": []}', "it does not say from when on it holds"),
        ('{"4000:1": {"from_seconds": "soon"}}', "the moment from which it holds is no number"),
        ('{"4000:1": {"from_seconds": 1e999}}', "the moment from which it holds is no number"),
        (f'{{"4000:1": {{"from_seconds": {"9" * 400}}}}}', "the moment from which it holds is no number"),
        (f'{{"4000:1": {{"from_seconds": -{"9" * 400}}}}}', "the moment from which it holds is no number"),
        ('{"4000:1": {"from_seconds": true}}', "the moment from which it holds is no number"),
        ('{"4000:1": {"from_seconds": 1}}', "it is not a value with its fields"),
        (_with(lambda one: one.update(fields=7)), "it does not say which fields it has"),
        (_with(lambda one: one["fields"].update(Prior=["memory", "nobody"])), "Prior has other fields here"),
        (_with(lambda one: _set(one["value"], 0, 0, 0, to="16")), "'16' stands where int was expected"),
        (_with(lambda one: _set(one["value"], 0, 0, 0, to=0)), "a size in it is out of range"),
        (_with(lambda one: _set(one["value"], 0, 0, 1, to=-5)), "a size in it is out of range"),
        (_with(lambda one: _set(one["value"], 0, to=[[16, 1, True]] * 65)), "more than 64 entries"),
        (_with(lambda one: _set(one["value"], 1, 0, 3, to=0)), "a factor or a rate in it is out of range"),
        (_with(lambda one: _set(one["value"], 1, 0, 4, to=1e9)), "an interval in it is none"),
        (_with(lambda one: _set(one["value"], 2, 0, 1, to=-1.6)), "a factor or a rate in it is out of range"),
        (_with(lambda one: _set(one["value"], 4, to=[1])), "a list of 1 stands where"),
    ],
)
def test_a_broken_one_is_one_sentence(text: str, reason: str) -> None:
    """Nothing of it is used, nothing is raised, and the sentence says what is wrong."""
    found = read_learned(text)

    assert not found.of_training
    assert found.trouble.startswith("what earlier runs taught is broken in this recording: ")
    assert reason in found.trouble
    assert "\n" not in found.trouble


_scalars = st.none() | st.booleans() | st.floats() | st.text()


@given(st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4)))
def test_no_value_breaks_the_reader(value: Any) -> None:
    """Whatever stands in place of a prior is a sentence."""
    text = _with(lambda one: one.update(value=value))

    assert read_learned(text).trouble


def test_what_cannot_be_recorded_is_refused_live_too() -> None:
    """A prior with a number that is none would not be the same in a replay."""
    broken = replace(PRIOR, proofs=(SeenProof("workers", float("inf"), 1.0),))

    with pytest.raises(CodecError):
        as_recorded(broken)


def test_fields_that_came_later_take_their_defaults() -> None:
    """A prior of an older gpumon, which knew neither the earlier run nor a number, can be used."""
    plain = _plain()
    one = plain["4000:1"]
    one["fields"]["Prior"] = one["fields"]["Prior"][:3]
    one["value"] = one["value"][:3]

    found = read_learned(json.dumps(plain)).of_training[TRAINING].prior

    assert replace(PRIOR, earlier=None, run=None) == found


def test_hostile_text_is_cleaned() -> None:
    """Escape sequences in a recording do not reach a terminal."""
    hostile = replace(PRIOR, proofs=(SeenProof("\x1b]0;owned\x07workers", 1.6, 1.5),))
    found = read_learned(learned_text({TRAINING: Learned(1.0, hostile)})).of_training[TRAINING].prior

    assert found.proofs[0].setting == "workers"
