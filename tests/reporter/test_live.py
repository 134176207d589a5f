"""The share of waiting while a training runs, against the training's own stamps."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpumon.cli.run import reporting_environment
from gpumon.model.clock import Instant
from gpumon.model.measure import Measure, Missing
from gpumon.sources.clock import SystemClock
from gpumon.sources.reporter import ReporterSource
from gpumon.sources.reporter_reading import ReporterReading
from tests.lab.training import SCRIPT, Dose
from tests.real import truth
from tests.reporter.launch import plain_environment
from tests.sources.children import process_id

DOSES = [
    Dose("starved", workers=1, load_ms=1.0, wait_ms=4.0, compute_ms=10.0),
    Dose("balanced", workers=2, load_ms=1.0, wait_ms=4.0, compute_ms=20.0),
    Dose("compute bound", workers=1, load_ms=0.2, compute_ms=40.0),
    Dose("no workers", workers=0, load_ms=1.0, compute_ms=10.0),
]


class _Stamps:
    """The clock of the machine, and when it was last asked."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self.last = 0.0

    def now(self) -> Instant:
        """Return the present moment, and remember it."""
        instant = self._clock.now()
        self.last = instant.monotonic_seconds
        return instant


@dataclass(frozen=True, slots=True)
class Window:
    """One reading, the time it is about, and the training's truth."""

    start: float
    end: float
    reading: ReporterReading
    waits: list[truth.LoaderWait]

    @property
    def true_ratio(self) -> float:
        """The share of the window inside `next()`."""
        return truth.data_wait_ratio(self.waits, self.start, self.end)

    @property
    def told_ratio(self) -> float:
        """What the reporter says of it."""
        assert isinstance(self.reading.data_wait_ratio, Measure)
        return self.reading.data_wait_ratio.value


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory: a disk's journal may hold a stamp up for 0.1 s, in the middle of the truth."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(scope="module", params=DOSES, ids=lambda dose: dose.name)
def windows(request: pytest.FixtureRequest, memory: Path) -> Iterator[list[Window]]:
    """Six readings of a running training, a second apart."""
    record = memory / request.param.name
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), *request.param.flags(record)],
        env=reporting_environment(plain_environment()),
        stdin=subprocess.DEVNULL,
    )
    stamps = _Stamps()
    source = ReporterSource(process_id(process.pid), clock=stamps)
    try:
        while truth.batches_delivered(truth.loader_waits(record), 0.0, time.monotonic()) < 3:
            assert process.poll() is None
            time.sleep(0.1)
        found = []
        source.read(SystemClock().now())
        for _ in range(6):
            before = stamps.last
            time.sleep(1.0)
            reading = source.read(SystemClock().now())
            assert not isinstance(reading, Missing), reading.reason
            found.append(Window(before, stamps.last, reading, truth.loader_waits(record)))
        yield found
    finally:
        source.close()
        process.kill()
        process.wait()


def test_every_window_is_right(windows: list[Window]) -> None:
    """The share of each second is the truth, but for what comes between the two pairs of stamps."""
    errors = sorted(abs(window.true_ratio - window.told_ratio) for window in windows)

    # A process that loses its core between two stamps makes them differ by that.
    assert statistics.median(errors) < 0.005
    assert errors[-1] < 0.05


def test_the_rate_is_right(windows: list[Window]) -> None:
    """Batches per second over the last seconds are those that were delivered, to one batch."""
    last = windows[-1]
    assert last.reading.training is not None
    rate = last.reading.training.batches_per_second
    assert isinstance(rate, Measure)
    seconds = last.end - windows[0].start
    delivered = truth.batches_delivered(last.waits, windows[0].start, last.end)

    assert delivered == pytest.approx(rate.value * seconds, abs=1.5, rel=0.02)


def test_counts_grow_by_what_was_delivered(windows: list[Window]) -> None:
    """Between two readings exactly the batches that came between them are counted."""
    for one, other in itertools.pairwise(windows):
        assert one.reading.training is not None
        assert other.reading.training is not None
        counted = other.reading.training.batches - one.reading.training.batches
        delivered = truth.batches_delivered(other.waits, one.end, other.end)

        assert delivered == pytest.approx(counted, abs=1)
