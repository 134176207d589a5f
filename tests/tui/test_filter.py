"""One filter on every list: what it looks into, what it leaves, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.paint.row import Row, Span, row_text
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_run import RunEnd, RunState
from gpumon.tui.filter import holds, rows_that_hold
from gpumon.tui.screens.runs import RunsScreen
from tests.recording.runs_scene import ABOUT, PROCESS, about, block
from tests.tui.fakes import MAIN_PID, START_UNIX_SECONDS
from tests.tui.screen import SIZES, dashboard

_TEXTS = st.text(alphabet="ab c", max_size=8)


def _row(text: str, role: str = "") -> Row:
    return (Span(text, role),)


def _section() -> list[Row]:
    return [
        _row("rates", "title"),
        _row("  batches per second  3.75"),
        _row("                      by the log"),
        _row("  images per second   90"),
        (),
        _row("settings", "title"),
        _row("  workers             2"),
    ]


@given(st.lists(_TEXTS), _TEXTS)
def test_what_is_left_is_there_and_in_its_order(texts: list[str], wanted: str) -> None:
    """A filter adds nothing and turns nothing round; without words it leaves every row with a text."""
    rows = [_row(text) for text in texts]
    left = [row_text(row) for row in rows_that_hold(rows, wanted)]
    rest = iter(texts)

    assert all(text in rest for text in left)
    if not wanted.split():
        assert [text for text in texts if text.strip()] == [text for text in left if text.strip()]


def test_a_number_stays_with_its_source_and_its_section() -> None:
    """What goes on below a row belongs to it, and the title above says where one is."""
    assert [row_text(row).strip() for row in rows_that_hold(_section(), "LOG")] == [
        "rates",
        "batches per second  3.75",
        "by the log",
    ]
    assert [row_text(row).strip() for row in rows_that_hold(_section(), "2")] == [
        "settings",
        "workers             2",
    ]


def test_a_section_is_found_by_its_name() -> None:
    """Its title brings all of it."""
    assert rows_that_hold(_section(), "rates")[:4] == _section()[:4]


def test_every_word_has_to_be_there() -> None:
    """Words in any order, in any case."""
    assert holds("41235 train worker ann python", "worker TRAIN")
    assert not holds("41235 train worker", "train main")


async def test_findings_are_filtered_and_the_evidence_follows() -> None:
    """Only what holds the text, its evidence below; esc brings all back, a second esc leaves."""
    async with dashboard() as shown:
        await shown.press("2")
        before = shown.text()
        await shown.press("slash", *"power")
        typed = shown.lines()
        await shown.press("enter")
        kept = shown.text()
        await shown.advance()
        await shown.press("slash", *"zzz")
        none = shown.text()
        await shown.press("escape")
        after = shown.text()
        await shown.press("escape")

        assert "filter: power" in typed[1]
        assert "starved-too-few-workers" not in "\n".join(typed[:-2])
        assert "the power limit of 170 W" in kept
        assert "no finding holds 'zzz': esc shows all" in none
        assert "nothing is under the cursor" in none
        assert "starved-too-few-workers" in before
        assert "starved-too-few-workers" in after
        assert "filter:" not in after
        assert "┌─ verdict" in shown.text()


async def test_trainings_are_filtered_by_their_command_and_directory() -> None:
    """The list of trainings looks into what its rows have no room for, and enter attaches to what is left."""
    async with dashboard("choosing") as shown:
        await shown.press("slash", *"img zz")
        none = shown.text()
        await shown.press("backspace", "backspace", "enter", "enter")

        assert "no training holds 'img zz'" in none
        assert [MAIN_PID] == shown.feed.chosen


@pytest.mark.parametrize("size", SIZES[::2])
async def test_sources_are_filtered_in_one_column(size: tuple[int, int]) -> None:
    """The numbers that hold a text with their sources, below the title of their section."""
    async with dashboard("ranks", size=size) as shown:
        await shown.press("i", "slash", *"csv", "enter")
        text = shown.text()

        assert "filter: csv" in text
        assert "results.csv" in text
        assert "prefetch" not in text
        assert [size[0]] * size[1] == [len(line) for line in shown.lines()]


async def test_runs_are_filtered_by_all_that_is_known_of_them(tmp_path: Path) -> None:
    """A word that only the details have finds its run, and the details follow."""
    path = tmp_path / "runs.sqlite"
    database = RunsDatabase(path)
    done = RunState(START_UNIX_SECONDS - 9000, 3, RunEnd.FINISHED, "finished: results.csv has all 3 epochs")
    database.write(PROCESS, ABOUT, done, [block(number, 90.0) for number in range(6)])
    later = replace(PROCESS, pid=4001)
    database.write(later, about(workers=6), done, [block(number, 147.0) for number in range(6)])
    database.close()
    async with dashboard() as shown:
        shown.app.push_screen(RunsScreen(path))
        for _ in range(1000):
            await shown.settle()
            if "being read" not in shown.text():
                break
            await shown.pilot.pause(0.005)
        await shown.press("slash", *"workers 6", "enter")
        text = shown.text()
        await shown.press("slash", *"zzz", "enter")

        assert "run 2" in text
        assert "filter: workers 6" in text
        assert "no run holds 'zzz'" in shown.text()


async def test_a_click_on_the_bottom_line_is_a_key_while_a_filter_is_typed() -> None:
    """It is no letter of the filter, which stays as far as it was typed."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("3", "slash", *"main")
        await shown.pilot.click("KeyLine", offset=(shown.lines()[-1].index("t tree"), 0))
        await shown.settle()
        text = shown.text()

        assert "by cpu" in text
        assert "filter: main" in text
        assert not shown.app.screen.query_one("#filter").display
        assert "maint" not in text
