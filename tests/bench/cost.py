"""What gpumon costs beside its peers: `python -m tests.bench.cost [--rounds N] [--seconds S] [--only X]`.

Each monitor runs in turn in a pseudo-terminal of its own on the stand-in driver (1 and 8 GPUs, 0 and 64
processes on them, 80x24 and 200x50), refreshing once a second. Printed: medians over the rounds of first
frame, CPU of one core, RSS and PSS, bytes per second to the terminal, and the ratio to gpumon's CPU.
gpumon shows the machine, and a training of its own demo where the table says so. An application of Textual
with nothing in it stands beside it, for its first frame and its CPU. `--only first-frame`: only these.
`--only large`: a machine of 128 cores (their /proc/stat is written by the benchmark, which needs root) with
8 GPUs, 64 processes and a training, and what `--low-bandwidth` sends.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gpumon.demo.launch import start
from gpumon.demo.scenario import scenarios
from tests.bench.first_frame import BARE, BARE_COMMAND, ROUNDS, print_table
from tests.bench.many_cores import many_cores
from tests.bench.terminal import Cost, measure
from tests.nvml_stand_in.stand_in import Script, build, environment

GIB = 1 << 30
SIZES = ((80, 24), (200, 50))
MACHINES = ((1, 0), (1, 64), (8, 0), (8, 64))
LARGE_CORES, LARGE_GPUS, LARGE_PROCESSES = 128, 8, 64


def commands(bin_directory: Path) -> dict[str, list[str]]:
    """Return the monitors that are installed, by name, each refreshing once a second."""
    found = {
        "gpumon": [sys.executable, "-m", "gpumon", "--thread-rate", "0"],
        BARE: list(BARE_COMMAND),
        "nvitop": [str(bin_directory / "nvitop"), "--monitor", "full", "--interval", "1"],
        "gpustat": [str(bin_directory / "gpustat"), "-i", "1"],
        "nvtop": ["nvtop", "-d", "10"],
        "btop": ["btop"],
    }
    return {
        name: command
        for name, command in found.items()
        if name in {"gpumon", BARE} or shutil.which(command[0]) is not None
    }


@contextmanager
def gpu_processes(count: int) -> Iterator[list[int]]:
    """Start `count` idle processes that the stand-in driver lists on its GPUs."""
    idle = [subprocess.Popen(["sleep", "1000000"]) for _ in range(count)]
    try:
        yield [process.pid for process in idle]
    finally:
        for process in idle:
            process.kill()
            process.wait()


def script(directory: Path, gpus: int, pids: list[int]) -> Path:
    """Write what the driver shall say: busy waves, and the processes dealt out over the GPUs."""
    written = Script(gpus=gpus).driver()
    for gpu in range(gpus):
        written.set(gpu, memory_total_bytes=12 * GIB, memory_used_bytes=7 * GIB).wave(gpu, 55, 35)
        written.processes(gpu, pids[gpu::gpus], GIB // 10)
    return written.write(directory / "driver.script")


def rows(
    monitors: Mapping[str, list[str]],
    env: Mapping[str, str],
    size: tuple[int, int],
    options: argparse.Namespace,
) -> dict[str, list[Cost]]:
    """Measure all monitors in turn, `rounds` times."""
    costs: dict[str, list[Cost]] = {name: [] for name in monitors}
    for _ in range(options.rounds):
        for name, command in monitors.items():
            try:
                cost = measure(command, env, size=size, warm_up_seconds=3.0, window_seconds=options.seconds)
            except (RuntimeError, TimeoutError) as error:
                print(f"  {name}: {error}", file=sys.stderr)
                continue
            costs[name].append(cost)
    return costs


def table(title: str, costs: Mapping[str, list[Cost]]) -> None:
    """Print one table in Markdown."""
    print(f"\n### {title}\n")
    print("| monitor | first frame s (min) | CPU % of a core | to gpumon | RSS / PSS MiB | bytes/s |")
    print("|---|---|---|---|---|---|")
    own = statistics.median(cost.cpu_ratio for cost in costs["gpumon"]) if costs.get("gpumon") else None
    for name, found in costs.items():
        if not found:
            print(f"| {name} | does not run here | | | | |")
            continue

        first = statistics.median(cost.first_frame_seconds for cost in found)
        quickest = min(cost.first_frame_seconds for cost in found)
        cpu = statistics.median(cost.cpu_ratio for cost in found)
        rss = statistics.median(cost.rss_bytes for cost in found) / 2**20
        pss = statistics.median(cost.pss_bytes for cost in found) / 2**20
        sent = statistics.median(cost.bytes_per_second for cost in found)
        ratio = f"{cpu / own:.2f}" if own else "-"
        cells = (
            name,
            f"{first:.2f} ({quickest:.2f})",
            f"{cpu * 100:.2f}",
            *(("", "", "") if name == BARE else (ratio, f"{rss:.0f} / {pss:.0f}", f"{sent:.0f}")),
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def attached(options: argparse.Namespace, env: Mapping[str, str]) -> None:
    """Print gpumon's cost while it is attached to a training, with and without looking at threads."""
    scenario = scenarios(len(os.sched_getaffinity(0)))["healthy"]
    for size in ((80, 24), (120, 40), (200, 50)):
        with start(scenario) as demo:
            variants = {
                BARE: list(BARE_COMMAND),
                "gpumon": [sys.executable, "-m", "gpumon", "--thread-rate", "0", str(demo.process.pid)],
                "gpumon, 20 looks a second": [sys.executable, "-m", "gpumon", str(demo.process.pid)],
            }
            table(f"attached to a demo training, {size[0]}x{size[1]}", rows(variants, env, size, options))


def large(
    options: argparse.Namespace, library: Path, directory: Path, monitors: dict[str, list[str]]
) -> None:
    """Print the cost on a large machine, alone and attached, and of `--low-bandwidth`."""
    where = f"{LARGE_CORES} cores, {LARGE_GPUS} GPU, {LARGE_PROCESSES} processes"
    scenario = scenarios(len(os.sched_getaffinity(0)))["healthy"]
    with gpu_processes(LARGE_PROCESSES) as pids, many_cores(directory, LARGE_CORES) as prefix:
        env = environment(library, script(directory, LARGE_GPUS, pids))
        there = {name: [*prefix, *command] for name, command in monitors.items() if name != BARE}
        for size in SIZES:
            table(f"{where}, {size[0]}x{size[1]}", rows(there, env, size, options))
        for size in SIZES:
            with start(scenario) as demo:
                pid = str(demo.process.pid)
                attached_there = {
                    "gpumon": [*prefix, sys.executable, "-m", "gpumon", "--thread-rate", "0", pid],
                    "gpumon, 20 looks a second": [*prefix, sys.executable, "-m", "gpumon", pid],
                    "nvitop": there["nvitop"],
                }
                table(
                    f"{where}, a demo training, {size[0]}x{size[1]}", rows(attached_there, env, size, options)
                )
        with start(scenario) as demo:
            pid = str(demo.process.pid)
            far_away: dict[str, list[str]] = {
                "gpumon": [sys.executable, "-m", "gpumon", pid],
                "gpumon --low-bandwidth": [sys.executable, "-m", "gpumon", "--low-bandwidth", pid],
                **{name: monitors[name] for name in ("nvitop", "btop") if name in monitors},
            }
            table(
                "bytes: 8 GPU, 64 processes, a demo training, 120x40", rows(far_away, env, (120, 40), options)
            )


def main() -> None:
    """Run all of it and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help=f"default 3; {ROUNDS} of first frames")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--only", choices=["peers", "attached", "first-frame", "large"], default=None)
    options = parser.parse_args()
    options.rounds = options.rounds or (ROUNDS if options.only == "first-frame" else 3)
    library = build()
    monitors = commands(Path(sys.executable).parent)
    with tempfile.TemporaryDirectory() as temporary, gpu_processes(1) as idle:
        directory = Path(temporary)
        # A process that is no training: gpumon shows the machine, whatever trains here meanwhile.
        monitors["gpumon"].append(str(idle[0]))
        if options.only == "first-frame":
            with gpu_processes(64) as pids:
                print_table(environment(library, script(directory, 8, pids)), idle[0], options.rounds)
            return
        if options.only == "large":
            large(options, library, directory, monitors)
            return
        if options.only != "attached":
            for gpus, processes in MACHINES:
                with gpu_processes(processes) as pids:
                    env = environment(library, script(directory, gpus, pids))
                    for size in SIZES:
                        title = f"{gpus} GPU, {processes} processes, {size[0]}x{size[1]}"
                        table(title, rows(monitors, env, size, options))
        if options.only != "peers":
            attached(options, environment(library, script(directory, 1, [])))


if __name__ == "__main__":
    main()
