"""Whoever waits for the first frame is told of it."""

from __future__ import annotations

from tests.tui.terminal import Terminal


def test_that_the_first_frame_is_shown_is_told_once() -> None:
    """What follows is no first frame: another place, and the one from before again."""
    opened = Terminal(module="tests.tui.first_shown")
    try:
        opened.read_until("STARVED")
        opened.send("51q")

        assert 0 == opened.wait()
        assert b"told 1 times" in opened.output
    finally:
        opened.close()
