"""The report on a moment of a recording: what is told again, and what is judged anew."""

from __future__ import annotations

from dataclasses import replace

from gpumon.model.report import Attachment, AttachState, Report, TrainingReport
from gpumon.model.training import Ended, Ending
from tests.unit.recorded import Recorded
from tests.unit.replay_player import Player
from tests.unit.synthetic_training import PID, STARVED

_SAMPLES = replace(STARVED, seconds=60).samples()


def test_what_was_attached_is_as_it_was_told() -> None:
    """The attachment is no judgement: it comes from the recording where it is there."""
    told = Report(_SAMPLES[0], Attachment(AttachState.CHOOSING, "2 trainings are running"))
    report = Player(Recorded(_SAMPLES, told=(told,))).feed.report()

    assert report is not None
    assert told.attachment == report.attachment


def test_findings_of_the_full_part_are_judged_anew() -> None:
    """What was told live is not repeated where all samples are there: rules may have become better."""
    told = Report(_SAMPLES[50], Attachment(AttachState.ATTACHED, "attached"), (TrainingReport(PID),))
    report = Player(Recorded(_SAMPLES, told=(told,)), 1050.0).feed.report()

    assert report is not None
    assert report.trainings[0].findings


def test_findings_of_the_thinned_part_are_as_told_live() -> None:
    """A sample a minute cannot be judged: the word that was given then stands."""
    told = Report(_SAMPLES[50], Attachment(AttachState.ATTACHED, "attached"), (TrainingReport(PID),))
    recorded = Recorded(_SAMPLES, told=(told,), full_from=1055.0)
    player = Player(recorded, 1050.0)

    assert told == player.feed.report()
    assert player.feed.state().is_thinned


def test_without_a_word_the_attachment_follows_the_sample() -> None:
    """Samples from before the recording began have none: the training in them is attached, or has ended."""
    reading = replace(_SAMPLES[1].trainings[0], ended=Ended(Ending.FINISHED, "all epochs are done", 1.7e9))
    samples = (
        replace(_SAMPLES[0], trainings=()),
        _SAMPLES[1],
        replace(_SAMPLES[2], trainings=(reading,)),
    )
    player = Player(Recorded(samples))
    states = []
    for _ in samples:
        report = player.feed.report()
        assert report is not None
        states.append(report.attachment.state)
        player.feed.step(1)
        player.turn()

    assert [AttachState.SEARCHING, AttachState.ATTACHED, AttachState.ENDED] == states


def test_another_recorded_training_can_be_looked_at() -> None:
    """Where all trainings were recorded, choosing goes to another; an unknown one changes nothing."""
    first = _SAMPLES[0].trainings[0]
    identity = replace(first.training.id, pid=77)
    second = replace(first, training=replace(first.training, id=identity))
    player = Player(Recorded((replace(_SAMPLES[0], trainings=(first, second)),)))
    pids = []
    for pid in (77, 12345, PID):
        player.feed.choose(pid)
        player.turn()
        report = player.feed.report()
        assert report is not None
        assert report.attachment.training is not None
        pids.append((report.attachment.training.id.pid, len(report.attachment.candidates)))

    assert [(77, 1), (PID, 1), (PID, 1)] == pids
