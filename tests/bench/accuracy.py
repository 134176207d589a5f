"""How right gpumon is: `python -m tests.bench.accuracy [--quick] [--seconds S] [--no-yolov5] [--no-cost]`.

Truth is a stamp around every `next(loader)`: in PyTorch trainings of the project's own with known costs, and
in a real YOLOv5. Windows of ten seconds. Printed as Markdown: the error of the data wait by the interpreter
and by the states of threads alone, how often the truth lies within 2.5 stated standard errors, the batches
counted, the place in the run, what looking costs, and what it costs the training.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gpumon.frameworks.marks import TORCH
from tests.bench.accuracy_cases import Case, cases, write_disk_file
from tests.bench.accuracy_cost import cost_rows
from tests.bench.accuracy_judge import Judged, judge, mean
from tests.bench.accuracy_probe import Probe, watch
from tests.bench.accuracy_yolov5 import yolov5_judged
from tests.lab.training import started
from tests.real import truth


def measure(case: Case, seconds: int, folder: Path) -> Judged:
    """Return how right gpumon is on one training."""
    folder.mkdir()
    with started(case.dose, folder) as training:
        training.until_batches()
        pid = training.process.pid
        probe = Probe(pid, TORCH, truth.worker_pids(pid))
        try:
            watched, cpu = watch(probe, seconds)
        finally:
            probe.close()
        return judge(case.dose.name, watched, training.waits, cpu)


def row(judged: Judged, item: str, character: str, workers: str, pins: str) -> str:
    """Return one line of the table."""
    windows = judged.windows
    rate = f"{max(judged.rate_errors):.2%}" if judged.rate_errors else "-"
    counts = f"{max(map(abs, judged.count_errors))}" if judged.count_errors else "-"
    state = "-" if math.isnan(judged.state_error) else f"{judged.state_error:.3f}"
    return (
        f"| {item} | {character} | {workers} | {pins} | {mean(w.real for w in windows):.3f}"
        f" | {judged.frame_error:.3f} | {judged.frame_bias:+.3f} | {state} | {judged.covered}/{len(windows)}"
        f" | {counts} | {rate} | {judged.cpu:.2%} |"
    )


HEAD = """
| item | training | workers | pin thread | wait | error by frames | over all | error by states | within 2.5 SE | batches off | rate beyond ±1 | looking, of a core |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""  # noqa: E501 - one line of Markdown


def summary(found: Sequence[Judged]) -> str:
    """Return the lines under the table."""
    windows = [window for judged in found for window in judged.windows]
    states = [abs(window.by_state - window.real) for window in windows if window.by_state is not None]
    frames = mean(abs(window.by_frames - window.real) for window in windows)
    covered = sum(judged.covered for judged in found)
    states_covered = sum(judged.states_covered for judged in found) / max(len(states), 1)
    largest = max((abs(judged.frame_bias) for judged in found), default=math.nan)
    rate = max((error for judged in found for error in judged.rate_errors), default=math.nan)
    lines = (
        f"{len(windows)} windows of 10 s: mean absolute error by frames **{frames:.4f}** (aim ≤ 0.015)",
        f"by states of threads alone **{mean(states):.4f}** of {len(states)} (aim ≤ 0.05)",
        f"within 2.5 stated standard errors **{covered / max(len(windows), 1):.1%}** (aim ≥ 95 %)",
        f"the same by states of threads alone **{states_covered:.1%}**",
        f"largest error of a training over all its windows **{largest:.3f}** (aim ≤ 0.03 over 60 s)",
        f"largest error of a rate beyond ±1 batch **{rate:.2%}** (aim ≤ 0.5 %)",
    )
    return "\n".join(["", *(f"- {line}" for line in lines)])


def machine() -> str:
    """Return what the numbers were measured on."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, Python"
        f" {platform.python_version()}, no GPU; load average at the start {load}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half of the cases, 20 s each")
    parser.add_argument("--seconds", type=int, default=0, help="how long to look at each training")
    parser.add_argument("--no-yolov5", action="store_true", help="only the project's own trainings")
    parser.add_argument("--no-cost", action="store_true", help="do not measure what looking costs")
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    options = parser.parse_args()
    seconds = options.seconds or (20 if options.quick else 60)
    print(f"Measured on {machine()}; {seconds} s a training.")
    print(HEAD)
    found: list[Judged] = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        write_disk_file(folder / "pixels")
        for number, case in enumerate(cases(folder / "pixels")):
            if (options.quick and not case.quick) or options.only not in case.dose.name:
                continue
            judged = measure(case, seconds, folder / str(number))
            found.append(judged)
            workers = f"{case.dose.workers}{' (spawn)' if case.start == 'spawn' else ''}"
            print(row(judged, case.item, case.character, workers, "yes" if case.pins else "no"), flush=True)
        if not options.no_yolov5:
            for title, judged in yolov5_judged(seconds, folder):
                found.append(judged)
                print(row(judged, "YOLOv5", title, "1" if title == "starved" else "2", "no"), flush=True)
        print(summary(found), flush=True)
        places = [place for judged in found for place in judged.places]
        if places:
            print(f"- epoch and batch of YOLOv5 exact: **{sum(places)}/{len(places)}** readings")
        if not options.no_cost:
            for line in cost_rows(folder, quick=options.quick):
                print(line, flush=True)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
