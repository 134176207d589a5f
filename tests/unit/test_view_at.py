"""The view of an earlier second is the one that its own window gave."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.diagnosis.verdict import FOLDED_SAMPLES, JUDGED_SAMPLES, view_at
from gpumon.diagnosis.view import view_of
from gpumon.history.history import History, window_of
from gpumon.model.training import Phase
from tests.unit.synthetic_training import HEALTHY, PID

_SECONDS = 30


@settings(deadline=None, max_examples=60)
@given(
    phases=st.lists(st.sampled_from([*Phase]), min_size=_SECONDS, max_size=_SECONDS),
    unseen=st.sets(st.integers(0, _SECONDS - 1), max_size=8),
    kept=st.integers(5, _SECONDS),
)
def test_an_earlier_second_is_seen_as_it_was(phases: list[Phase], unseen: set[int], kept: int) -> None:
    """Also where single samples do not show the training, and where its oldest ones are gone."""
    history = History(recent_samples=kept)
    for sample in replace(HEALTHY, seconds=_SECONDS, phases=tuple(phases)).samples():
        shown = sample.sequence not in unseen
        history.append(sample if shown else replace(sample, trainings=()))
    now = view_of(history.window(), PID)
    for sample, _ in now.seen if now is not None else ():
        assert now is not None
        until = [one for one in now.window.samples if one.sequence <= sample.sequence][-JUDGED_SAMPLES:]
        then, alone = view_at(now, sample), view_of(window_of(until), PID)
        assert alone is not None
        assert list(then.window.samples) == until
        assert (then.seen, then.steady, then.only_bursts) == (alone.seen, alone.steady, alone.only_bursts)


def test_a_second_is_judged_by_no_more_than_it_had() -> None:
    """Each second that is folded into the verdict has as many samples as when it was the newest."""
    scene = replace(HEALTHY, seconds=FOLDED_SAMPLES + JUDGED_SAMPLES)
    now = view_of(scene.window(), PID)
    assert now is not None
    oldest = now.window.samples[-FOLDED_SAMPLES]
    assert len(view_at(now, oldest).seen) == JUDGED_SAMPLES
