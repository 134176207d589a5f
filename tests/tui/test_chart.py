"""The enlarged chart: its cursor, the values under it, and the past."""

from __future__ import annotations

import re

import pytest
from textual import events

from gpumon.model.measure import known
from gpumon.tui.moments import clock_text
from gpumon.tui.widgets.enlarged_chart import EnlargedChart
from tests.tui.eventful import CHECKPOINT_AT, eventful
from tests.tui.fakes import START_MONOTONIC_SECONDS, START_UNIX_SECONDS, fake_sample
from tests.tui.replayed import replayed
from tests.tui.screen import SIZES, Dashboard, dashboard

_SAMPLES = tuple(fake_sample("starved", second) for second in range(1, 121))


def chart_of(shown: Dashboard) -> EnlargedChart:
    """Return the chart that is on the screen."""
    return shown.app.screen.query_one(EnlargedChart)


@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]])
async def test_the_cursor_shows_the_values_of_its_column(size: tuple[int, int]) -> None:
    """Left and right move it; below stand the time of day, how long ago, both series, epoch and phase."""
    async with eventful(size, seconds=200) as shown:
        await shown.press("5", "minus", "minus")
        without = shown.text()
        await shown.press("left", "left", "right")
        values, story = shown.lines()[-4:-2]

        assert "newest" in without
        assert re.search(r" \d\d:\d\d:\d\d  \ds ago ", values)
        assert len(re.findall(r"\d+ %", values)) >= 2
        assert "GPU busy" in values
        assert "epoch 3" in story
        assert "training" in story
        assert "no finding then" in story or "STARVED" in story
        assert [size[0]] * size[1] == [len(line) for line in shown.lines()]

        await shown.press("escape")
        assert without == shown.text()

        await shown.press("escape")
        assert "┌─ verdict" in shown.text()


async def test_the_values_are_those_of_their_second() -> None:
    """At one column a second, what stands below is what was sampled then."""
    async with eventful((72, 24), seconds=200) as shown:
        await shown.press("5", "minus", "minus", "minus")
        chart = chart_of(shown)
        await shown.press("home")
        chart.action_cursor(9)
        await shown.settle()
        seconds = chart.place.cursor_seconds
        values, story = shown.lines()[-4:-2]

    assert seconds is not None
    second = round(seconds + 0.5 - START_MONOTONIC_SECONDS)
    busy = known(fake_sample("starved", second).gpus[0].gpu_busy_ratio)
    assert busy is not None
    assert f"GPU busy {round(busy * 100)} %" in values
    assert f"{200 - second}s ago" in values or f"{201 - second}s ago" in values
    assert "epoch 2" in story
    assert 2 * 60 + 20 <= second <= 2 * 60 + CHECKPOINT_AT


async def test_the_finding_that_held_then_stands_below() -> None:
    """What was found at the column of the cursor, since when, and until when."""
    async with eventful((100, 24), seconds=140, variant="searching") as shown:
        for second, variant in ((150, "healthy"), (170, "starved"), (200, "starved")):
            shown.feed.set(variant, second)
            await shown.settle()
        await shown.press("5", "minus", "minus", "left")
        now = shown.lines()[-3]
        await shown.press("home")
        before = shown.lines()[-3]
        chart_of(shown).action_cursor(30)
        await shown.settle()
        between = shown.lines()[-3]

    since = clock_text(START_UNIX_SECONDS + 170)
    assert f"STARVED and 1 more  starved-too-few-workers  since {since}" in now
    began, over = (clock_text(START_UNIX_SECONDS + second) for second in (150, 170))
    assert f"COMPUTE-BOUND  compute-bound  {began} to {over}" in between
    assert "no finding then" in before


async def test_the_past_is_scrolled_and_stands_still() -> None:
    """PgUp shows the span before, which says how long ago it was and does not move; 0 is now again."""
    async with eventful((80, 24), seconds=300) as shown:
        await shown.press("5", "minus", "minus", "pageup")
        held = shown.lines()[3:-4]

        assert "paused, 1m00s ago" in shown.text()
        assert clock_text(START_UNIX_SECONDS + 230) in shown.text()
        assert "now" not in shown.lines()[-5]

        await shown.advance(10)
        assert held == shown.lines()[3:-4]
        assert "paused, 1m10s ago" in shown.text()

        await shown.press("shift+right")
        assert "paused, 55s ago" in shown.text()
        await shown.press("shift+left", "pageup", "pageup", "pageup", "pageup")
        assert "paused, 4m10s ago" in shown.text()

        await shown.press("0")
        assert "paused" not in shown.text()
        assert "now" in shown.lines()[-5]


async def test_end_and_esc_lead_back_to_now() -> None:
    """End takes the cursor along; esc takes the cursor away first, then goes to now, then closes."""
    async with eventful((80, 24), seconds=200) as shown:
        await shown.press("5", "minus", "minus", "pageup", "left", "end")
        assert "paused" not in shown.text()
        assert " 0s ago" in shown.lines()[-4] or " 1s ago" in shown.lines()[-4]

        await shown.press("pageup", "home")
        assert " ago" in shown.lines()[-4]
        await shown.press("escape")
        assert "newest" in shown.lines()[-4]
        assert "paused" in shown.text()
        await shown.press("escape")
        assert "paused" not in shown.text()
        await shown.press("escape")
        assert "┌─ verdict" in shown.text()


async def test_the_cursor_goes_on_beyond_the_left_edge() -> None:
    """One column to the left of the first the chart scrolls along."""
    async with eventful((80, 24), seconds=200) as shown:
        await shown.press("5", "minus", "minus", "home")
        before = chart_of(shown).place
        await shown.press("left")
        after = chart_of(shown).place

        assert before.until_seconds is None
        assert after.until_seconds is not None
        assert before.cursor_seconds is not None
        assert after.cursor_seconds is not None
        assert after.cursor_seconds < before.cursor_seconds


async def test_a_click_puts_the_cursor_there_and_the_wheel_scrolls() -> None:
    """What keys do the mouse does as well."""
    async with eventful((80, 24), seconds=200) as shown:
        await shown.press("5", "minus", "minus")
        await shown.pilot.click(EnlargedChart, offset=(40, 8))
        await shown.settle()
        line = shown.lines()[chart_of(shown).region.y + 4]
        assert "│" == line[40] or "│" not in line[12:-3]
        assert " ago" in shown.lines()[-4]

        chart = chart_of(shown)
        chart.post_message(events.MouseScrollUp(chart, 40, 8, 0, -1, 0, False, False, False))
        await shown.settle()
        assert "paused, 15s ago" in shown.text()


async def test_moving_the_cursor_sends_few_cells() -> None:
    """The picture is not plotted anew for it: rows beside the cursor's columns are the very same."""
    async with eventful((120, 36), seconds=200) as shown:
        await shown.press("5", "left")
        chart = chart_of(shown)
        before = [list(row) for row in chart.text.split("\n")]
        await shown.press("left")
        after = [list(row) for row in chart.text.split("\n")]

        changed = {
            x
            for old, new in zip(before[:-3], after[:-3], strict=True)
            for x, (one, other) in enumerate(zip(old, new, strict=False))
            if one != other
        }
        assert len(changed) <= 2


async def test_a_paused_picture_says_since_when() -> None:
    """Space holds the chart like every picture; its title tells the moment."""
    async with dashboard(seconds=120) as shown:
        await shown.press("5", "space")
        assert f"paused at {clock_text(START_UNIX_SECONDS + 120)}" in shown.text()
        await shown.press("pageup")
        assert "paused, 2m00s ago" not in shown.text()
        await shown.press("space")
        assert "paused at" not in shown.text()


async def test_marks_stand_on_the_axis_and_are_explained() -> None:
    """The line of the axis has them, the last row says what they mean; in ASCII too."""
    for ascii_only in (False, True):
        async with eventful((120, 36), seconds=200, ascii=ascii_only) as shown:
            await shown.press("5")
            axis, legend = shown.lines()[-6], shown.lines()[-3]

            epoch, validation = "|=" if ascii_only else "│◊"
            assert f"{epoch}3" in axis
            assert validation in axis
            assert "validation" in legend
            assert shown.text().isascii() or not ascii_only


async def test_on_a_recording_0_is_its_first_sample() -> None:
    """The chart leaves the keys of a replay to it; End goes to the newest column."""
    async with replayed(_SAMPLES, seconds=START_MONOTONIC_SECONDS + 100) as shown:
        await shown.press("5", "left", "end", "0")

        assert 1 == shown.at


async def test_before_the_first_sample_nothing_is_said_of_findings() -> None:
    """Nobody looked then: that nothing was found would be no news."""
    async with dashboard(seconds=20) as shown:
        await shown.press("5", "home")
        assert "before the first sample" in shown.lines()[-3]
        assert "no finding" not in shown.lines()[-3]


async def test_a_key_that_finds_nothing_older_says_so_once() -> None:
    """A minute is shown, and no more is known: held down, the key does not fill the screen with sentences."""
    async with dashboard(seconds=20) as shown:
        await shown.press("5", "pageup", "pageup", "shift+left")
        assert shown.text().count("nothing older: the first sample is 20s ago; - shows less time") == 1


@pytest.mark.parametrize(("is_ascii", "keys"), [(False, "← → values"), (True, "< > values")])
async def test_the_bottom_line_has_the_arrow_keys(is_ascii: bool, keys: str) -> None:
    """As arrows, because < and > are keys of a replay; in ASCII there is nothing else for them."""
    async with dashboard(ascii=is_ascii) as shown:
        await shown.press("5")

        assert keys in shown.lines()[-1]


async def test_both_values_under_the_cursor_have_a_name_at_80_columns() -> None:
    """The second one a shorter name where there is no room for the whole."""
    async with dashboard(seconds=300) as shown:
        await shown.press("5", "left", "left")

        assert re.search(r"• GPU busy \d+ % .* ◦ waits \d+ %", shown.text())
