"""Signalling a process from the dashboard: what is asked, what is sent, and when nothing is."""

from __future__ import annotations

from dataclasses import replace
from signal import Signals

import pytest

from gpumon.model.process import ProcessId, ProcessReading
from gpumon.monitor.signals import CHOICES
from gpumon.tui.screens.processes import ProcessesScreen
from gpumon.tui.screens.signal import SignalScreen
from tests.tui.fakes import HOSTILE, MAIN_PID, START_MONOTONIC_SECONDS, fake_sample
from tests.tui.replayed import replayed
from tests.tui.screen import SIZES, Dashboard, dashboard

_EVIL = "\x1b]0;evil\x07\x1b[31m\u202etxt.exe\u2066 " + HOSTILE


class _Postbox:
    """Takes signals, and sends none."""

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.sent: list[tuple[ProcessId, Signals]] = []

    def send(self, process: ProcessId, number: Signals) -> str:
        self.sent.append((process, number))
        return self.answer


async def _open(shown: Dashboard, postbox: _Postbox, *keys: str) -> None:
    """Open the processes with somebody who sends nothing, and press keys."""
    shown.app.push_screen(ProcessesScreen(postbox))
    await shown.settle()
    await shown.press(*keys)


@pytest.mark.parametrize(("key", "size"), [("K", (80, 24)), ("f9", (200, 50))])
async def test_a_signal_is_sent_after_a_yes(key: str, size: tuple[int, int]) -> None:
    """Who gets it and what it means is said first; then a question, whose first answer is no."""
    postbox = _Postbox()
    async with dashboard(size=size) as shown:
        await _open(shown, postbox, "down", key)
        asked = shown.text()
        await shown.press("down", "enter")
        question = shown.lines()
        before_yes = list(postbox.sent)
        await shown.press("down", "enter")
        after = shown.text()

    for words in (
        "signal 41235 (train worker): which one?",
        "of user ann",
        "python train.py",
        "KeyboardInterrupt",
    ):
        assert words in asked
    for choice in CHOICES:
        assert choice.name in asked
    text = "\n".join(question)
    assert [size[0]] * size[1] == [len(line) for line in question]
    assert "send SIGTERM to 41235 (train worker)?" in text
    assert "▶" in next(line for line in question if "no, send nothing" in line)
    assert "the loader raises RuntimeError" in text
    assert before_yes == []
    assert postbox.sent == [(ProcessId(41235, 5001), Signals.SIGTERM)]
    assert "sent SIGTERM to 41235 (train worker)" in after
    assert "processes by tree" in after


@pytest.mark.parametrize("keys", [["enter"], ["n"], ["escape"], ["up", "enter"]])
async def test_no_is_what_happens_otherwise(keys: list[str]) -> None:
    """Enter, n and esc send nothing and close the question, wherever the cursor was before it."""
    postbox = _Postbox()
    async with dashboard() as shown:
        await _open(shown, postbox, "K", "down", "down", "enter", *keys)

        assert postbox.sent == []
        assert "processes by tree" in shown.text()


async def test_y_answers_the_question_and_nothing_before_it() -> None:
    """Before a signal is chosen y sends nothing."""
    postbox = _Postbox()
    async with dashboard() as shown:
        await _open(shown, postbox, "K", "y")
        before = list(postbox.sent)
        await shown.press("enter", "y")

        assert before == []
        assert postbox.sent == [(ProcessId(MAIN_PID, 5000), Signals.SIGINT)]


async def test_a_refusal_is_shown() -> None:
    """What could not be done is said in one sentence."""
    async with dashboard() as shown:
        await _open(shown, _Postbox("no right to signal process 41234"), "K", "enter", "y")

        assert "no right to signal process 41234" in shown.text()
        assert "sent SIGINT" not in shown.text()


async def test_readonly_opens_no_question() -> None:
    """With --readonly the key says why not."""
    postbox = _Postbox()
    async with dashboard(readonly=True) as shown:
        await _open(shown, postbox, "K")

        assert "started with --readonly" in shown.text()
        assert not isinstance(shown.app.screen, SignalScreen)


async def test_ctrl_c_leaves_and_signals_nothing() -> None:
    """Also while a signal is asked about."""
    postbox = _Postbox()
    async with dashboard() as shown:
        await _open(shown, postbox, "K", "enter", "ctrl+c")

        assert shown.app.return_code == 130
        assert postbox.sent == []


async def test_a_recording_has_no_such_key() -> None:
    """Neither the key nor the help of a replay speaks of it: its processes are long gone."""
    samples = [fake_sample("starved", second) for second in range(1, 11)]
    async with replayed(samples, (), (120, 80), seconds=START_MONOTONIC_SECONDS + 10) as shown:
        await shown.press("3", "K")
        opened = isinstance(shown.app.screen, SignalScreen)
        await shown.press("question_mark")

        assert not opened
        assert "as a tree, or by CPU" in shown.text()
        assert "choose a signal" not in shown.text()


async def test_a_stopped_process_is_offered_to_go_on() -> None:
    """The cursor begins on SIGCONT where that is what is wanted."""
    postbox = _Postbox()
    async with dashboard() as shown:
        stopped = replace(_process(shown), state="T")
        shown.app.push_screen(SignalScreen(stopped, postbox))
        await shown.settle()
        await shown.press("enter", "y")

        assert postbox.sent == [(stopped.id, Signals.SIGCONT)]


@pytest.mark.parametrize("size", SIZES[::2])
async def test_hostile_names_stay_inside_the_question(size: tuple[int, int]) -> None:
    """Escape sequences, text from right to left and 10 kB of arguments neither move nor hide the question."""
    postbox = _Postbox()
    async with dashboard("hostile", size=size) as shown:
        evil = replace(_process(shown), name=_EVIL, command=(_EVIL, "x" * 10_000), user=_EVIL)
        shown.app.push_screen(SignalScreen(evil, postbox))
        await shown.settle()
        asked = shown.text()
        await shown.press("enter")
        lines = shown.lines()
        await shown.press("enter")

        for text in (asked, "\n".join(lines)):
            assert not any(character in text for character in "\x1b\x07\u202e\u2066")
        assert len(lines) == size[1]
        assert f"send SIGINT to {MAIN_PID} (main)?" in "\n".join(lines)
        assert "KeyboardInterrupt" in asked
        assert postbox.sent == []


async def test_the_facts_of_a_process_lead_to_its_signals() -> None:
    """K works there too, for the process that is shown."""
    postbox = _Postbox()
    async with dashboard() as shown:
        await _open(shown, postbox, "down", "down", "enter", "K", "end", "enter", "y")

        assert postbox.sent == [(ProcessId(41236, 5002), Signals.SIGCONT)]


async def test_a_process_that_has_ended_meanwhile_is_pointed_out() -> None:
    """The question says so as soon as it is known."""
    async with dashboard() as shown:
        await _open(shown, _Postbox(), "K")
        shown.feed.set("missing", 61)
        await shown.settle()

        assert "this process has ended" in shown.text()


def _process(shown: Dashboard) -> ProcessReading:
    """Return the main process that is shown."""
    frame = shown.app.frame
    assert frame is not None
    assert frame.training is not None
    return next(process for process in frame.training.processes if process.id.pid == MAIN_PID)


async def test_ascii_mode_is_ascii_here_too() -> None:
    """The table with its mark, the facts, the choice, the question and the filter."""
    async with dashboard("hostile", ascii=True) as shown:
        await _open(shown, _Postbox(), "o")
        for keys in (["K"], ["enter"], ["escape"], ["enter"], ["end"], ["escape"], ["slash", "x"]):
            await shown.press(*keys)

            assert [line for line in shown.lines() if not line.isascii()] == []


@pytest.mark.parametrize(("size", "is_whole"), [((120, 36), True), ((80, 24), False)])
async def test_a_long_command_takes_the_rows_that_are_left(size: tuple[int, int], is_whole: bool) -> None:
    """It is cut only where what the signal means would be pushed out of sight."""
    async with dashboard(size=size) as shown:
        process = _process(shown)
        long = replace(process, command=("python", "train.py", "--data", "/sets/" * 120 + "end.yaml"))
        shown.app.push_screen(SignalScreen(long, _Postbox()))
        await shown.settle()
        text = shown.text()

    assert is_whole == ("end.yaml" in text)
    assert ("…" in text) != is_whole
    assert "weights/last.pt" in text
