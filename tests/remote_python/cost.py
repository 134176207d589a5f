"""What reading costs, in microseconds and reads of memory: python -m tests.remote_python.cost.

The minimum over many repetitions, since other programs only add to it; CPU time is this process's own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from gpumon.remote_python import Interpreter
from tests.remote_python.children import PROGRAMS, attached, frame_named
from tests.remote_python.interpreters import installed
from tests.sources.interpreter_cost import CountedMemory

REPEATS, TURNS = 30, 30
SAMPLER_SECONDS, SAMPLER_HERTZ = 5.0, 50.0


def fastest(look: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU time of one look, in microseconds."""
    walls, cpus = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(TURNS):
            look()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls) / TURNS * 1e6, min(cpus) / TURNS * 1e6


def reads_of(interpreter: Interpreter, look: Callable[[], object]) -> int:
    """Return how often memory is read for a look."""
    reader = interpreter._reader
    memory, counted = reader.memory, CountedMemory(reader.memory)
    reader.memory = counted
    look()
    reader.memory = memory
    return counted.reads


def sampler_share(interpreter: Interpreter) -> float:
    """Return the share of a core that looking at the main thread's stack takes at 50 Hz with jitter."""
    main = interpreter.main_thread
    assert main is not None
    begun, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < SAMPLER_SECONDS:
        any(frame.name == "__next__" for frame in main.frames() or ())
        time.sleep(random.uniform(0.5, 1.5) / SAMPLER_HERTZ)  # noqa: S311 - no secret
    return (time.process_time() - cpu) / (time.perf_counter() - begun)


def print_costs(program: Path, name: str) -> None:
    """Print one row per look at the known program (a stack of 11 frames)."""
    with attached(program, PROGRAMS / "known.py") as (interpreter, _said):
        main = interpreter.main_thread
        assert main is not None
        work = frame_named(interpreter, "work")
        plain, table, rest = work.local("plain"), work.local("table"), work.local("rest")
        assert plain is not None
        assert table is not None
        assert rest is not None
        rows: dict[str, Callable[[], object]] = {
            "stack": main.frames,
            "local int": lambda: work.local("epoch"),
            "attribute": lambda: plain.attr("epoch"),
            "three attributes": lambda: plain.attrs(("epoch", "name", "ratio")),
            "three variables": lambda: work.variables(("zero", "ratio", "latin")),
            "key of a dict": lambda: table.get("k"),
            "tuple of two": lambda: rest.items,
            "attach": lambda: Interpreter.attach(interpreter.pid).close(),
        }
        for row, look in rows.items():
            wall, cpu = fastest(look)
            reads = reads_of(interpreter, look)
            print(f"{name:12} {row:16} {wall:8.1f} us wall {cpu:8.1f} us CPU {reads:4} reads")
        print(f"{name:12} sampler at 50 Hz: {100 * sampler_share(interpreter):.2f} % of a core")


if __name__ == "__main__":
    for one in installed():
        print_costs(one.program, str(one))
