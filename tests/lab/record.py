"""A script: looks at a laboratory training with the real monitor and writes a recording with its truth.

usage: python -m tests.lab.record PID SECONDS STAMPS TRUTH FILE

STAMPS is the training's own record of its waits; TRUTH is a JSON file with what is known beforehand, to
which the figures measured meanwhile are added. The host is called "laboratory" in the recording.
"""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gpumon
from gpumon.model.report import Report
from gpumon.monitor.attaching import Wish
from gpumon.monitor.build import build_monitor
from gpumon.recording.about import About
from gpumon.recording.writer import Recorder
from gpumon.settings import Settings
from tests.lab.figures import figures
from tests.lab.others import other_cores
from tests.lab.score_truth import HEALTHY

HOST = "laboratory"
_LOADER_FAULTS = ("starved-",)
_BITES_FROM = 0.05
_CHECKOUT = Path(__file__).parents[2]


def main(pid: int, seconds: float, stamps: Path, truth_path: Path, path: Path) -> None:
    """Look once a second for so long, then write."""
    reports = look(pid, seconds)
    first, last = (report.sample.instant.monotonic_seconds for report in (reports[0], reports[-1]))
    truth = json.loads(truth_path.read_text())
    onset = truth.pop("onset_monotonic_seconds", None)
    if onset is not None:
        truth["onset_seconds"] = round(max(0.0, onset - first), 2)
    truth |= figures(stamps, first, last, truth.get("settings", {}).get("batch_size", 1))
    slowest = stamps.with_name(f"{stamps.name}.1")
    if slowest.exists():
        truth["rank_1_data_wait_ratio"] = figures(slowest, first, last, 1)["data_wait_ratio"]
    truth["other_cores"] = round(other_cores(report.sample for report in reports), 3)
    truth = as_it_bit(truth)
    write(reports, path, json.dumps(truth))
    print(json.dumps(truth))
    for training in reports[-1].trainings if truth["set"] == "tune" else ():
        print("  told:", training.pid, [finding.id for finding in training.findings], training.settled)


def without_neighbours(report: Report) -> Report:
    """Return the report without the host's name and the trainings of others, which are nobody's business."""
    sample = replace(report.sample, hostname=HOST)
    return replace(report, sample=sample, attachment=replace(report.attachment, candidates=()))


def as_it_bit(truth: dict[str, Any]) -> dict[str, Any]:
    """Return the truth, healthy where a fault of the loader hardly made the training wait.

    A fault that costs less than 5 % (where every published rule begins) is none; `meant` keeps what it was.
    """
    labels = truth["labels"]
    if labels[0].startswith(_LOADER_FAULTS) and truth.get("data_wait_ratio", 1.0) < _BITES_FROM:
        return {**truth, "labels": [HEALTHY], "meant": labels}
    return truth


def look(pid: int, seconds: float) -> list[Report]:
    """Return what the monitor reports, once a second, attached to that training."""
    settings = Settings()
    monitor = build_monitor(settings, Wish(pid=pid))
    reports = []
    due = time.monotonic()
    end = due + seconds
    try:
        while due < end:
            time.sleep(max(0.0, due - time.monotonic()))
            report = monitor.tick()
            reports.append(without_neighbours(report))
            due = max(due + settings.interval_seconds, time.monotonic())
    finally:
        monitor.close()
    return reports


def write(reports: list[Report], path: Path, truth: str) -> None:
    """Write the reports through the recorder; raises RuntimeError if it stopped, or if they name a user."""
    shown = repr(reports)
    for private in {str(Path.home()), str(_CHECKOUT)}:
        if re.search(rf"{re.escape(private)}\b", shown):
            raise RuntimeError(f"the recording would show {private}")
    about = About(
        started=reports[0].sample.instant,
        hostname=HOST,
        interval_seconds=reports[0].sample.interval_seconds,
        gpumon_version=gpumon.__version__,
        simulated=True,
        truth=truth,
    )
    recorder = Recorder(path, about)
    for report in reports:
        recorder.write(report)
    recorder.close()
    if recorder.state.samples < len(reports):
        raise RuntimeError(f"only {recorder.state.samples} of {len(reports)}: {recorder.state.text}")


if __name__ == "__main__":
    _pid, _seconds, _stamps, _truth, _path = sys.argv[1:]
    main(int(_pid), float(_seconds), Path(_stamps), Path(_truth), Path(_path))
