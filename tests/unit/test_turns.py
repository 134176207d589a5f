"""When trainings went from one phase or epoch to the next."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.history.events import Event, EventKind, events
from gpumon.history.history import window_of
from gpumon.history.turns import Turn, Turns, turn_at
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.model.sample import Sample
from gpumon.model.training import Ended, Ending, Phase
from tests.unit.synthetic_training import PID, Scene

T, V, C = Phase.TRAIN, Phase.VALIDATE, Phase.CHECKPOINT
STORY = ((T, 0), (T, 0), (V, 0), (C, 0), (T, 1), (T, 1), (V, 1), (T, 2))

stories = st.lists(
    st.tuples(st.sampled_from(list(Phase)), st.one_of(st.none(), st.integers(0, 5))), min_size=1, max_size=40
)


def samples_of(story: tuple[tuple[Phase, int | None], ...], start: float = 1000.0) -> tuple[Sample, ...]:
    """Return one sample a second of a training with these phases and epochs."""
    scene = Scene(seconds=len(story), phases=tuple(phase for phase, _ in story))
    made = []
    for sample, (_, epoch) in zip(scene.samples(start), story, strict=True):
        reading = sample.trainings[0]
        known = Missing("no log") if epoch is None else epoch
        reading = replace(reading, progress=replace(reading.progress, epoch=known))
        made.append(replace(sample, trainings=(reading,)))
    return tuple(made)


def turns_of(samples: tuple[Sample, ...], most_turns: int = 100) -> tuple[Turn, ...]:
    """Return the turns after these samples."""
    turns = Turns(most_turns)
    for sample in samples:
        turns.read(sample)
    return turns.all


def test_only_changes_are_kept() -> None:
    """A second like the one before adds nothing; each change is kept with its moment."""
    found = turns_of(samples_of(STORY))

    assert [
        (1000.0, T, 0),
        (1002.0, V, 0),
        (1003.0, C, 0),
        (1004.0, T, 1),
        (1006.0, V, 1),
        (1007.0, T, 2),
    ] == [(turn.seconds, turn.phase, turn.epoch) for turn in found]


def test_what_cannot_be_read_leaves_what_was_known() -> None:
    """A second without a phase and without an epoch is no change."""
    assert 1 == len(turns_of(samples_of(((T, 3), (Phase.UNKNOWN, None), (T, 3)))))


def test_another_process_with_the_same_pid_begins_anew() -> None:
    """What was known of a training is forgotten when it is gone."""
    first, gone, again = samples_of(((V, 7), (V, 7), (Phase.UNKNOWN, None)))
    found = turns_of((first, replace(gone, trainings=()), again))

    assert [(V, 7), (Phase.UNKNOWN, None)] == [(turn.phase, turn.epoch) for turn in found]


def test_the_number_of_turns_is_bounded() -> None:
    """The oldest go first."""
    found = turns_of(samples_of(STORY), most_turns=3)

    assert [1004.0, 1006.0, 1007.0] == [turn.seconds for turn in found]


def test_events_are_what_happened_and_not_what_was_met() -> None:
    """The first sight of a training is no event; an epoch, a validation and a checkpoint are."""
    assert (
        Event(EventKind.VALIDATION, 1002.0),
        Event(EventKind.CHECKPOINT, 1003.0),
        Event(EventKind.EPOCH, 1004.0, 1),
        Event(EventKind.VALIDATION, 1006.0),
        Event(EventKind.EPOCH, 1007.0, 2),
    ) == events(turns_of(samples_of(STORY)), PID)


def test_the_end_is_an_event() -> None:
    """A training that ended has its end told once."""
    going, over, still = samples_of(((T, 1), (T, 1), (T, 1)))
    ended = Ended(Ending.FINISHED, "100 of 100 epochs", 1.7e9)
    dead = tuple(replace(one, trainings=(replace(one.trainings[0], ended=ended),)) for one in (over, still))

    assert (Event(EventKind.END, 1001.0),) == events(turns_of((going, *dead)), PID)


def test_another_training_is_left_out() -> None:
    """Events are those of one training."""
    (sample,) = samples_of(((T, 1),))
    other = replace(sample.trainings[0].training, id=ProcessId(77, 1))
    both = replace(sample, trainings=(replace(sample.trainings[0], training=other), *sample.trainings))

    assert () == events(turns_of((both,)), PID)
    assert {77, PID} == {turn.pid for turn in turns_of((both,))}


@settings(deadline=None, max_examples=50)
@given(story=stories)
def test_every_moment_has_the_phase_and_epoch_that_were_seen_then(
    story: list[tuple[Phase, int | None]],
) -> None:
    """Turns are the whole story: at each second they say what was last known by then."""
    found = turns_of(samples_of(tuple(story)))
    phase, epoch = story[0]
    for second, (seen_phase, seen_epoch) in enumerate(story):
        phase = phase if seen_phase is Phase.UNKNOWN else seen_phase
        epoch = epoch if seen_epoch is None else seen_epoch
        turn = turn_at(found, PID, 1000.0 + second)
        assert turn is not None
        assert (phase, epoch) == (turn.phase, turn.epoch)
    assert turn_at(found, PID, 999.0) is None
    assert list(found) == sorted(found, key=lambda turn: turn.seconds)


def test_a_window_of_the_past_knows_nothing_of_later_turns() -> None:
    """The past as it was at a sample has the turns up to that sample."""
    window = window_of(samples_of(STORY))

    assert window.turns[:3] == window.until(3, 10).turns
    assert window.turns == window.until(7, 10).turns


@settings(deadline=None, max_examples=50)
@given(story=stories, since=st.integers(995, 1045))
def test_events_since_a_moment_are_those_of_all_that_are_not_older(
    story: list[tuple[Phase, int | None]], since: int
) -> None:
    """Looking at a part of the past tells of it what looking at all of it does."""
    found = turns_of(samples_of(tuple(story)))
    late = tuple(event for event in events(found, PID) if event.seconds >= since)

    assert late == tuple(event for event in events(found, PID, since) if event.seconds >= since)
