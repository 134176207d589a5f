"""The list of runs in the dashboard, and two of them side by side."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gpumon.paint.row import row_text
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_compare import compare
from gpumon.recording.runs_run import RunEnd, RunSetting, RunState
from gpumon.recording.runs_words import memory_words, speed_words, wait_words
from gpumon.tui.comparison_rows import comparison_rows
from gpumon.tui.run_rows import SeenRun, run_row
from gpumon.tui.runs_reading import read_runs
from gpumon.tui.screens.runs import RunsScreen
from tests.recording.runs_scene import ABOUT, PROCESS, about, block, run_of
from tests.tui.fakes import HOSTILE, START_UNIX_SECONDS
from tests.tui.screen import SIZES, Dashboard, dashboard

_DONE = RunState(START_UNIX_SECONDS - 9000, 3, RunEnd.FINISHED, "finished: results.csv has all 3 epochs")
_CRASHED = RunState(START_UNIX_SECONDS - 60, 1, RunEnd.OUT_OF_MEMORY, "the GPU ran out of memory")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with three runs: a starved one, one with more workers, one that ran out of memory."""
    path = tmp_path / "runs.sqlite"
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, _DONE, [block(number, 90.0 + number % 2, 0.4) for number in range(6)])
    faster = [block(number, 147.0 + number % 2, 0.02) for number in range(6)]
    database.write(replace(PROCESS, pid=4001), about(workers=6), _DONE, faster)
    database.write(replace(PROCESS, pid=4002), about(batch_size=64), _CRASHED, [block(0, 100.0)])
    database.close()
    return path


async def _open(shown: Dashboard, path: Path) -> RunsScreen:
    """Open the list of a database and wait until it is read."""
    screen = RunsScreen(path)
    shown.app.push_screen(screen)
    await _read(shown)
    return screen


async def _read(shown: Dashboard) -> None:
    for _ in range(1000):
        await shown.settle()
        if "being read" not in shown.text():
            return
        await shown.pilot.pause(0.005)


def _row(shown: Dashboard, run: int) -> str:
    return next(line for line in shown.lines() if line[3:].split()[:1] == [str(run)])


async def test_the_list_fits_into_80x24_with_all_that_matters(path: Path) -> None:
    """One row a run, the newest first: when, model, batch, workers, speed, wait, peak memory and end."""
    async with dashboard() as shown:
        await _open(shown, path)
        text = shown.text()

        words = " ".join(_row(shown, 2).split()[3:])
        assert words == "yolov5s.pt 640 16 6 148 2.0 % 5.0 GiB finished │"
        assert "OOM" in _row(shown, 3)
        assert [line[5:9].strip() for line in shown.lines()[3:6]] == ["3", "2", "1"]
        assert "finished: results.csv" not in text
        assert "out of memory" in text


async def test_a_list_that_cannot_grow_says_so_above_it(path: Path) -> None:
    """The runs that are there are shown, and why no more will be."""
    linked = path.with_name("linked.sqlite")
    linked.symlink_to(path)
    async with dashboard() as shown:
        await _open(shown, linked)

        assert "runs: mark two to compare, no run can be kept: this is no file" in shown.lines()[1]
        assert "148" in _row(shown, 2)


@pytest.mark.parametrize("size", SIZES[:2])
async def test_every_size_is_filled(path: Path, size: tuple[int, int]) -> None:
    """The list, and the comparison, fill the terminal; a wide one has the intervals."""
    async with dashboard(size=size) as shown:
        await _open(shown, path)
        assert [size[0]] * size[1] == [len(line) for line in shown.lines()]
        assert ("148 (147–148)" in _row(shown, 2)) == (size[0] > 80)
        await shown.press("end", "enter", "up", "enter")

        assert [size[0]] * size[1] == [len(line) for line in shown.lines()]
        assert "run 2 beside run 1" in shown.text()


def test_a_list_keeps_one_block_of_each_run(path: Path) -> None:
    """A hundred runs with all they are made of would take as much memory as a tenth of the dashboard."""
    found = read_runs(path, "boot-1")

    assert [1, 1, 1] == [len(seen.run.blocks) for seen in found.runs]


async def test_the_run_under_the_cursor_is_shown_in_full(path: Path) -> None:
    """Moving the cursor shows the settings, the intervals and the end of another run."""
    async with dashboard() as shown:
        await _open(shown, path)
        await shown.press("down")
        text = shown.text()

        assert "┌─ run 2 " in text
        for part in (
            "batch_size 16, workers 6",
            "148 (147–148) images/s",
            "box, RTX 3060, 8 cores",
            "finished:",
        ):
            assert part in text


async def test_two_marked_runs_stand_side_by_side(path: Path) -> None:
    """With the second mark the comparison opens, the older run first, whichever was marked first."""
    async with dashboard() as shown:
        await _open(shown, path)
        await shown.press("down", "enter")
        marked = shown.text()
        await shown.press("down", "enter")
        text = shown.text()
        words = " ".join(text.replace("│", " ").split())

        assert "is marked: mark another to compare" in marked
        assert "●" in marked
        assert "run 1 run 2 change" in words
        assert "workers 2 6" in words
        assert "×1.63" in words
        assert "1.62–1.64" in words
        assert "run 2 is faster: it trains 1.63 times the images a second of run 1" in words

        await shown.press("escape")

        assert "┌─ runs: mark two" in shown.text()
        assert "is marked" not in shown.text()


async def test_the_verdict_stands_above_the_table(path: Path) -> None:
    """What can be said of two runs is read first, and all of it fits into 80x24."""
    async with dashboard() as shown:
        await _open(shown, path)
        await shown.press("down", "enter", "down", "enter")

        assert "run 2 is faster" in shown.lines()[2]
        assert "of 2" not in shown.lines()[1]
        assert "finished              finished" in shown.text()


@pytest.mark.parametrize(("weights", "role"), [("yolov5s.pt", "suggestion"), ("yolov5x.pt", "value")])
def test_only_a_gain_by_settings_is_coloured(weights: str, role: str) -> None:
    """Where another model makes the difference too, nobody is told that the settings are good."""
    slow, fast = run_of([90.0, 91.0] * 4), run_of([147.0, 148.0] * 4, number=2, about=about(weights=weights))
    rows = comparison_rows(compare(slow, fast), "boot-1", 78, is_ascii=False)

    assert rows[0][0].role == role
    assert "run 2 is faster" in rows[0][0].text


async def test_a_simulated_run_says_so(tmp_path: Path) -> None:
    """In the list its model has a word in front, for its speed says nothing of a real GPU."""
    path = tmp_path / "runs.sqlite"
    database = RunsDatabase(path)
    database.write(PROCESS, replace(ABOUT, simulated=True), _DONE, [])
    database.close()
    async with dashboard() as shown:
        await _open(shown, path)

        assert "SIM yolov5s" in _row(shown, 1)
        assert "simulated yolov5 train.py" in shown.text()


async def test_a_mark_can_be_taken_back(path: Path) -> None:
    """Enter on a run that is marked takes its mark away."""
    async with dashboard() as shown:
        await _open(shown, path)
        await shown.press("enter", "enter")

        assert "is marked" not in shown.text()
        assert "┌─ runs: mark two" in shown.text()


async def test_u_opens_the_list_and_closes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without runs a sentence says what makes some; the database of this user is not made by looking."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    async with dashboard() as shown:
        before = shown.text()
        await shown.press("u")
        await _read(shown)
        opened = shown.text()
        await shown.press("u")

        assert "no runs yet: gpumon keeps one whenever it is attached" in opened
        assert before == shown.text()
    assert not (tmp_path / "gpumon").exists()


async def test_the_list_is_read_anew_when_it_comes_back(path: Path) -> None:
    """What was added meanwhile is there after the help was open; the cursor stays on its run."""
    async with dashboard() as shown:
        await _open(shown, path)
        await shown.press("down", "question_mark")
        database = RunsDatabase(path)
        database.write(replace(PROCESS, pid=4003), ABOUT, _DONE, [])
        database.close()
        await shown.press("escape")
        for _ in range(400):
            if "   4  " in shown.text():
                break
            await shown.pilot.pause(0.005)

        assert "┌─ run 2 " in shown.text()
        assert "   4  " in shown.text()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no runs yet: gpumon keeps one"),
        (b"no database" * 500, "is damaged or no database; move it away to begin a new one"),
    ],
)
async def test_a_broken_database_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    """The dashboard goes on, and the list says what is wrong."""
    broken = tmp_path / "runs.sqlite"
    broken.write_bytes(content)
    async with dashboard(size=(120, 36)) as shown:
        await _open(shown, broken)
        said = shown.text()
        await shown.press("enter", "down", "escape")

        assert words in " ".join(said.replace("│", " ").split())
        assert "STARVED" in shown.text()


async def test_a_database_that_is_held_delays_nobody(path: Path) -> None:
    """While another program holds it the keys work; the list comes when it is free."""
    async with dashboard() as shown:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            shown.app.push_screen(RunsScreen(path))
            await shown.settle()
            waiting = shown.text()
            await shown.advance()
            other.execute("ROLLBACK")
        await _read(shown)

        assert "being read" in waiting
        assert "yolov5s.pt 640" in shown.text()


async def test_ascii_and_hostile_names(tmp_path: Path) -> None:
    """Another program's text is cut and cleaned, and --ascii has no character outside ASCII."""
    path = tmp_path / "runs.sqlite"
    database = RunsDatabase(path)
    for number in (1, 2):
        settings = (
            RunSetting("weights", f"{HOSTILE}é…{number}", "argv"),
            RunSetting("workers", None, "argv"),
        )
        hostile = replace(ABOUT, name=HOSTILE, hostname=HOSTILE, settings=settings)
        database.write(replace(PROCESS, pid=number), hostile, _DONE, [block(n, 90.0) for n in range(6)])
    database.close()
    async with dashboard(size=(200, 50), ascii=True) as shown:
        await _open(shown, path)
        listed = shown.lines()
        await shown.press("enter", "down", "enter")

        assert [] == [line for line in (*listed, *shown.lines()) if not line.isascii()]
        assert "run 2 beside run 1" in shown.text()


async def test_the_run_in_full_takes_the_room_that_the_list_leaves(path: Path) -> None:
    """At 80x24 a short list leaves all that is known of a run in sight."""
    settings = tuple(RunSetting(f"setting_{number}", number, "opt.yaml") for number in range(20))
    database = RunsDatabase(path)
    database.write(replace(PROCESS, pid=4003), replace(ABOUT, settings=settings), _CRASHED, [block(0, 100.0)])
    database.close()
    async with dashboard() as shown:
        await _open(shown, path)
        text = shown.text()

    assert "setting_19 19" in text
    assert " of " not in next(line for line in text.splitlines() if line.startswith("┌─ run 4"))


def test_limits_below_a_share_have_its_unit() -> None:
    """In a row of their own they are read for themselves."""
    slow, fast = run_of([90.0, 91.0] * 4), run_of([147.0, 148.0] * 4, number=2)
    rows = [row_text(row) for row in comparison_rows(compare(slow, fast), "boot-1", 120, is_ascii=False)]
    at = next(index for index, row in enumerate(rows) if row.startswith("wait for data"))

    assert rows[at].count(" %") == 2
    assert rows[at + 1].count(" %") == 2


@pytest.mark.parametrize("is_ascii", [False, True])
def test_a_name_that_is_cut_has_one_mark(is_ascii: bool) -> None:
    """At every width, also where what it was cut to before ends with the column."""
    named = about(weights="memory-creep-yolov5s.yaml")
    run = run_of([90.0] * 4, [0.4] * 4, about=replace(named, simulated=True))
    seen = SeenRun(run, speed_words(run), wait_words(run), memory_words(run), run.end, run.end_text)
    rows = [
        row_text(run_row(seen, width, START_UNIX_SECONDS, is_marked=False, is_ascii=is_ascii))
        for width in range(60, 160)
    ]

    assert any("memory-creep" in row for row in rows)
    assert not any("……" in row or "...." in row for row in rows)
