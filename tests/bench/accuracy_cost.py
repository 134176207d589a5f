"""What looking into a training costs: the looks themselves, and the training that is looked into."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gpumon.frameworks.marks import TORCH
from tests.bench.accuracy_probe import Probe, watch
from tests.lab.training import Dose, LabTraining, started
from tests.real import truth

# Short turns, so that what other programs do on the machine is the same for both of a pair.
_WINDOW_SECONDS = 2.0
_SETTLE_SECONDS = 0.3
_ATTACH_SECONDS = 8.0
_TURN_SECONDS = 5
# The pace of looks begins at the wanted rates, and takes a few seconds to hold its budget.
_PACE_SECONDS = 8


def cost_rows(folder: Path, *, quick: bool) -> Iterator[str]:
    """Yield the lines on cost."""
    yield ""
    yield from _looking(folder / "eight", 3 if quick else 10)
    rounds = 8 if quick else 40
    cores = sorted(os.sched_getaffinity(0))
    free = {cores[0]}, {cores[-1]}
    yield from _slow_down("a core is free", folder / "free", *free, rounds=rounds)
    yield from _slow_down("one core for both", folder / "full", {cores[0]}, {cores[0]}, rounds=rounds)


def _looking(folder: Path, rounds: int) -> Iterator[str]:
    """Yield what the looks cost with eight workers, frames at 50 Hz and states of threads at 20 Hz.

    In turn with nothing else, as far as that is in our hands, and with a busy program for each core: then
    every look finds cold caches.
    """
    folder.mkdir()
    costs: dict[bool, list[float]] = {False: [], True: []}
    loads = [os.getloadavg()[0]]
    with started(Dose("eight", workers=8, load_ms=0.2, wait_ms=20.0, compute_ms=5.0), folder) as training:
        training.until_batches()
        pid = training.process.pid
        probe = Probe(pid, TORCH, truth.worker_pids(pid))
        try:
            # In its first seconds every function is compared at each look.
            watch(probe, 3, frame_hertz=50.0)
            for _ in range(rounds):
                for busy, found in costs.items():
                    with _busy_cores() if busy else contextlib.nullcontext():
                        found.append(
                            watch(probe, _TURN_SECONDS, frame_hertz=50.0, settle_seconds=_PACE_SECONDS)[1]
                        )
                loads.append(os.getloadavg()[0])
        finally:
            probe.close()
    yield (
        "- looking with 8 workers, frames at 50 Hz, threads at 20 Hz (aim ≤ 1 % of a core):"
        f" **{statistics.median(costs[False]):.2%}** ({min(costs[False]):.2%} to {max(costs[False]):.2%});"
        f" with a busy program for each core besides **{statistics.median(costs[True]):.2%}**"
        f" ({min(costs[True]):.2%} to {max(costs[True]):.2%}); {rounds} turns of each, load average"
        f" {min(loads):.1f} to {max(loads):.1f}"
    )


@contextlib.contextmanager
def _busy_cores() -> Iterator[None]:
    """Run a program on each core that fills its caches with its own."""
    command = [sys.executable, "-c", "data = bytearray(1 << 22)\nwhile True: data[::64] = data[::64]"]
    programs = [subprocess.Popen(command) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def _slow_down(
    title: str, folder: Path, training_cores: set[int], own_cores: set[int], *, rounds: int
) -> Iterator[str]:
    """Yield how much slower a training is with gpumon attached, in turn with gpumon stopped.

    By batches a second, and by batches per second of the main process' CPU: the second does not change
    with what other programs do on the machine.
    """
    folder.mkdir()
    # Each batch costs work, not time: whatever slows the main process down shows.
    dose = Dose("steady", workers=1, load_ms=0.1, compute_ms=0.0, more=("--rounds", "2000"))
    with started(dose, folder) as training:
        training.until_batches()
        os.sched_setaffinity(training.process.pid, training_cores)
        command = [sys.executable, "-m", "tests.bench.accuracy_attached", str(training.process.pid)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as gpumon:
            try:
                os.sched_setaffinity(gpumon.pid, own_cores)
                time.sleep(_ATTACH_SECONDS)
                yield _compare(title, training, gpumon, rounds)
            finally:
                gpumon.kill()


def _compare(title: str, training: LabTraining, gpumon: subprocess.Popen[bytes], rounds: int) -> str:
    walls, cpus, shares = [], [], []
    for turn in range(rounds):
        order = (True, False) if turn % 2 else (False, True)
        rates = {attached: _rates(training, gpumon, attached=attached) for attached in order}
        walls.append(rates[True][0] / rates[False][0])
        cpus.append(rates[True][1] / rates[False][1])
        shares.append(rates[True][2])
    return (
        f"- training with gpumon attached / without, {title}: batches/s"
        f" **{statistics.median(walls):.4f}**{_spread(walls)}, batches per CPU second"
        f" **{statistics.median(cpus):.4f}**{_spread(cpus)}; gpumon"
        f" used {statistics.median(shares):.2%} of a core"
    )


def _spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return f" (half of {len(ordered)} pairs {ordered[quarter]:.3f} to {ordered[-1 - quarter]:.3f})"


def _rates(
    training: LabTraining, gpumon: subprocess.Popen[bytes], *, attached: bool
) -> tuple[float, float, float]:
    """Return batches per second, batches per second of CPU, and gpumon's own CPU in cores."""
    subprocess.run(["kill", "-CONT" if attached else "-STOP", str(gpumon.pid)], check=True)
    time.sleep(_SETTLE_SECONDS)
    pid = training.process.pid
    own, cpu, start = _cpu_seconds(gpumon.pid), _cpu_seconds(pid), time.monotonic()
    time.sleep(_WINDOW_SECONDS)
    own, cpu, end = _cpu_seconds(gpumon.pid) - own, _cpu_seconds(pid) - cpu, time.monotonic()
    batches = _batches(training.waits, start, end)
    return batches, batches * (end - start) / cpu, own / (end - start)


def _batches(waits: list[truth.LoaderWait], start: float, end: float) -> float:
    """Return batches per second between the first and the last delivery of a window."""
    ends = [wait.end for wait in waits if wait.end is not None and start <= wait.end < end]
    return (len(ends) - 1) / (ends[-1] - ends[0])


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, to the nanosecond."""
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        total += int(file.read_text().split()[0])
    return total / 1e9
