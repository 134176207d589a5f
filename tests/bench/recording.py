"""What a recording costs: `python -m tests.bench.recording [--days N] [--seconds S]`.

A machine of 8 GPUs, 128 cores and a training with 64 workers, every number of it at random. Printed as
Markdown: the size of the file after N days (7), and what the writer takes of a core at 1 Hz.

The days are simulated: the writer knows no clock. What is thinned away before the end is fed more sparsely
than once a second, so that the bench takes minutes: what stays in the file is as many rows as with 1 Hz.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gpumon.model.clock import Instant
from gpumon.model.report import Report
from gpumon.recording.about import About
from gpumon.recording.reader import open_recording
from gpumon.recording.schema import Entry
from gpumon.recording.store import FULL_SECONDS, RecordingFile
from gpumon.recording.thinning import TIERS
from gpumon.recording.writer import Recorder
from tests.bench.recording_scene import LargeMachine

DAY = 24 * 3600.0
BUDGET_BYTES = 500e6
BUDGET_CORES = 0.005
_UNIX_SECONDS = 1_790_000_000.0
# Reports made for the simulated days; they come around again, each time a stretch further on.
_MADE = 401
_ABOUT = About(Instant(_UNIX_SECONDS, 0.0), "large", 1.0, "bench")


def moments(end: float) -> Iterator[float]:
    """Yield the seconds at which a sample is taken: the later, the denser."""
    second = 0.0
    while second < end:
        yield second
        age = end - second
        if age > (TIERS[0].kept_seconds or 0.0) + 3600.0:
            second += 30.0
        elif age > FULL_SECONDS + 600.0:
            second += 5.0
        else:
            second += 1.0


def size(path: Path, days: float) -> Iterator[str]:
    """Yield the lines on the size of the file."""
    machine = LargeMachine()
    file = RecordingFile(path, _ABOUT)
    made = [machine.report(float(second)) for second in range(_MADE)]
    for count, second in enumerate(moments(days * DAY)):
        report = made[count % _MADE]
        instant = Instant(_UNIX_SECONDS + second, second)
        sample = replace(report.sample, sequence=count, instant=instant)
        file.append(_entry(replace(report, sample=sample)))
        if count % 10 == 0:
            file.commit()
    file.end()
    file.close()
    total = path.stat().st_size
    yield f"- {days:g} days: **{total / 1e6:.0f} MB** (budget {BUDGET_BYTES / 1e6:.0f} MB for 7 days)"
    with open_recording(path) as recording:
        started = time.perf_counter()
        last = recording.last_seconds
        count = sum(1 for _ in recording.samples(last - 600.0))
        elapsed = time.perf_counter() - started
    yield f"- reading {count} samples of it: {elapsed / max(count, 1) * 1e3:.1f} ms each"


def in_a_row(path: Path, samples: int) -> str:
    """Return the CPU time of a sample when one follows the other at once, each in its own transaction."""
    machine = LargeMachine()
    entries = [_entry(machine.report(float(second))) for second in range(samples)]
    file = RecordingFile(path, _ABOUT)
    started = time.process_time()
    for entry in entries:
        file.append(entry)
        file.commit()
    spent = (time.process_time() - started) / samples
    file.end()
    file.close()
    each = path.stat().st_size / samples
    return f"- one after the other: {spent * 1e3:.2f} ms of CPU and {each / 1e3:.1f} kB a sample"


def once_a_second(path: Path, seconds: int) -> Iterator[str]:
    """Yield what the writer takes of a core, as it runs beside a monitor: the whole process, reports made."""
    machine = LargeMachine()
    reports = [machine.report(float(second)) for second in range(seconds)]
    recorder = Recorder(path, _ABOUT)
    started = time.process_time()
    for report in reports:
        recorder.write(report)
        time.sleep(1.0)
    cores = (time.process_time() - started) / seconds
    recorder.close()
    yield f"- at 1 Hz for {seconds} s: **{cores:.2%}** of a core (budget {BUDGET_CORES:.1%})"


def _entry(report: Report) -> Entry:
    return Entry(report.sample, report.attachment, report.trainings)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Cost of a recording.")
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--samples", type=int, default=300)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(in_a_row(folder / "row.gpumon", chosen.samples), flush=True)
        for line in once_a_second(folder / "live.gpumon", chosen.seconds):
            print(line, flush=True)
        for line in size(folder / "days.gpumon", chosen.days):
            print(line, flush=True)


if __name__ == "__main__":
    main()
