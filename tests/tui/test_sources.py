"""Where each number comes from: the screen that is one key away."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gpumon.model.reading import TrainingReading
from gpumon.tui.screens.sources import SourceList
from gpumon.tui.widgets.frame import Frame
from tests.tui.fakes import fake_frame
from tests.tui.pane_app import pane_app
from tests.tui.screen import SIZES, dashboard


def _reading(frame: Frame) -> TrainingReading:
    assert frame.training is not None
    return frame.training


def _with(frame: Frame, reading: TrainingReading) -> Frame:
    sample = replace(frame.report.sample, trainings=(reading,))
    return replace(frame, report=replace(frame.report, sample=sample))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", "12345")
async def test_i_opens_the_sources_from_everywhere_and_closes_them(place: str, size: tuple[int, int]) -> None:
    """I opens the list on any screen; i again, or esc, brings back what was there."""
    async with dashboard("ranks", size) as shown:
        await shown.press(place)
        before = shown.text()
        await shown.press("i")
        opened = shown.lines()
        await shown.press("i")
        by_key = shown.text()
        await shown.press("i", "escape")

        assert "where each number comes from" in opened[1]
        assert [size[0]] * size[1] == [len(line) for line in opened]
        assert before == by_key == shown.text()
        assert len(shown.app.screen_stack) == 1


@pytest.mark.parametrize("size", SIZES)
async def test_the_key_line_shows_the_key(size: tuple[int, int]) -> None:
    """The bottom line of the overview has the key, at 80 columns without its word; a click opens the list."""
    async with dashboard(size=size) as shown:
        line = shown.lines()[-1]
        await shown.pilot.click("KeyLine", offset=(line.index(" i ") + 1, 0))
        await shown.settle()

        assert "2 findings" in line
        assert "where each number comes from" in shown.text()


async def test_while_paused_the_key_line_says_so() -> None:
    """At 80 columns the word PAUSED stays in sight, whatever it takes the place of."""
    async with dashboard() as shown:
        await shown.press("space")

        assert "space PAUSED" in shown.lines()[-1]


async def test_all_rows_can_be_reached_at_80x24() -> None:
    """Scrolling by pages and to the end shows what has no room at first."""
    async with dashboard("ranks") as shown:
        await shown.press("i")
        texts = [shown.text()]
        for _ in range(6):
            await shown.press("pagedown")
            texts.append(shown.text())
        await shown.press("home")

        assert texts[0] == shown.text()
        whole = "\n".join(texts)
        for word in ("data wait ", "interpreter ", "mAP_0.5:0.95", "batches ready", "41235", "device"):
            assert word in whole
        assert "data wait  " not in texts[-1]


async def test_everything_is_in_sight_at_200x50() -> None:
    """In the largest layout two columns show all there is without scrolling."""
    async with dashboard("ranks", (200, 50)) as shown:
        await shown.press("i")
        text = shown.text()

    for word in ("sources that disagree", "settings", "device", "x/lr0", "41236"):
        assert word in text
    assert not re.search(r"\d+-\d+ of \d+", text)


async def test_the_list_is_live() -> None:
    """While it is open, numbers follow the training and what was scrolled stays where it was."""
    async with dashboard("ranks", (120, 36)) as shown:
        await shown.press("i", *["down"] * 3)
        before = shown.lines()
        await shown.advance(7)
        after = shown.lines()

        assert before[2] == after[2]
        assert [line for line in before if "batch  " in line] != [line for line in after if "batch  " in line]


async def test_what_does_not_change_is_not_sent() -> None:
    """A frame that changes one number sends that number, and none of the other rows."""
    pane = SourceList()
    async with pane_app(pane, size=(120, 36), variant="ranks") as (app, pilot):
        frame = fake_frame("ranks")
        app.show(frame)
        await pilot.pause()
        app.recorder.sent.clear()
        app.show(frame)
        await pilot.pause()

        assert [] == app.recorder.sent

        reading = _reading(frame)
        app.show(_with(frame, replace(reading, progress=replace(reading.progress, batch=1))))
        await pilot.pause()

        assert 1 == len(app.recorder.sent)
        assert "/2933" in app.recorder.sent[0]
        assert "interpreter" not in app.recorder.sent[0]


async def test_nothing_of_it_is_left_when_it_is_closed() -> None:
    """A closed list is gone: no pane of it is left to be drawn."""
    async with dashboard("ranks") as shown:
        await shown.press("i")
        (pane,) = shown.app.screen.query(SourceList)
        await shown.press("i")

        assert pane.is_attached is False


@pytest.mark.parametrize("key", "12345i")
async def test_a_nan_loss_is_noticed_on_every_screen(key: str) -> None:
    """The top line of each screen says that a loss is NaN as soon as one is."""
    async with dashboard("ranks") as shown:
        await shown.press(key)
        before = shown.lines()[0]
        shown.feed.set("nan", 62)
        await shown.settle()

        assert "NAN" not in before
        assert " NAN LOSS " in shown.lines()[0] + " "


async def test_every_key_can_be_pressed_there() -> None:
    """No key of the dashboard breaks the list; after all of them it still opens and closes."""
    keys = ["plus", "minus", "g", "G", "y", "space", "space", "tab", "up", "down", "j", "k", "pageup", "end"]
    async with dashboard("ranks") as shown:
        for key in (*keys, "enter", "m", "o", "t", "slash", "left", "right", "home", "c", "question_mark"):
            await shown.press("escape", "i", key)

            assert shown.app.is_running
        await shown.press("1", "i")

        assert "where each number comes from" in shown.text()
