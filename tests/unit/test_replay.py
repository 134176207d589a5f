"""Playing, pausing, stepping and jumping in a recording."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from gpumon.model.report import Attachment, AttachState, Report, TrainingReport
from gpumon.model.training import Ended, Ending
from gpumon.monitor.replay import ReplayFeed
from gpumon.monitor.replay_state import FINDINGS, SPEEDS
from gpumon.recording.mark import MarkKind
from gpumon.recording.schema import RecordingError
from tests.unit.monitor_parts import FakeClock
from tests.unit.recorded import Recorded, mark_at
from tests.unit.synthetic_training import PID, STARVED

_SAMPLES = replace(STARVED, seconds=60).samples()
_MARKS = (
    mark_at(_SAMPLES[5], MarkKind.ATTACHED),
    mark_at(_SAMPLES[20], MarkKind.FINDING),
    mark_at(_SAMPLES[30], MarkKind.EPOCH),
    mark_at(_SAMPLES[40], MarkKind.FINDING),
)
_PATIENCE_SECONDS = 30.0


class Player:
    """A replay whose clock is moved by the test, and which has no thread."""

    def __init__(self, recorded: Recorded, seconds: float | None = None) -> None:
        self.clock = FakeClock()
        self.feed = ReplayFeed(recorded, self.clock, seconds)
        self.told = 0
        self.feed.subscribe(self._count)

    def _count(self) -> None:
        self.told += 1

    @property
    def at(self) -> int:
        """Which sample is shown."""
        report = self.feed.report()
        assert report is not None
        return report.sample.sequence

    def turn(self, seconds: float = 0.0) -> float | None:
        """Let time go by, and let the feed do what is due."""
        self.clock.seconds += seconds
        return self.feed.turn()

    def play(self, seconds: float) -> None:
        """Let time go by as the feed's thread would: by turns."""
        end = self.clock.seconds + seconds
        wait = self.turn()
        while wait is not None and self.clock.seconds + wait <= end:
            wait = self.turn(wait)
        self.clock.seconds = end


@pytest.fixture
def player() -> Player:
    """A replay of a minute, at its beginning."""
    return Player(Recorded(_SAMPLES, marked=_MARKS))


def test_it_begins_paused_at_the_first_sample(player: Player) -> None:
    """There is a picture before anything is pressed, and it stands still."""
    player.play(100)

    assert (0, False, None) == (player.at, player.feed.state().playing, player.turn())


def test_playing_shows_a_sample_a_second(player: Player) -> None:
    """At normal speed a recorded second takes a second."""
    player.feed.toggle()
    player.play(10.5)

    assert (10, 1.0) == (player.at, player.feed.state().speed)


@pytest.mark.parametrize(("steps", "shown"), [(1, 20), (2, 50), (-1, 5), (-2, 2), (99, 59)])
def test_speed_changes_how_fast_it_plays(player: Player, steps: int, shown: int) -> None:
    """Ten seconds at double speed are twenty recorded ones."""
    player.feed.change_speed(steps)
    player.feed.toggle()
    player.play(10.1)

    assert shown == player.at


def test_speed_has_limits(player: Player) -> None:
    """Faster than the fastest is the fastest, slower than the slowest the slowest."""
    player.feed.change_speed(1000)
    player.turn()
    fastest = player.feed.state().speed
    player.feed.change_speed(-1000)
    player.turn()

    assert (SPEEDS[-1], SPEEDS[0]) == (fastest, player.feed.state().speed)


def test_pause_holds_the_picture(player: Player) -> None:
    """Paused, time goes by and the picture stays; played again, it goes on from there."""
    player.feed.toggle()
    player.play(5.5)
    player.feed.toggle()
    player.play(100)
    held = player.at
    player.feed.toggle()
    player.play(5.5)

    assert (5, 10) == (held, player.at)


def test_at_the_end_it_pauses_and_plays_anew(player: Player) -> None:
    """The last sample stays on the screen until play is pressed again."""
    player.feed.toggle()
    player.play(100)
    state = player.feed.state()
    player.feed.toggle()
    player.turn()

    assert (True, False) == (state.is_at_end, state.playing)
    assert (0, True) == (player.at, player.feed.state().playing)


def test_a_gap_is_not_waited_for() -> None:
    """A machine that slept for hours is watched for seconds."""
    late = replace(STARVED, seconds=5).samples(90_000.0)
    player = Player(Recorded((*_SAMPLES[:3], *late)))
    player.feed.toggle()
    player.play(5.0)

    report = player.feed.report()
    assert report is not None
    assert report.sample.instant.monotonic_seconds >= 90_000.0


def test_what_cannot_be_kept_up_with_is_left_behind(player: Player) -> None:
    """After a standstill of the reader it goes on at its speed instead of racing."""
    player.feed.toggle()
    player.turn()
    player.turn(30.0)
    reached = player.at
    player.play(2.1)

    assert player.at <= reached + 3


@pytest.mark.parametrize(
    ("counts", "shown"), [((3,), 3), ((3, -1), 2), ((-1,), 0), ((1000,), 59), ((1000, -1), 58)]
)
def test_steps_go_sample_by_sample(player: Player, counts: tuple[int, ...], shown: int) -> None:
    """A step is one sample forward or back, and stops at the ends."""
    for count in counts:
        player.feed.step(count)
        player.turn()

    assert shown == player.at


def test_a_step_pauses(player: Player) -> None:
    """Who steps wants to look."""
    player.feed.toggle()
    player.turn()
    player.feed.step(1)
    player.play(20)

    assert player.at == 1


def test_moving_keeps_playing(player: Player) -> None:
    """A jump while playing goes on playing from there."""
    player.feed.toggle()
    player.turn()
    player.feed.move(30)
    player.play(5.5)
    player.feed.move(-1000)
    player.play(5.5)

    assert player.at == 5


def test_seeking_goes_to_a_moment(player: Player) -> None:
    """The newest sample not after the moment is shown."""
    player.feed.seek(1033.4)
    player.turn()

    assert player.at == 33


@pytest.mark.parametrize(
    ("steps", "shown"), [((1,), 20), ((1, 1), 40), ((1, 1, 1), 40), ((1, 1, -1), 20), ((-1,), 0)]
)
def test_findings_are_jumped_to(player: Player, steps: tuple[int, ...], shown: int) -> None:
    """The next finding and the one before are shown at the sample that brought them."""
    for step in steps:
        player.feed.mark(step, FINDINGS)
        player.turn()

    assert shown == player.at


def test_all_marks_are_jumped_to(player: Player) -> None:
    """Without a kind, every mark counts."""
    seen = []
    for _ in range(5):
        player.feed.mark(1)
        player.turn()
        seen.append(player.at)

    assert [5, 20, 30, 40, 40] == seen


def test_a_mark_between_two_samples_is_passed() -> None:
    """A mark that no sample has the moment of leads to the sample after it, and on to the next mark."""
    between = replace(mark_at(_SAMPLES[10], MarkKind.GAP), monotonic_seconds=1010.5)
    player = Player(Recorded(_SAMPLES, marked=(between, _MARKS[1])))
    seen = []
    for step in (1, 1, -1, -1):
        player.feed.mark(step)
        player.turn()
        seen.append(player.at)

    assert [11, 20, 11, 11] == seen


def test_the_newest_mark_is_known(player: Player) -> None:
    """The bar names what happened last."""
    before = player.feed.state().newest_mark
    player.feed.seek(1025.0)
    player.turn()

    assert (None, _MARKS[1]) == (before, player.feed.state().newest_mark)


def test_listeners_are_told_of_news_and_of_nothing_else(player: Player) -> None:
    """Who listens is called for each command and each sample, not for idle turns."""
    player.turn()
    idle = player.told
    player.feed.toggle()
    player.turn()
    player.turn(1.0)

    assert (0, 2) == (idle, player.told)


def test_a_far_jump_is_told_before_it_is_done(player: Player) -> None:
    """While a moment is looked up, the state says so."""
    seen: list[bool] = []
    player.feed.subscribe(lambda: seen.append(player.feed.state().is_seeking))
    player.feed.seek(1050.0)
    player.turn()

    assert [True, False] == seen


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


class Broken(Recorded):
    """A recording that cannot be read beyond its first samples."""

    broken = False

    def samples(self, start_seconds: float, end_seconds: float):  # type: ignore[no-untyped-def] # noqa: ANN201
        """Yield the samples until the file is broken."""
        if self.broken:
            raise RecordingError("a row is cut short or too large")
        return super().samples(start_seconds, end_seconds)


def test_where_the_recording_is_broken_the_picture_stays() -> None:
    """What cannot be read is said in the state, and going elsewhere is still possible."""
    recorded = Broken(replace(STARVED, seconds=400).samples())
    player = Player(recorded, 1350.0)
    recorded.broken = True
    player.feed.seek(1000.0)
    player.turn()
    trouble = player.feed.state().trouble
    player.feed.step(-1)
    player.turn()

    assert "cut short" in trouble
    assert (349, "") == (player.at, player.feed.state().trouble)


def test_its_own_thread_obeys_and_ends() -> None:
    """Started, it does what is asked without being turned, and close ends the thread."""
    feed = ReplayFeed(Recorded(_SAMPLES), FakeClock())
    shown = threading.Event()
    feed.subscribe(lambda: shown.set() if feed.state().is_at_end else None)
    feed.start()
    feed.seek(9e9)
    reached = shown.wait(_PATIENCE_SECONDS)
    feed.close()
    feed.close()

    assert reached
    assert [] == [thread for thread in threading.enumerate() if thread.name == "gpumon replay"]
