"""What is said for some seconds never brings the dashboard to a standstill."""

from __future__ import annotations

from textual.css.parse import parse_selectors
from textual.widgets._toast import Toast, ToastHolder

from gpumon.tui.notice import MOST_NOTICES, Notice
from tests.tui.screen import dashboard


def test_the_time_left_is_never_negative() -> None:
    """A timer of a negative time would count for ever; that it has expired is told all the same."""
    over, there = Notice("done", timeout=4.0), Notice("done", timeout=4.0)
    over.raised_at -= 4.002

    assert (True, False) == (over.has_expired, there.has_expired)
    assert over.time_left > 0
    assert 3.0 < there.time_left <= 4.0


async def test_what_expires_while_it_is_being_shown_goes_away() -> None:
    """Its widget is made after the clock was set forward: the dashboard goes on, and takes it away."""
    async with dashboard("starved") as shown:
        notice = Notice("done", timeout=4.0)
        notice.raised_at -= 3600.0
        toast = Toast(notice)
        await shown.app.screen.mount(toast)
        while toast.is_attached:
            await shown.press("escape")

        await shown.press("?")
        assert "HelpScreen" == type(shown.app.screen).__name__


async def test_all_that_the_dashboard_says_is_such_a_notice() -> None:
    """Also what a widget says."""
    async with dashboard("starved") as shown:
        shown.app.tell("one")
        shown.app.screen.notify("two")
        await shown.press("escape")

        assert {"one": Notice, "two": Notice} == {
            each.message: type(each) for each in shown.app._notifications
        }


async def test_no_more_is_said_at_once_than_there_is_room_for() -> None:
    """A key that is held down says its word thirty times a second: the newest are shown."""
    async with dashboard("starved") as shown:
        for number in range(30):
            shown.app.tell(f"word {number}")
        await shown.settle()
        await shown.settle()

        newest = [f"word {number}" for number in range(30 - MOST_NOTICES, 30)]
        assert newest == [each._notification.message for each in shown.app.screen.query(Toast)]
        assert MOST_NOTICES == len(shown.app.screen.query(ToastHolder))


async def test_a_place_that_was_left_says_nothing() -> None:
    """What was said there is said where the user has gone, and there again if they come back in time."""
    async with dashboard("starved") as shown:
        left = shown.app.screen
        shown.app.tell("word")
        await shown.settle()
        assert ["word"] == [each._notification.message for each in left.query(Toast)]
        await shown.press("5")
        await shown.settle()

        assert 0 == len(left.query(ToastHolder))
        assert ["word"] == [each._notification.message for each in shown.app.screen.query(Toast)]
        await shown.press("1")
        await shown.settle()
        assert ["word"] == [each._notification.message for each in left.query(Toast)]


async def test_what_makes_room_leaves_no_selector_behind() -> None:
    """Textual remembers a thousand selectors, each some kB; every notice has a name of its own."""
    async with dashboard("starved") as shown:
        kept = []
        for _ in range(2):
            for number in range(20):
                shown.app.tell(f"word {number}")
            await shown.settle()
            await shown.settle()
            kept.append(parse_selectors.cache_info().currsize)

        assert kept[0] == kept[1]
