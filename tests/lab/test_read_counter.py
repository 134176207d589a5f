"""What the interpreter has taught the counters stays: the rate goes on when nobody looks into it any more."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from gpumon.frameworks.marks import TORCH
from gpumon.frameworks.rate import ReadCounter, advance_counter, counter_rate
from gpumon.frameworks.rate_delivered import DeliveredCounter, advance_delivered, delivered_rate
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessReading, Role
from gpumon.model.training import Member, Phase
from gpumon.sources.clock import SystemClock
from gpumon.sources.interpreter import InterpreterSource
from gpumon.sources.interpreter_reading import InterpreterReading
from gpumon.sources.processes import ProcessSource
from gpumon.sources.shm_batch import largest_segment_bytes
from tests.lab.training import Dose, LabTraining, started
from tests.real import truth
from tests.sources.children import process_id

# The rate is that of the last 15 s.
_TAUGHT_SECONDS, _ALONE_SECONDS = 4, 16
_OFF = Missing("switched off")
# Only a failing test waits so long.
_PATIENCE_SECONDS = 180.0
# They run beside each other. Their workers keep up: batches lie ready.
DOSES = (
    Dose("two workers", workers=2, load_ms=0.5, wait_ms=3.0, compute_ms=15.0),
    Dose("pinned", workers=1, load_ms=0.5, wait_ms=2.0, compute_ms=20.0, more=("--pin",)),
)


@dataclass
class Reader:
    """Reads a training once a second as gpumon does, with or without its interpreter."""

    training: LabTraining
    counter: ReadCounter = field(default_factory=ReadCounter)
    delivered: DeliveredCounter = field(default_factory=DeliveredCounter)
    last_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Open the sources."""
        process = process_id(self.training.process.pid)
        self.interpreter = InterpreterSource(process, TORCH)
        self.processes = ProcessSource((Member(process, 1, Role.MAIN),))

    def close(self) -> None:
        """Close the sources."""
        self.interpreter.close()
        self.processes.close()

    def read(self, *, with_interpreter: bool) -> None:
        """Read what was looked at since the last reading."""
        now = SystemClock().now()
        self.last_seconds = now.monotonic_seconds
        looks: Maybe[InterpreterReading] = self.interpreter.drain(now) if with_interpreter else _OFF
        main: ProcessReading = self.processes.read(now)[0]
        self.delivered = advance_delivered(self.delivered, looks, Phase.TRAIN, now)
        self.counter = advance_counter(
            self.counter, main, None, Phase.TRAIN, now, delivered=self.delivered.gained
        )

    def rates(self) -> tuple[Maybe[Measure], Maybe[Measure]]:
        """Return the rate by the loader's own counter, and that by the reads of the main process."""
        now = SystemClock().now()
        return delivered_rate(self.delivered, now), counter_rate("torch", self.counter, 2)


@dataclass(frozen=True, slots=True)
class Counted:
    """A training's reader once it went on alone, the two rates then, and when that began."""

    reader: Reader
    start: float
    delivered: Maybe[Measure]
    counted: Maybe[Measure]


def _second(readers: Iterable[Reader], *, with_interpreter: bool) -> None:
    """Look at all of them for a second, and read."""
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        if with_interpreter:
            for reader in readers:
                reader.interpreter.look()
        time.sleep(random.uniform(0.01, 0.03))  # noqa: S311 - no secret
    for reader in readers:
        reader.read(with_interpreter=with_interpreter)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Counted]]:
    """Trainings of all doses at once, taught by the interpreter and then without it, by their names."""
    with contextlib.ExitStack() as stack:
        readers = {}
        for dose in DOSES:
            training = stack.enter_context(started(dose, tmp_path_factory.mktemp("counted")))
            training.until_batches()
            readers[dose.name] = Reader(training)
            stack.callback(readers[dose.name].close)
        every = list(readers.values())
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while any(reader.counter.reads_per_batch is None for reader in every):
            assert time.monotonic() < deadline
            _second(every, with_interpreter=True)
        for _ in range(_TAUGHT_SECONDS):
            _second(every, with_interpreter=True)
        starts = {name: reader.last_seconds for name, reader in readers.items()}
        for _ in range(_ALONE_SECONDS):
            _second(every, with_interpreter=False)
        yield {name: Counted(reader, starts[name], *reader.rates()) for name, reader in readers.items()}


@pytest.mark.parametrize("dose", DOSES, ids=lambda dose: dose.name)
def test_the_rate_goes_on_without_the_interpreter(dose: Dose, counted: dict[str, Counted]) -> None:
    """Some seconds of its counter teach how many reads a batch takes; then the reads alone give the rate."""
    seen = counted[dose.name]
    reader, start, end, rate = seen.reader, seen.start, seen.reader.last_seconds, seen.counted

    assert isinstance(seen.delivered, Missing)
    assert isinstance(rate, Measure)
    assert rate.certainty is Certainty.SAMPLED
    assert "per batch by the loader" in rate.source
    waits = reader.training.waits
    window = reader.counter.marks[-1][0] - reader.counter.marks[0][0]
    assert window <= end - start
    real = truth.batches_delivered(waits, end - window, end) / window
    print(f"by reads: {rate.value:.2f} batches/s, delivered {real:.2f}, {rate.source}")
    assert pytest.approx(real, rel=0.02, abs=1.5 / window) == rate.value


@pytest.mark.parametrize("dose", DOSES, ids=lambda dose: dose.name)
def test_a_batch_is_seen_in_shared_memory(dose: Dose, counted: dict[str, Counted]) -> None:
    """8 pictures of 3 x 32 x 32 bytes, in the descriptors of a worker that has them ready."""
    workers = truth.worker_pids(counted[dose.name].reader.training.process.pid)
    deadline, expected = time.monotonic() + _PATIENCE_SECONDS, 8 * 3 * 32 * 32
    found = 0
    # A look may fall between the handing over of the pictures and that of their labels.
    while found < expected and time.monotonic() < deadline:
        found = max(found, largest_segment_bytes(workers) or 0)
    assert found == expected
