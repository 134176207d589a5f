"""Playing, pausing, stepping and jumping in a recording."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from gpumon.monitor.replay import ReplayFeed
from gpumon.monitor.replay_state import FINDINGS, SPEEDS
from gpumon.recording.mark import MarkKind
from gpumon.recording.schema import RecordingError
from tests.demo.processes import until
from tests.unit.monitor_parts import FakeClock
from tests.unit.recorded import Recorded, mark_at
from tests.unit.replay_player import Player
from tests.unit.synthetic_training import STARVED

_SAMPLES = replace(STARVED, seconds=60).samples()
_MARKS = (
    mark_at(_SAMPLES[5], MarkKind.ATTACHED),
    mark_at(_SAMPLES[20], MarkKind.FINDING),
    mark_at(_SAMPLES[30], MarkKind.EPOCH),
    mark_at(_SAMPLES[40], MarkKind.FINDING),
)
_PATIENCE_SECONDS = 60.0


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


def test_a_far_jump_shows_its_moment_before_all_is_read() -> None:
    """The picture is there after some minutes were read, and the state says until the whole hour is."""
    player = Player(Recorded(replace(STARVED, seconds=700).samples()))
    player.feed.seek(1650.0)
    wait = player.turn()
    shown = (player.at, player.feed.state().is_seeking, wait)
    after = player.turn()

    assert (650, True, 0.0) == shown
    assert (650, False, None) == (player.at, player.feed.state().is_seeking, after)


def test_a_defect_in_what_is_read_is_told() -> None:
    """A sample that no clock can have told of ends in a sentence, and the picture stays."""
    samples = (*_SAMPLES[:2], replace(_SAMPLES[2], interval_seconds=float("nan")))
    player = Player(Recorded(samples))
    player.feed.step(1)
    player.turn()

    assert "at no moment of time" in player.feed.state().trouble
    assert player.at == 0


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
    assert until(lambda: "gpumon replay" not in {thread.name for thread in threading.enumerate()})
