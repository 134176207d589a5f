"""What the reporter costs a training: `python -m tests.reporter.cost [--rounds N]`.

Printed: microseconds more for each `next()` of a real DataLoader and for each optimizer step (blocks with
and without the reporter in turn, in one process), and milliseconds more for the start of each installed
Python (in turn too, with cached bytecode). All are CPU time, which other programs lengthen less than time
on the wall.
"more" is the median of the differences of the rounds, "least" the difference of the two minima.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from gpumon.cli.run import reporting_environment
from tests.remote_python.interpreters import installed
from tests.reporter.launch import plain_environment

# Takes the rounds; tells [without, with] for `next()` and for `step()`, in ns, of each round.
_LOOP = """
import json, sys, warnings
warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
from time import thread_time_ns
import torch
import torch.utils.data.dataloader as module
from torch.optim import optimizer as optimizer_module
from torch.utils.data import DataLoader

torch.set_num_threads(1)
BATCH = (torch.zeros(4, 3, 8, 8), torch.zeros(4))

class Data:
    def __len__(self):
        return 10**8
    def __getitem__(self, index):
        return BATCH

def timed(call, count=2000):
    start = thread_time_ns()
    for _ in range(count):
        call()
    return (thread_time_ns() - start) / count

iterator = iter(DataLoader(Data(), batch_size=None, sampler=range(10**8), collate_fn=lambda batch: batch))
kind = module._BaseDataLoaderIter
watched = kind.__next__
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
hooks = dict(optimizer_module._global_optimizer_post_hooks)
rounds = {"next": [], "step": []}
for _ in range(int(sys.argv[1])):
    times = []
    for method in (watched.__wrapped__, watched):
        kind.__next__ = method
        times.append(timed(lambda: next(iterator)))
    rounds["next"].append(times)
    times = []
    for chosen in ({}, hooks):
        optimizer_module._global_optimizer_post_hooks.clear()
        optimizer_module._global_optimizer_post_hooks.update(chosen)
        times.append(timed(optimizer.step, 500))
    rounds["step"].append(times)
print(json.dumps(rounds))
"""


def loop_costs(rounds: int) -> dict[str, list[list[float]]]:
    """Return the times of each round, in nanoseconds: [without, with] for `next` and for `step`."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOP, str(rounds)],
        env=reporting_environment(plain_environment()),
        capture_output=True,
        text=True,
        check=True,
    )
    costs: dict[str, list[list[float]]] = json.loads(done.stdout)
    return costs


def start_costs(program: Path, rounds: int) -> list[list[float]]:
    """Return the CPU seconds that a Python takes to start and end, in each round: [without, with]."""
    with tempfile.TemporaryDirectory() as cache:
        plain = {**plain_environment(), "PYTHONPYCACHEPREFIX": cache}
        del plain["PYTHONDONTWRITEBYTECODE"]
        environments = (plain, reporting_environment(plain))
        times = [[_start_seconds(program, one) for one in environments] for _ in range(rounds + 1)]
    return times[1:]  # the first one has compiled


def _start_seconds(program: Path, environment: dict[str, str]) -> float:
    """Return the CPU time of a Python that starts and ends."""
    process = subprocess.Popen([program, "-c", ""], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def _row(name: str, times: list[list[float]], unit: str, scale: float) -> str:
    without, reported = ([pair[side] * scale for pair in times] for side in (0, 1))
    medians = statistics.median(without), statistics.median(reported)
    pairs = [other - one for one, other in zip(without, reported, strict=True)]
    more = statistics.median(pairs), min(reported) - min(without)
    return f"{name:<24}{medians[0]:9.2f}{medians[1]:9.2f}{more[0]:+9.2f}{more[1]:+9.2f}  {unit}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    print(f"{'':<24}{'without':>9}{'with':>9}{'more':>9}{'least':>9}")
    for name, times in loop_costs(rounds).items():
        print(_row(f"{name}()", times, "us", 1e-3))
    for python in installed():
        times = start_costs(python.program, max(5, rounds // 4))
        print(_row(f"start of Python {python}", times, "ms", 1e3))


if __name__ == "__main__":
    main()
