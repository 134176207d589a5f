"""The dashboard at the far end of a bad line: one that stalls, breaks, stops, and changes its size."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from gpumon.recording.reader import open_recording
from gpumon.tui.screens.chooser import ChooserScreen
from tests.tui.screen import dashboard
from tests.tui.terminal import Terminal

_PATIENCE_SECONDS = 30.0
# Each changes the whole screen. Some 70 kB fit into a terminal that nobody reads (Linux 6), and Textual
# queues 30 writes before it waits.
_MUCH_OUTPUT = "21" * 25
_MOVED_TO = re.compile(rb"\x1b\[(\d+);\d+H")


@dataclass
class Line:
    """A dashboard at the other end of a line, and the files that its process writes."""

    terminal: Terminal
    counts: Path
    recording: Path

    @property
    def samples(self) -> int:
        """How many samples the monitor took so far."""
        return self.counts.stat().st_size

    def wait_for_samples(self, count: int) -> None:
        """Wait, without a look at the terminal, until so many more samples were taken."""
        wanted, deadline = self.samples + count, time.monotonic() + _PATIENCE_SECONDS
        while self.samples < wanted:
            assert time.monotonic() < deadline, f"only {self.samples - wanted + count} samples were taken"
            time.sleep(0.02)

    def stall(self) -> None:
        """Let the dashboard write until the terminal, which is not read any more, takes nothing."""
        self.terminal.send(_MUCH_OUTPUT)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; the kernel tells the dashboard of it."""
        fcntl.ioctl(self.terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for_rows(self, rows: int) -> None:
        """Go from place to place until what is written fills so many rows, and no more."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        lowest = [0]
        for key in cycle("21"):
            if lowest[-2:] == [rows] * 2:
                return
            assert time.monotonic() < deadline, f"the lowest rows written to: {lowest}"
            self.terminal.output = b""
            self.terminal.send(key)
            self.wait_for_samples(4)
            while self.terminal._read_some(0.0):
                pass
            lowest.append(max(map(int, _MOVED_TO.findall(self.terminal.output)), default=0))

    def recorded_samples(self) -> int:
        """Return how many samples are in the recording, which has to be closed: a file of its own."""
        assert [self.recording] == sorted(self.recording.parent.glob(f"{self.recording.name}*"))
        with open_recording(self.recording) as found:
            return sum(1 for _ in found.samples())


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """A dashboard that shows its first frame."""
    counts, recording = tmp_path / "counts", tmp_path / "run.gpumon"
    opened = Terminal(str(counts), str(recording), module="tests.tui.sampled", columns=200, rows=50)
    try:
        opened.read_until("quit")
        yield Line(opened, counts, recording)
    finally:
        opened.close()


def test_a_terminal_that_stalls_does_not_delay_samples(line: Line) -> None:
    """While the dashboard waits for a terminal that nobody reads, samples come as ever; then it goes on."""
    line.stall()
    line.terminal.send("q")
    began = time.monotonic()
    line.wait_for_samples(30)
    seconds = time.monotonic() - began
    waits_for_the_terminal = line.terminal.process.poll() is None

    # Had the terminal taken all that, the dashboard would have been left by now.
    assert waits_for_the_terminal
    assert 0 == line.terminal.wait()
    assert line.terminal.is_restored()
    # 1.5 s at 20 a second; a busy machine may take longer, a stalled one for good.
    assert seconds < 10.0
    assert line.samples >= line.recorded_samples() >= 30


def test_a_signal_ends_a_dashboard_whose_terminal_stalls(line: Line) -> None:
    """It ends with 128 + the number of the signal, the recording is closed, and the keyboard echoes again."""
    line.stall()
    line.wait_for_samples(20)
    line.terminal.process.send_signal(signal.SIGTERM)

    assert 128 + signal.SIGTERM == line.terminal.process.wait(_PATIENCE_SECONDS)
    assert line.recorded_samples() >= 20
    assert line.terminal.before == termios.tcgetattr(line.terminal.slave)


@pytest.mark.parametrize("is_stalled", [False, True])
def test_a_terminal_that_dies_ends_the_dashboard_at_once(line: Line, is_stalled: bool) -> None:
    """The other end of the line is gone: the process ends with 129, no traceback, the recording closed."""
    if is_stalled:
        line.stall()
    line.wait_for_samples(20)
    os.close(line.terminal.slave)
    line.terminal.slave = -1
    began = time.monotonic()
    line.terminal.hang_up()

    # A traceback would end in 1, text that cannot be written in 120.
    assert 128 + signal.SIGHUP == line.terminal.process.wait(_PATIENCE_SECONDS)
    assert time.monotonic() - began < 3.0
    assert line.recorded_samples() >= 20


def test_two_hundred_sizes_and_two_stops_leave_a_whole_picture(line: Line) -> None:
    """After a storm of sizes the last one counts, and after each kind of stop the whole screen is drawn."""
    terminal = line.terminal
    for number in range(200):
        line.resize(40 + 7 * number % 260, 10 + 3 * number % 70)
        while terminal._read_some(0.0):
            pass
    line.resize(100, 30)
    line.wait_for_rows(30)
    for stop in (signal.SIGTSTP, signal.SIGSTOP):
        terminal.process.send_signal(stop)
        terminal.wait_until_stopped()
        terminal.output = b""
        terminal.process.send_signal(signal.SIGCONT)
        terminal.read_until("quit")
        line.wait_for_rows(30)
    terminal.send("q")
    assert 0 == terminal.wait()
    assert terminal.before == termios.tcgetattr(terminal.slave)


async def test_keys_typed_ahead_of_a_list_that_closes_do_no_harm() -> None:
    """Enter chooses, and the digit behind it opens a place, before the choice has closed its list."""
    async with dashboard("choosing") as shown:
        chooser = shown.app.screen
        assert isinstance(chooser, ChooserScreen)
        await shown.app.action_place("findings")
        await chooser.dismiss()
        await shown.settle()

        assert "findings" == shown.app.current_mode
        assert 1 == len(shown.app.screen_stack)


def test_gnu_screen_gets_256_colours() -> None:
    """It drops those of 24 bits: where it says so (STY), none is sent to it, whatever COLORTERM says."""
    opened = Terminal("starved", "--period", "0", environ={"COLORTERM": "truecolor", "STY": "1.pts-0.box"})
    try:
        opened.read_until("quit")

        assert b"38;5;" in opened.output
        assert b"38;2;" not in opened.output
    finally:
        opened.close()
