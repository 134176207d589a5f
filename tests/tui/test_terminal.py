"""The dashboard in a real terminal: the ways out, the exit codes, and what is left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.tui.terminal import Terminal


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A terminal in which the dashboard shows its first frame."""
    opened = Terminal("starved", "--period", "0")
    try:
        opened.read_until("STARVED")
        yield opened
    finally:
        opened.close()


def test_the_first_picture_is_the_whole_overview(terminal: Terminal) -> None:
    """With a report at hand nothing is drawn before the panes are: no empty boxes, and no word of waiting."""
    head, verdict, _ = terminal.output.partition(b"STARVED")

    assert b"STARVED" == verdict
    assert b"reads the machine" not in head
    # One box so far, that of the verdict itself.
    assert 1 == head.count("┌".encode())


def test_q_leaves_with_0_and_restores_the_terminal(terminal: Terminal) -> None:
    """`q` ends with 0 and the terminal is as it was."""
    terminal.send("q")

    assert terminal.wait() == 0
    assert terminal.is_restored()


def test_ctrl_c_leaves_with_130_and_restores_the_terminal(terminal: Terminal) -> None:
    """Ctrl-C ends with 130 and the terminal is as it was."""
    terminal.send("\x03")

    assert terminal.wait() == 130
    assert terminal.is_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_with_its_code_and_restores_the_terminal(
    terminal: Terminal, number: signal.Signals
) -> None:
    """A signal ends with 128 + its number and the terminal is as it was."""
    terminal.process.send_signal(number)

    assert terminal.wait() == 128 + number
    assert terminal.is_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_the_first_frame_restores_the_terminal(number: signal.Signals) -> None:
    """From the moment on at which the terminal is changed; what was not drawn yet ends in no traceback."""
    opened = Terminal("starved", "--period", "0")
    try:
        opened.read_until("\x1b[?1049h")
        opened.process.send_signal(number)

        assert opened.wait() == 128 + number
        assert opened.is_restored()
        assert b"Traceback" not in opened.output
    finally:
        opened.close()


def test_a_lost_terminal_ends_the_dashboard(terminal: Terminal) -> None:
    """When the other end of the terminal is gone, the process ends by itself."""
    os.close(terminal.slave)
    terminal.slave = -1
    terminal.hang_up()

    assert terminal.wait() > 0


def test_suspended_and_continued_it_is_drawn_anew(terminal: Terminal) -> None:
    """Ctrl-Z gives the terminal back; when it is continued the whole screen is drawn again."""
    terminal.send("\x1a")
    terminal.wait_until_stopped()
    restored = terminal.is_restored()
    terminal.output = b""
    terminal.process.send_signal(signal.SIGCONT)
    terminal.read_until("quit")

    assert restored
    assert b"STARVED" in terminal.output


def test_an_escape_that_nothing_follows_is_a_key(terminal: Terminal) -> None:
    """The escape key sends the first character of many sequences: after a moment it goes back by itself."""
    terminal.send("?")
    terminal.read_until("to the next pane")
    terminal.output = b""
    terminal.send("\x1b")
    terminal.read_until("STARVED")


def test_a_character_may_come_in_two_pieces(terminal: Terminal) -> None:
    """Half of a character is no end of the input: keys after it are heard."""
    for piece in (b"\xe2", b"\x82\xac", b"q"):
        os.write(terminal.master, piece)

    assert terminal.wait() == 0


def test_a_copied_command_is_printed_after_the_end(terminal: Terminal) -> None:
    """`y` sends the command to the clipboard by OSC 52, and leaves it on the terminal at the end."""
    terminal.send("y")
    terminal.read_until("OSC 52")
    terminal.send("q")

    assert terminal.wait() == 0
    assert b"\x1b]52;c;" in terminal.output
    after = terminal.output[terminal.output.rfind(b"\x1b[?1049l") :]
    assert b"python train.py --img 640 --batch 24 --workers 6 --data coco128.yaml" in after


def test_an_unknown_theme_is_one_sentence_and_2() -> None:
    """A theme that does not exist is a usage error: one sentence, exit code 2, no screen."""
    opened = Terminal("starved", "--theme", "no-such-theme")
    try:
        assert opened.wait() == 2
        assert b"there is no theme 'no-such-theme'" in opened.output
        assert b"\x1b[?1049h" not in opened.output
        assert opened.output.count(b"\n") == 1
    finally:
        opened.close()
