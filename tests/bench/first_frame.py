"""The first frame beside that of an application with nothing in it: gpumon's own part, and Textual's."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gpumon.demo.launch import start
from gpumon.demo.scenario import scenarios
from tests.bench.terminal import FirstFrame, first_frame

ROUNDS = 11
BARE = "bare Textual"
BARE_COMMAND = (sys.executable, "-m", "tests.bench.bare_textual")
_GPUMON = (sys.executable, "-m", "gpumon", "--thread-rate", "0")


class Start(NamedTuple):
    """A program that is started, and the size of its terminal in columns and rows."""

    command: Sequence[str]
    size: tuple[int, int]


def measured(starts: Mapping[str, Start], env: Mapping[str, str], rounds: int) -> dict[str, list[FirstFrame]]:
    """Start all in turn, `rounds` times, and return the first frames of each."""
    found: dict[str, list[FirstFrame]] = {name: [] for name in starts}
    for _ in range(rounds):
        for name, (command, size) in starts.items():
            found[name].append(first_frame(command, env, size=size))
    return found


def table(found: Mapping[str, Sequence[FirstFrame]]) -> str:
    """Return a table in Markdown. Differences are medians over the rounds: of one round, both are as fast."""
    lines = [
        "| | first frame s | least | more than bare Textual | CPU s until then | more than bare Textual |",
        "|---|---|---|---|---|---|",
    ]
    bare = found[BARE]
    for name, frames in found.items():
        pairs = list(zip(frames, bare, strict=True))
        more = statistics.median(frame.seconds - empty.seconds for frame, empty in pairs)
        more_cpu = statistics.median(frame.cpu_seconds - empty.cpu_seconds for frame, empty in pairs)
        cells = (
            name,
            f"{statistics.median(frame.seconds for frame in frames):.2f}",
            f"{min(frame.seconds for frame in frames):.2f}",
            "" if name == BARE else f"{more:.2f}",
            f"{statistics.median(frame.cpu_seconds for frame in frames):.2f}",
            "" if name == BARE else f"{more_cpu:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def print_table(env: Mapping[str, str], pid: int, rounds: int) -> None:
    """Measure and print it. `pid` is of a process that is no training: gpumon shows the machine."""
    scenario = scenarios(len(os.sched_getaffinity(0)))["healthy"]
    with start(scenario) as demo:
        starts = {BARE: Start(BARE_COMMAND, (80, 24))}
        for columns, rows in ((80, 24), (120, 40), (200, 50)):
            starts[f"gpumon, {columns}x{rows}"] = Start((*_GPUMON, str(pid)), (columns, rows))
        starts["gpumon, attached, 80x24"] = Start((*_GPUMON, str(demo.process.pid)), (80, 24))
        # What was not compiled yet is compiled now.
        measured(starts, env, 1)
        print(table(measured(starts, env, rounds)), flush=True)
