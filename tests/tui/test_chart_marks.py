"""Marks on the time axis: what happened stands below the column in which it happened."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from gpumon.history.history import History
from gpumon.model.clock import Instant
from gpumon.model.finding import Severity
from gpumon.monitor.replay_state import ReplayState
from gpumon.paint.axis import Mark
from gpumon.paint.row import row_text
from gpumon.recording.mark import Mark as Recorded
from gpumon.recording.mark import MarkKind
from gpumon.tui.widgets.chart import columns_of, time_row
from gpumon.tui.widgets.chart_marks import column_marks, events_of, legend
from gpumon.tui.widgets.chart_words import story_at
from gpumon.tui.widgets.frame import Frame, View
from tests.tui.eventful import episode, eventful_frame, eventful_sample, instant
from tests.tui.fakes import MAIN_PID, START_MONOTONIC_SECONDS, fake_frame

_SECONDS = 200


def marks_of(frame: Frame, columns: int = 200, seconds: float = 1.0) -> dict[int, Mark]:
    """Return the marks by the second that their column ends with."""
    newest = int(START_MONOTONIC_SECONDS) + _SECONDS
    last = round(newest / seconds) - 1
    found = column_marks(frame, columns=columns, column_seconds=seconds, last=last)
    ends = {at: (last - columns + 1 + at + 1) * seconds - START_MONOTONIC_SECONDS for at in range(columns)}
    return {round(ends[at]): mark for at, mark in enumerate(found) if mark is not None}


def test_each_event_has_its_glyph_in_its_column() -> None:
    """Epochs with their number, validations, checkpoints, a finding that came and went."""
    frame = eventful_frame(_SECONDS, episode(70, 90))

    assert {
        50: ("◊", ""),
        56: ("■", ""),
        60: ("│", "1"),
        70: ("▲", ""),
        90: ("▼", ""),
        110: ("◊", ""),
        116: ("■", ""),
        120: ("│", "2"),
        170: ("◊", ""),
        176: ("■", ""),
        180: ("│", "3"),
    } == {second: (mark.glyph, mark.word) for second, mark in marks_of(frame).items()}


def test_in_ascii_each_has_its_twin() -> None:
    """Marks and their legend are told apart without any other character."""
    frame = eventful_frame(_SECONDS, episode(70, 90), view=View(ascii=True))

    assert set("=#|^v") == {mark.glyph for mark in marks_of(frame).values()}
    assert row_text(legend(True)).isascii()
    assert all(mark.glyph in row_text(legend(True)) for mark in marks_of(frame).values())


def test_of_several_in_one_column_the_gravest_is_shown() -> None:
    """A critical finding stands before a warning, that before an epoch, that before a validation."""
    warned = eventful_frame(_SECONDS, episode(61, None))
    both = eventful_frame(_SECONDS, episode(61, None), episode(62, None, Severity.CRITICAL, "vram-at-limit"))

    assert "│" == marks_of(eventful_frame(_SECONDS), 40, 20.0)[60].glyph
    assert ("▲", "warn") == (marks_of(warned, 40, 20.0)[80].glyph, marks_of(warned, 40, 20.0)[80].role)
    assert "danger" == marks_of(both, 40, 20.0)[80].role


def test_short_epochs_are_marked_in_round_numbers() -> None:
    """Where there is no room for each, every second, fifth, tenth ... is marked and nothing between."""
    frame = eventful_frame(1)
    turns = tuple(
        replace(frame.window.turns[0], seconds=START_MONOTONIC_SECONDS - 100.5 + 2 * number, epoch=number)
        for number in range(50)
    )
    crowded = replace(frame, window=replace(frame.window, turns=turns))
    last = int(START_MONOTONIC_SECONDS) - 1
    found = column_marks(crowded, columns=100, column_seconds=1.0, last=last)

    assert ["5", "10", "15", "20", "25", "30", "35", "40", "45"] == [mark.word for mark in found if mark]


def test_a_mark_stands_under_the_column_of_its_second() -> None:
    """On the small charts too, which stand still for 5 s and then move by several columns."""
    for seconds in (190, 191, 192, 193):
        frame = eventful_frame(seconds, view=View(span_seconds=60.0))
        waits = columns_of(frame, "validation_ratio", str(MAIN_PID), 60)
        begins = next(at for at, one in enumerate(waits) if one is not None and one.high)

        assert begins == row_text(time_row(frame, 60)).index("◊")


def test_marks_move_no_more_often_than_the_columns_above_them() -> None:
    """In 28 s without an event the axis of a chart of a minute changes with each step of 5 s only."""
    history = History()
    seen: list[str] = []
    for second in range(1, 150):
        history.append(eventful_sample(second))
        if second > 121:
            frame = replace(eventful_frame(1, view=View(span_seconds=60.0)), window=history.window())
            seen.append(row_text(time_row(frame, 60)))

    assert any("│2" in row for row in seen)
    assert 4 <= sum(before != after for before, after in pairwise(seen)) <= 6


def test_a_recording_tells_what_was_before_it_was_opened() -> None:
    """Its marks reach back to its beginning, but not beyond the moment that is shown."""
    frame = eventful_frame(30)
    told = (
        _told(-500, MarkKind.EPOCH, "epoch 7/99"),
        _told(-400, MarkKind.PHASE, "phase validate"),
        _told(-300, MarkKind.PHASE, "phase train"),
        _told(-200, MarkKind.EPOCH, "epoch of hostile text"),
        replace(_told(-100, MarkKind.EPOCH, "epoch 8/99"), id="77"),
        _told(20, MarkKind.ENDED, "finished"),
        _told(40, MarkKind.EPOCH, "epoch 9/99"),
    )
    state = ReplayState(instant(30), 0.0, 1.0, 0.0, playing=False, speed=1.0, marks=told)
    shown = replace(frame, view=replace(frame.view, replay=state))

    assert ["epoch", "validation", "end"] == [event.kind.value for event in events_of(shown)]


def test_hostile_names_of_findings_are_text() -> None:
    """What a recording calls a finding comes to the screen without control characters, and bounded."""
    frame = eventful_frame(30, episode(10, None, name="\x1b[31m" + "evil\n" * 500))
    newest = frame.window.newest.instant.monotonic_seconds
    row = story_at(frame, newest, 1.0, 80)

    assert "EVIL" in row_text(row)
    assert row_text(row).isprintable()
    assert len(row_text(row)) < 200


def test_without_a_training_there_are_no_marks() -> None:
    """The machine alone has no epochs."""
    assert () == events_of(fake_frame("searching", seconds=5))


def _told(second: int, kind: MarkKind, text: str) -> Recorded:
    moment: Instant = instant(second)
    return Recorded(moment.unix_seconds, moment.monotonic_seconds, kind, text, str(MAIN_PID))
