"""Whole epochs are seen from end to end, short ones in the samples and long ones in the series."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.diagnosis.epochs import epochs_of, epochs_with_memory, phase_shares
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import History
from gpumon.history.moments import Moments
from gpumon.model.training import Phase
from tests.unit.run_scene import changed, phased, slower, view
from tests.unit.synthetic_training import PID

TRAIN, VALIDATE, CHECKPOINT = Phase.TRAIN, Phase.VALIDATE, Phase.CHECKPOINT
_EPOCH = ((TRAIN, 10), (VALIDATE, 5), (CHECKPOINT, 1))


def test_an_epoch_ends_where_the_next_begins() -> None:
    """Its seconds are those of training, validation and checkpoint together."""
    epochs = epochs_of(view(phased(*_EPOCH, *_EPOCH, *_EPOCH, (TRAIN, 3))))
    assert [(e.seconds, e.validation_seconds, e.checkpoint_seconds) for e in epochs] == [(16.0, 5.0, 1.0)] * 2


def test_what_was_seen_from_its_middle_on_is_no_whole_epoch() -> None:
    """Neither the first epoch, of which the beginning is not known, nor the one that runs."""
    assert epochs_of(view(phased((TRAIN, 4), (VALIDATE, 5), (TRAIN, 10)))) == ()


def test_the_first_epoch_begins_after_the_start() -> None:
    """What was seen to start is seen from its beginning."""
    seen = view(phased((Phase.START, 5), *_EPOCH, (TRAIN, 1)))
    assert [epoch.seconds for epoch in epochs_of(seen)] == [16.0]


def test_long_epochs_are_read_from_the_series() -> None:
    """Epochs of ten minutes are longer than the samples kept; a third of each is validation."""
    spans = ((TRAIN, 40), (VALIDATE, 20)) * 5
    shares = phase_shares(view(slower(phased(*spans), 10.0)[-300:]))
    assert shares is not None
    assert shares.epochs >= 2
    assert shares.validation_ratio == pytest.approx(1 / 3, abs=0.03)
    assert shares.epoch_seconds == pytest.approx(600, abs=20)


def test_memory_is_the_most_that_was_held_while_training() -> None:
    """The validation's own peak, at twice the batch, does not count."""
    epochs = epochs_with_memory(view(phased(*_EPOCH, *_EPOCH, (TRAIN, 1))))
    assert [epoch.gpu_memory_bytes for epoch in epochs] == [5 * 1024**3]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(0, 8), st.integers(0, 3)).filter(lambda e: e[1] + e[2] > 0),
        min_size=3,
        max_size=8,
    )
)
def test_shares_are_those_of_the_epochs_between(lengths: list[tuple[int, int, int]]) -> None:
    """Whatever the lengths: all epochs but the first count, each second once."""
    spans = [(p, s) for e in lengths for p, s in zip((TRAIN, VALIDATE, CHECKPOINT), e, strict=True)]
    shares = phase_shares(view(phased(*spans, (TRAIN, 1))))
    whole = lengths[1:]
    seconds = sum(sum(epoch) for epoch in whole)
    assert shares is not None
    assert shares.epochs == len(whole)
    assert shares.validation_ratio == pytest.approx(sum(epoch[1] for epoch in whole) / seconds)
    assert shares.checkpoint_ratio == pytest.approx(sum(epoch[2] for epoch in whole) / seconds)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([*Phase]), st.integers(1, 6)), min_size=4, max_size=16),
    st.integers(8, 30),
)
def test_epochs_seen_second_by_second_are_those_of_one_look(
    spans: list[tuple[Phase, int]], kept: int
) -> None:
    """What is remembered of an epoch that is over is what the samples still say, until they are gone."""
    history = History(recent_samples=kept)
    for sample in phased(*spans):
        history.append(changed(sample, gpu_memory_used_bytes=sample.sequence * 1000 % 7919))
        now = view_of(history.window(), PID)
        assert now is not None
        assert epochs_with_memory(now) == epochs_with_memory(forgotten(now))


def forgotten(seen: View) -> View:
    """Return the same view where nothing is remembered."""
    fresh = view_of(replace(seen.window, moments=Moments()), PID)
    assert fresh is not None
    return fresh
