"""What the hour before a recording costs: `python -m tests.bench.recording_backlog [--small] [--seconds S]`.

The machine of tests.bench.recording, or the small one of the tests, of which a dashboard has seen an hour.
Printed as Markdown: what is kept for it while nothing is recorded, how long the key takes, what the writer
takes of a core until the hour is written, and how late a second thread was meanwhile, which stands for the
dashboard.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from gpumon.history.history import History
from gpumon.model.clock import Instant
from gpumon.model.report import Report
from gpumon.recording.about import About
from gpumon.recording.backlog import BacklogKeeper
from gpumon.recording.writer import Recorder
from tests.bench.recording_scene import LargeMachine
from tests.recording.scene import ReportFeed, report_at

_UNIX_SECONDS = 1_790_000_000.0
_ABOUT = About(Instant(_UNIX_SECONDS, 0.0), "large", 1.0, "bench")
# Reports made; they come around again.
_MADE = 401
_TICK_SECONDS = 0.005


class Feed(ReportFeed):
    """A feed with the history of a monitor."""

    def __init__(self, seconds: int, report_of: Callable[[float], Report]) -> None:
        """See that many seconds, and keep what a recording begins with; `cost_seconds` is what that took."""
        super().__init__()
        made = [report_of(float(second)) for second in range(_MADE)]
        history = History()
        self.keeper = BacklogKeeper(self)
        self.cost_seconds = 0.0
        for second in range(seconds):
            report = made[second % _MADE]
            instant = Instant(_UNIX_SECONDS + second, float(second))
            report = replace(report, sample=replace(report.sample, sequence=second, instant=instant))
            history.append(report.sample)
            self._window = history.window()
            started = time.process_time()
            self.show(report)
            self.cost_seconds += time.process_time() - started


class Heartbeat:
    """A thread that wants to wake every 5 ms; `late_seconds` is the most it was kept waiting."""

    def __init__(self) -> None:
        """Begin."""
        self.late_seconds = 0.0
        self._over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Stop."""
        self._over = True
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic() + _TICK_SECONDS
        while not self._over:
            time.sleep(max(0.0, due - time.monotonic()))
            self.late_seconds = max(self.late_seconds, time.monotonic() - due)
            due = time.monotonic() + _TICK_SECONDS


def figures(path: Path, seconds: int, report_of: Callable[[float], Report]) -> Iterator[str]:
    """Yield the lines."""
    feed = Feed(seconds, report_of)
    yield f"- keeping: {feed.cost_seconds / seconds * 1e6:.0f} us of CPU a report"
    heartbeat = Heartbeat()
    time.sleep(2.0)
    idle, heartbeat.late_seconds = heartbeat.late_seconds, 0.0
    started, begun = time.process_time(), time.monotonic()
    recorder = Recorder(path, _ABOUT)
    recorder.follow(feed, feed.keeper.backlog())
    key = time.monotonic() - begun
    samples = -1
    while recorder.state.samples != samples or not samples:
        samples = recorder.state.samples
        time.sleep(2.0)
    # The last two seconds showed nothing new.
    wall = time.monotonic() - begun - 2.0
    cpu = time.process_time() - started
    heartbeat.end()
    recorder.close()
    yield f"- the key: {key * 1e3:.1f} ms"
    share = f"{cpu:.2f} s of CPU, {cpu / wall:.1%} of a core"
    yield f"- {samples} samples and the numbers of {seconds} s: {wall:.1f} s, {share}"
    late = f"{heartbeat.late_seconds * 1e3:.0f} ms at most ({idle * 1e3:.0f} ms without it)"
    yield f"- a thread beside it was late by {late}"
    yield f"- the file: {path.stat().st_size / 1e6:.1f} MB"


def memory(samples: int, report_of: Callable[[float], Report]) -> str:
    """Return what one sample a minute takes, by Python's own count."""
    tracemalloc.start()
    reports = [report_of(float(second)) for second in range(samples)]
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return f"- kept besides the history: {len(reports)} samples, {held / 1e6:.1f} MB"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Cost of the hour before a recording.")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--small", action="store_true")
    chosen = parser.parse_args()
    report_of = report_at if chosen.small else LargeMachine().report
    with tempfile.TemporaryDirectory() as name:
        for line in figures(Path(name) / "late.gpumon", chosen.seconds, report_of):
            print(line, flush=True)
    print(memory(chosen.seconds // 60 + 1, report_of))


if __name__ == "__main__":
    main()
