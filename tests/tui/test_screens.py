"""Every screen at every size, on every kind of report."""

from __future__ import annotations

import pytest

from gpumon.tui.widgets.verdict import VerdictPane
from tests.tui.fakes import VARIANTS
from tests.tui.screen import SIZES, dashboard

_PLACES = {"1": "verdict", "2": "evidence", "3": "process", "4": "who holds what", "5": "gpu_busy_ratio"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("key", "word"), _PLACES.items())
async def test_each_digit_opens_its_place(key: str, word: str, size: tuple[int, int]) -> None:
    """A digit opens its screen, which fills the terminal and shows what is attached."""
    async with dashboard(size=size) as shown:
        await shown.press(key)

        assert [size[0]] * size[1] == [len(line) for line in shown.lines()]
        assert word in shown.text()
        assert "41234" in shown.lines()[0]


@pytest.mark.parametrize("variant", VARIANTS)
async def test_no_report_breaks_a_screen(variant: str) -> None:
    """Whatever a report holds or lacks, every screen is drawn, at 80x24 and in the smallest terminal."""
    async with dashboard(variant) as shown:
        await shown.press("escape")
        for key in _PLACES:
            await shown.press(key)
            await shown.advance()
        await shown.pilot.resize_terminal(40, 10)
        for key in _PLACES:
            await shown.press(key)
            await shown.advance()

            assert len(shown.lines()) == 10


async def test_overview_at_80x24_has_all_that_matters() -> None:
    """Verdict, one chart, the VRAM gauge, the cores and the pipeline fit into 80x24."""
    async with dashboard() as shown:
        text = shown.text()

    for word in ("STARVED", "--workers 6", "GPU 0", "VRAM ", "CPU ", "disk ", "q quit"):
        assert word in text


@pytest.mark.parametrize("size", SIZES[1:])
async def test_overview_has_four_pictures_where_there_is_room(size: tuple[int, int]) -> None:
    """From 120x36 on, four framed pictures stand beside each other."""
    async with dashboard(size=size) as shown:
        text = shown.text()

    for title in ("┌─ GPU 0", "┌─ VRAM", "┌─ CPU", "┌─ pipeline"):
        assert title in text


async def test_overview_at_200x50_lists_the_processes() -> None:
    """The largest layout has the process table too."""
    async with dashboard(size=(200, 50)) as shown:
        assert "train worker" in shown.text()


async def test_without_a_report_the_screen_says_so_and_q_works() -> None:
    """Before the first sample a word stands there, and the dashboard can be left."""
    async with dashboard(seconds=0) as shown:
        assert "gpumon reads the machine" in shown.text()
        await shown.press("1", "2", "3", "4", "5", "plus", "g", "y", "question_mark", "q")

        assert shown.app.return_value == 0


async def test_the_first_report_takes_the_place_of_the_word() -> None:
    """The first sample brings the picture."""
    async with dashboard(seconds=0) as shown:
        shown.feed.set("starved", 5)
        await shown.settle()

        assert "gpumon reads the machine" not in shown.text()
        assert "STARVED" in shown.text()


async def test_low_bandwidth_shows_every_other_second() -> None:
    """With --low-bandwidth a report one second after the last is not drawn, the next one is."""
    async with dashboard(low_bandwidth=True) as shown:
        before = shown.text()
        await shown.advance()
        after_one = shown.text()
        await shown.advance()

        assert before == after_one
        assert before != shown.text()


async def test_searching_shows_the_machine() -> None:
    """Without a training the machine's GPU and cores are shown, with a word."""
    async with dashboard("searching") as shown:
        text = shown.text()

    assert "no training runs yet: waiting for one to start" in text
    assert "GPU 0" in text
    assert "CPU " in text


async def test_an_ended_training_keeps_its_picture() -> None:
    """After the end the picture stays and the screen says how it ended."""
    async with dashboard() as shown:
        shown.feed.set("ended", 70)
        await shown.settle()
        text = shown.text()

    assert "finished" in text
    assert "STARVED" in text
    assert "GPU 0" in text


async def test_a_training_that_starts_takes_the_place_of_the_search() -> None:
    """When the feed attaches, the overview changes by itself."""
    async with dashboard("searching") as shown:
        shown.feed.set("starved", 61)
        await shown.settle()

        assert "STARVED" in shown.text()


async def test_the_verdict_is_whole_at_80x24() -> None:
    """Where words need more rows the verdict takes them at once, and keeps them for a while."""
    async with dashboard("healthy") as shown:
        pane = shown.app.screen.query_one(VerdictPane)
        low = pane.size.height
        shown.feed.set("ended", 70)
        await shown.settle()
        high = pane.size.height
        shown.feed.set("healthy", 72)
        await shown.settle()

        assert "+" not in shown.lines()[high][70:]
        assert low < high
        assert high == pane.size.height


async def test_a_resize_storm_leaves_no_trace() -> None:
    """After many sizes the screen is the same as that of a fresh dashboard of the last size."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("tab", "2", "1")
        for width, height in ((80, 24), (40, 10), (200, 50), (13, 4), (1, 1), (100, 30), (60, 16), (120, 36)):
            await shown.pilot.resize_terminal(width, height)
        await shown.settle()
        after = shown.text()
    async with dashboard(size=(120, 36)) as fresh:
        assert fresh.text() == after


@pytest.mark.parametrize("key", list(_PLACES))
async def test_each_place_survives_resizes(key: str) -> None:
    """Every place is drawn at sizes from 1x1 to 200x50, and is whole again at the end."""
    async with dashboard(size=(80, 24)) as shown:
        await shown.press(key)
        before = shown.text()
        for width, height in ((20, 5), (1, 1), (200, 50), (40, 10), (80, 24)):
            await shown.pilot.resize_terminal(width, height)
            await shown.settle()

        assert before == shown.text()
