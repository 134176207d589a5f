"""The table of processes: how high it is, and what it shows of a command."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.paint.row import row_text
from gpumon.tui.process_rows import process_rows
from gpumon.tui.widgets.process_columns import command_text
from gpumon.tui.widgets.process_table import ProcessTable
from tests.tui.fakes import fake_frame
from tests.tui.screen import dashboard


async def test_the_table_is_as_high_as_its_rows_also_when_they_are_folded() -> None:
    """What is folded gives its rows to the process below, and takes them back."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("3")
        table = shown.app.screen.query_one(ProcessTable)
        heights = [table.size.height]
        for key in ("left", "right"):
            await shown.press(key)
            heights.append(table.size.height)

    assert heights == [7, 5, 7]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (("/opt/conda/bin/python3.11", "/home/ann/yolov5/train.py", "--img", "640"), "train.py --img 640"),
        (("/usr/bin/python", "-c", "from multiprocessing.spawn import x"), "python -c "),
        (("/usr/local/bin/torchrun", "/home/ann/train.py"), "torchrun /home/ann/train.py"),
        (("python",), "python"),
        ((), "python"),
    ],
)
def test_a_command_begins_with_what_tells_it(command: tuple[str, ...], text: str) -> None:
    """Not with the directories of the interpreter, which are all that has room at 80 columns."""
    reading = fake_frame().training
    assert reading is not None
    process = replace(reading.processes[0], command=command, name="python")

    assert command_text(process).startswith(text)


def test_an_option_of_a_command_stands_beside_its_value() -> None:
    """In full, each option in a row of its own; quotes tell blanks and empty values."""
    command = ("/opt/python", "train.py", "--weights", "", "--name", "a b", "--rect", "--img=640", "-x")
    frame = fake_frame()
    assert frame.training is not None
    process = replace(frame.training.processes[0], command=command)
    rows = [row_text(row) for row in process_rows(process, frame, 100)]

    assert rows[rows.index("command 9 words") + 1 :] == [
        "  /opt/python",
        "  train.py",
        "  --weights ''",
        "  --name 'a b'",
        "  --rect",
        "  --img=640",
        "  -x",
    ]


def test_what_is_below_a_folded_child_takes_no_row_either() -> None:
    """Two ranks are folded by themselves, with their workers and what those have started."""
    frame = fake_frame("ranks")
    reading = frame.training
    assert reading is not None
    main = reading.processes[0]
    below: list[ProcessReading] = []
    for pid in (50_000, 60_000):
        below.append(replace(main, id=ProcessId(pid, pid), role=Role.RANK, parent_pid=main.id.pid))
        below += [
            replace(main, id=ProcessId(pid + depth, pid), role=Role.OTHER, parent_pid=pid + depth - 1)
            for depth in (1, 2)
        ]
    changed = replace(reading, processes=(main, *below))
    sample = replace(frame.report.sample, trainings=(changed,))

    assert ProcessTable().row_count(replace(frame, report=replace(frame.report, sample=sample))) == 3


async def test_with_room_a_process_has_its_gpu_memory() -> None:
    """As the driver tells it, of all GPUs together; a dash where there is none. A click orders nothing."""
    async with dashboard("eight_gpus", (120, 36)) as shown:
        await shown.press("3")
        lines = shown.lines()
        heading = next(line for line in lines if "GPU mem" in line)
        await shown.pilot.click(ProcessTable, offset=(heading.index("GPU mem") + 2, 1))
        await shown.settle()
        end = heading.index("GPU mem") + len("GPU mem")
        held = [
            line[end - 9 : end].strip() for line in lines if re.search("(main|worker|other) .*train.py", line)
        ]

        assert re.fullmatch(r"4\d\.\d GiB", held[0])
        assert set(held[1:]) == {"–"}
        assert shown.app.screen.query_one(ProcessTable).order == "tree"
        await shown.pilot.resize_terminal(80, 24)
        await shown.settle()
        assert "GPU mem" not in shown.text()
