"""What looking into a training costs: python -m tests.sources.interpreter_cost.

Reads of its memory and CPU time for each look and for each drain, as medians over trainings of the
laboratory. Between two looks the thread sleeps as it does in gpumon: most of what a look costs are cold
caches. Then how often the system call and the state of the main thread say that it is blocked, and what each
costs after a look at the stack.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gpumon.frameworks.marks import TORCH
from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.remote_python.memory import Memory
from gpumon.sources.interpreter import InterpreterSource
from gpumon.sources.interpreter_stack import StackWatch
from gpumon.sources.thread_state import state_letter
from tests.bench.accuracy_probe import identity
from tests.lab.training import Dose, started

SECONDS, LOOKS_A_SECOND = 25, 8
LOOK_SECONDS, ATTACH_SECONDS = 0.02, 0.1
NOW = Instant(0.0, 0.0)
DOSES = (
    Dose("no workers", 0, 2.0, 4.0),
    Dose("2 workers", 2, 3.0, 4.0),
    Dose("8 workers", 8, 0.2, 5.0, 20.0),
    Dose("8 workers, pinned", 8, 0.2, 5.0, 20.0, more=("--pin",)),
)


class CountedMemory:
    """A memory that counts how often it is read."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.reads = 0

    def read(self, address: int, size: int) -> bytes:
        """Read and count."""
        self.reads += 1
        return self._memory.read(address, size)

    def read_up_to(self, address: int, size: int) -> bytes:
        """Read and count."""
        self.reads += 1
        return self._memory.read_up_to(address, size)


class Costs:
    """The reads and the CPU time of some calls."""

    def __init__(self, memory: CountedMemory) -> None:
        self._memory = memory
        self._reads: list[int] = []
        self._seconds: list[float] = []

    def of(self, call: Callable[[], object]) -> None:
        """Call, and add what it cost."""
        reads, begun = self._memory.reads, time.thread_time()
        call()
        self._seconds.append(time.thread_time() - begun)
        self._reads.append(self._memory.reads - reads)

    def __str__(self) -> str:
        seconds = statistics.median(self._seconds)
        return f"{statistics.median(self._reads):5.0f} reads {seconds * 1e6:7.1f} us CPU"


def attached(pid: int) -> InterpreterSource:
    """Return a source that has attached to a training, and knows its functions."""
    source = InterpreterSource(identity(pid), TORCH)
    while isinstance(source.drain(NOW), Missing):
        time.sleep(ATTACH_SECONDS)
    for _ in range(3 * round(1 / LOOK_SECONDS)):
        time.sleep(LOOK_SECONDS)
        source.look()
    source.drain(NOW)
    return source


def print_costs(dose: Dose, folder: Path) -> None:
    """Print the lines of one training."""
    with started(dose, folder) as training:
        training.until_batches()
        pid = training.process.pid
        source = attached(pid)
        watch = source._watch
        assert watch is not None
        reader = watch._interpreter._reader
        memory = CountedMemory(reader.memory)
        reader.memory = memory
        looks, drains = Costs(memory), Costs(memory)
        for _ in range(SECONDS):
            for _ in range(LOOKS_A_SECOND):
                time.sleep(LOOK_SECONDS)
                looks.of(source.look)
            drains.of(lambda: source.drain(NOW))
        print(f"{dose.name:18} look  {looks}")
        print(f"{dose.name:18} drain {drains}")
        print_blocked(dose.name, pid, watch)
        source.close()


def print_blocked(name: str, pid: int, watch: StackWatch) -> None:
    """Print how the system call and the state agree, asked in turn first."""
    ways: dict[str, Callable[[bytes], bool]] = {
        "syscall": lambda data: data != b"running\n",
        "stat": lambda data: state_letter(data) != "R",
    }
    files = {way: os.open(f"/proc/{pid}/task/{pid}/{way}", os.O_RDONLY) for way in ways}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    blocked = dict.fromkeys(ways, 0)
    rounds = SECONDS * LOOKS_A_SECOND
    for turn in range(rounds):
        time.sleep(LOOK_SECONDS)
        watch._calls()
        for place, way in enumerate(ways if turn % 2 else reversed(ways)):
            begun = time.thread_time()
            data = os.pread(files[way], 1024, 0)
            if not place:
                seconds[way].append(time.thread_time() - begun)
            blocked[way] += ways[way](data)
    for way, file in files.items():
        os.close(file)
        cost = statistics.median(seconds[way]) * 1e6
        print(
            f"{name:18} {way:8} {cost:6.1f} us CPU, blocked in {blocked[way] / rounds:.3f} of {rounds} looks"
        )


if __name__ == "__main__":
    for one in DOSES:
        with tempfile.TemporaryDirectory() as directory:
            print_costs(one, Path(directory))
