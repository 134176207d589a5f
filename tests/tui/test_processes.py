"""The processes: order by key and by mouse, folding, facts, and the verdict's rows as links."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from textual import events

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId, ProcessReading, Role, ThreadStates
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Member
from gpumon.paint.row import row_text, row_width
from gpumon.tui.process_rows import process_rows
from gpumon.tui.screens.processes import ProcessesScreen
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.process_table import ProcessTable
from tests.tui.fakes import HOSTILE, MAIN_PID, fake_frame
from tests.tui.pane_app import pane_app
from tests.tui.screen import SIZES, Dashboard, dashboard


class _Kept:
    """Keeps the orders that are chosen."""

    def __init__(self) -> None:
        self.orders: list[str | bool] = []

    def keep(self, name: str, value: str | bool) -> str:
        assert name == "process_order"
        self.orders.append(value)
        return ""


def _reading(frame: Frame) -> TrainingReading:
    assert frame.training is not None
    return frame.training


def _with(frame: Frame, *processes: ProcessReading) -> Frame:
    reading = replace(_reading(frame), processes=processes)
    sample = replace(frame.report.sample, trainings=(reading,))
    return replace(frame, report=replace(frame.report, sample=sample))


def _pids(table: ProcessTable) -> list[int]:
    """Return the PIDs of the rows, from the top."""
    return [int(found) for found in re.findall(r"^│[ ▶>]+(\d+) ", table.text, re.MULTILINE)]


async def _click(shown: Dashboard, words: str, *, line: str = "") -> None:
    """Click on words of the screen: on the first line that holds them, and `line` too."""
    at = next(
        (y, text.index(words)) for y, text in enumerate(shown.lines()) if words in text and line in text
    )
    await shown.pilot.click(offset=(at[1] + 1, at[0]))
    await shown.settle()


@pytest.mark.parametrize("size", SIZES[::2])
async def test_a_click_on_a_heading_orders_by_it_and_another_one_turns_it_round(
    size: tuple[int, int],
) -> None:
    """The heading of the order has a mark; PIDs grow downwards by themselves; `role` is the tree."""
    async with dashboard(size=size) as shown:
        await shown.press("3")
        table = shown.app.screen.query_one(ProcessTable)
        seen = []
        for heading in ("CPU", "CPU", "PID", "PID", "role"):
            await _click(shown, heading, line="role")
            seen.append((table.order, table.text.splitlines()[1].split(), _pids(table)))
        text = shown.text()

    assert [("cpu", 41236), ("cpu", 42000), ("pid", 41234), ("pid", 42000), ("tree", 41234)] == [
        (order, pids[0]) for order, _, pids in seen
    ]
    marks = [next(word for word in heading if word[-1] in "▼▲") for _, heading, _ in seen]
    assert marks == ["CPU▼", "CPU▲", "PID▲", "PID▼", "role▼"]
    assert "by tree" in text


async def test_what_is_not_known_is_last_whichever_way() -> None:
    """Turned round, too: it is not the least."""
    frame = fake_frame()
    one, other = _reading(frame).processes[:2]
    unknown = replace(other, id=ProcessId(50000, 1), cpu_busy_ratio=Missing("not read"))
    table = ProcessTable()
    async with pane_app(table, size=(100, 10)) as (app, pilot):
        app.show(_with(frame, unknown, one, other))
        table.order_by("cpu")
        first = _pids(table)
        await pilot.press("O")
        await pilot.pause()

        assert first == [41236, 41235, 50000]
        assert _pids(table) == [41235, 41236, 50000]


async def test_every_order_can_be_reached_and_has_a_heading() -> None:
    """`o` goes through all of them; where there is room each has its mark."""
    table = ProcessTable()
    async with pane_app(table, size=(140, 10)):
        for order in (*ProcessTable.ORDERS[1:], ProcessTable.ORDERS[0]):
            table.action_order()

            assert table.order == order
            assert len(re.findall("[▼▲]", table.text.splitlines()[1])) == 1


async def test_the_order_that_stays_is_kept_for_the_next_start() -> None:
    """Not those on the way to it; and a dashboard begins with the one that was kept."""
    kept = _Kept()
    async with dashboard(size=(120, 36), choices=kept, process_order="memory") as shown:
        shown.app.push_screen(ProcessesScreen(keep_after_seconds=0.001))
        await shown.settle()
        began = shown.text()
        await shown.press("o", "o")
        for _ in range(100):
            await shown.settle()
            if kept.orders[-1:] == ["pid"]:
                break
            await shown.pilot.pause(0.005)

        assert "by memory" in began
        assert kept.orders[-1:] == ["pid"]
        assert "processes by" in shown.text()


async def test_branches_are_folded_and_their_children_counted() -> None:
    """Left folds, or goes to the parent; right brings all back; a filter finds what is folded."""
    async with dashboard() as shown:
        await shown.press("3", "down", "left")
        table = shown.app.screen.query_one(ProcessTable)
        at_parent = table.key
        await shown.press("left")
        folded = table.text
        await shown.press("slash", *"41236", "enter")
        found = _pids(table)
        await shown.press("escape", "right")

        assert at_parent == f"{MAIN_PID}:5000"
        assert "main +2" in folded
        assert "41236" not in folded
        assert found == [41236]
        assert _pids(table) == [41234, 41235, 41236, 42000]


def _with_ranks(frame: Frame, ranks: int) -> Frame:
    """Return a frame of so many ranks with two workers each."""
    reading = _reading(frame)
    main = next(process for process in reading.processes if process.role is Role.MAIN)
    processes: list[ProcessReading] = []
    members: list[Member] = []
    for rank in range(ranks):
        pid = MAIN_PID + 10 * rank
        head = replace(main, id=ProcessId(pid, pid), role=Role.RANK if rank else Role.MAIN)
        below = [
            replace(main, id=ProcessId(pid + number, pid), parent_pid=pid, role=Role.TRAIN_WORKER)
            for number in (1, 2)
        ]
        processes += [head, *below]
        members += [Member(each.id, each.parent_pid, each.role, rank) for each in (head, *below)]
    training = replace(reading.training, members=tuple(members))
    sample = replace(
        frame.report.sample,
        trainings=(replace(reading, training=training, processes=tuple(processes)),),
    )
    return replace(frame, report=replace(frame.report, sample=sample))


async def test_of_many_ranks_the_first_one_has_its_workers_in_sight() -> None:
    """The others have their number and are folded until they are opened; two ranks are not."""
    table = ProcessTable()
    async with pane_app(table, size=(100, 24)) as (app, pilot):
        app.show(_with_ranks(fake_frame(), 2))
        await pilot.pause()
        two = _pids(table)
        app.show(_with_ranks(fake_frame(), 4))
        await pilot.pause()
        folded, text = _pids(table), table.text
        rows = table.row_count(_with_ranks(fake_frame(), 4))
        await pilot.press("down", "down", "down", "right")
        opened = _pids(table)
        await pilot.press("left")

        assert two == [41234, 41235, 41236, 41244, 41245, 41246]
        assert folded == [41234, 41235, 41236, 41244, 41254, 41264] == _pids(table)
        assert rows == len(folded)
        assert all(words in text for words in ("main, rank 0 ", "rank 1 +2", "rank 3 +2"))
        assert opened == [*folded[:4], 41245, 41246, 41254, 41264]


async def test_the_wheel_moves_the_cursor_and_the_bottom_edge_is_no_row() -> None:
    """Of a long list: the wheel goes down three rows, a click on the box's edge goes nowhere."""
    frame = fake_frame()
    one = _reading(frame).processes[0]
    many = [replace(one, id=ProcessId(50000 + number, 1), parent_pid=1) for number in range(30)]
    table = ProcessTable()
    async with pane_app(table, size=(100, 10)) as (app, pilot):
        app.show(_with(frame, *many))
        await pilot.pause()
        await pilot._post_mouse_events([events.MouseScrollDown], table)
        await pilot.pause()
        moved = table.key
        await pilot.click(table, offset=(5, 9))
        await pilot.pause()

        assert moved == "50003:1"
        assert table.key == moved


@pytest.mark.parametrize("size", SIZES[::2])
async def test_enter_opens_all_that_was_read_of_a_process(size: tuple[int, int]) -> None:
    """Every reading with its source or its reason, and the command; esc closes it."""
    async with dashboard(size=size) as shown:
        await shown.press("3", "down", "down")
        before = shown.text()
        await shown.press("enter")
        opened = shown.text()
        await shown.press("end")
        end = shown.text()
        await shown.press("escape")

        assert "process 41236 train worker" in opened
        for words in ("no core", "/proc/PID/schedstat", "train worker", "started by 41234"):
            assert words in opened
        for words in ("command", "train.py"):
            assert words in end
        assert before == shown.text()


async def test_a_process_that_ends_keeps_its_last_numbers() -> None:
    """Its facts say that it is over."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("3", "down", "enter")
        shown.feed.set("missing", 61)
        await shown.settle()

        assert "ended: its last numbers" in shown.text()
        assert "process 41235" in shown.text()


def test_no_number_of_a_process_is_left_out() -> None:
    """What is missing has its reason; a worker that was looked at has what it was seen doing."""
    frame = fake_frame()
    reading = _reading(frame)
    bare = replace(
        reading.processes[0],
        memory_pss_bytes=Missing("no permission: it is another user's"),
        read_calls_per_second=Missing("needs two readings"),
        last_core=3,
    )
    states = (ThreadStates(bare.id, bare.id.pid, 20, running=15, disk=5),)
    looked = replace(reading, loader=replace(reading.loader, worker_states=states))
    sample = replace(frame.report.sample, trainings=(looked,))
    seen = replace(frame, report=replace(frame.report, sample=sample))
    text = "\n".join(map(row_text, process_rows(bare, seen, 100)))

    assert "missing: no permission: it is another user's" in text
    assert "missing: needs two readings" in text
    assert re.search(r"core +3 ", text)
    assert re.search(r"running +15 of 20", text)
    assert re.search(r"disk +5 of 20", text)
    assert "it has no context on a GPU" in text


def test_the_main_process_has_its_gpu_memory_and_its_cores() -> None:
    """What NVML says that it holds, and on how many cores it may run."""
    frame = fake_frame()
    main = next(process for process in _reading(frame).processes if process.role is Role.MAIN)
    text = "\n".join(map(row_text, process_rows(main, frame, 100)))

    assert re.search(r"GPU 0 +[56]\.\d GiB .*NVML", text)
    assert re.search(r"may run on +8 ", text)


@pytest.mark.parametrize("width", [58, 198])
def test_a_hostile_command_is_wrapped_and_whole(width: int) -> None:
    """10 kB of arguments fit into the width, and no character of them is left out."""
    frame = fake_frame("hostile")
    long = "x" * 10_000
    process = replace(_reading(frame).processes[0], command=(HOSTILE, long, ""))
    rows = process_rows(process, frame, width)
    at = next(place for place, row in enumerate(rows) if row_text(row).startswith("command"))

    assert max(map(row_width, rows)) <= width
    assert "".join(row_text(row)[2:] for row in rows[at + 1 :]) == f"{HOSTILE}{long}''"


@pytest.mark.parametrize(
    ("words", "opens"),
    [("STARVED", "starved-too-few-workers  "), ("power limit", "power-capped  "), ("OOM", "who holds what")],
)
async def test_a_click_on_the_verdict_opens_what_it_says(words: str, opens: str) -> None:
    """The finding that was clicked has the cursor; the risk of memory leads to the memory."""
    async with dashboard(size=(200, 50)) as shown:
        await _click(shown, words)
        under_cursor = next((line for line in shown.lines() if "▶" in line), "")

        assert opens in (under_cursor if "  " in opens else shown.text())


async def test_enter_in_the_table_of_the_overview_opens_a_process() -> None:
    """The large overview has the table too."""
    async with dashboard(size=(200, 50)) as shown:
        shown.app.screen.query_one(ProcessTable).focus()
        await shown.press("down", "enter")

        assert "process 41235 train worker" in shown.text()


async def test_at_80_columns_the_bottom_line_has_the_keys_of_the_place() -> None:
    """They are of more use there than the names of the other places, which keep their digits."""
    async with dashboard() as shown:
        await shown.press("3")

        assert shown.lines()[-1].strip() == (
            "1 2 3 processes 4 5 6  enter facts K signal o order t tree / filter i ? q quit"
        )


async def test_on_a_tall_screen_the_facts_follow_the_cursor() -> None:
    """Below the table stands the process under the cursor, where the table leaves room; else it is alone."""
    async with dashboard(size=(200, 50)) as shown:
        await shown.press("3", "down")
        below = shown.text()
        await shown.press("slash", *"zz", "enter")
        none = shown.text()
        await shown.press("escape")
        await shown.pilot.resize_terminal(80, 24)
        await shown.settle()
        low = shown.text()
        await shown.pilot.resize_terminal(80, 20)
        await shown.settle()

        assert "┌─ process 41235 train worker" in below
        assert "started by 41234" in below
        assert "no process is under the cursor" in none
        assert "┌─ process 41234 main" in low
        assert "┌─ process 41235" not in shown.text()
        assert shown.app.screen.query_one(ProcessTable).size.height == 18
