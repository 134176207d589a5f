"""The samples of one training, counted into blocks of time as they come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import floor

from gpumon.history.block import Block
from gpumon.history.phases import Seen, steady
from gpumon.model.measure import Certainty, Measure, Missing, known
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Phase

# Blocks that follow each other are hardly alike any more: the wait is judged over windows of up to 20 s,
# rates over less, and what is alike all the same is seen in the blocks themselves.
BLOCK_SECONDS = 10.0
# A burst longer than this is no burst.
_MOST_HELD_BACK = 180
# Images a second; more is garbage, and sums of it would be no numbers.
_MOST_IMAGES = 1e9
# Bytes that fit into a column.
_MOST_BYTES = 1 << 60
# What a second that the training itself told weighs, as the diagnosis counts it.
_LOOKS_OF_A_SECOND = 50


@dataclass
class _Sum:
    """Seconds, amount and its bounds of one source."""

    seconds: float = 0.0
    amount: float = 0.0
    low: float = 0.0
    high: float = 0.0
    looks: float = 0.0

    def add(self, measure: Measure, seconds: float, looks: float) -> None:
        low, high = (
            measure.value if bound is None or not abs(bound) <= _MOST_IMAGES else bound
            for bound in (measure.low, measure.high)
        )
        low, high = min(low, measure.value), max(high, measure.value)
        self.seconds += seconds
        self.amount += measure.value * seconds
        self.low += low * seconds
        self.high += high * seconds
        self.looks += looks


@dataclass
class _OpenBlock:
    number: int
    seen_seconds: float = 0.0
    steady_seconds: float = 0.0
    memory_peak_bytes: int | None = None
    has_validation: bool = False
    rates: dict[str, _Sum] = field(default_factory=dict)
    waits: dict[str, _Sum] = field(default_factory=dict)

    def block(self) -> Block:
        """Return what it holds; of several sources only the one that saw most, for they are never mixed."""
        rate, wait = _most(self.rates), _most(self.waits)
        return Block(
            self.number,
            self.seen_seconds,
            self.steady_seconds,
            rate.seconds,
            rate.amount,
            rate.low,
            rate.high,
            wait.seconds,
            wait.amount,
            wait.low,
            wait.high,
            wait.looks,
            self.memory_peak_bytes,
            self.has_validation,
        )


class Tally:
    """Counts the samples of one training into blocks. One thread owns it.

    Steady training is what the diagnosis takes for it: training without the burst after a start, a
    validation or a checkpoint, in which batches are ready that were loaded meanwhile.
    """

    def __init__(self, block_seconds: float = BLOCK_SECONDS) -> None:
        """Start with blocks of that length."""
        self._block_seconds = block_seconds
        self._open: _OpenBlock | None = None
        self._gap: Seen | None = None
        self._held_back: list[Seen] = []
        self._epoch: int | None = None
        self._rates: Counter[str] = Counter()
        self._waits: Counter[str] = Counter()
        self.seen_seconds = 0.0

    @property
    def rate_source(self) -> str | None:
        """By what the speed was known most of the time."""
        return max(self._rates, key=self._rates.__getitem__, default=None)

    @property
    def wait_source(self) -> str | None:
        """By what the wait was known most of the time."""
        return max(self._waits, key=self._waits.__getitem__, default=None)

    def lengthen(self, block_seconds: float) -> None:
        """Let the blocks be that long from now on, the open one included."""
        if self._open is not None:
            self._open.number = int(self._open.number * self._block_seconds // block_seconds)
        self._block_seconds = block_seconds

    @property
    def block_seconds(self) -> float:
        """How long a block is."""
        return self._block_seconds

    def add(self, sample: Sample, reading: TrainingReading) -> Block | None:
        """Count a sample; return the block that is over, if one is. An ended training counts no more."""
        if reading.ended is not None:
            return None
        number = floor(sample.instant.monotonic_seconds / self._block_seconds)
        closed = None
        if self._open is None or self._open.number != number:
            closed = self.open()
            self._open = _OpenBlock(number)
        block, seconds = self._open, sample.interval_seconds
        self.seen_seconds += seconds
        block.seen_seconds += seconds
        block.has_validation |= reading.phase is Phase.VALIDATE or self._ends_epoch(reading)
        held = known(reading.gpu_memory_used_bytes)
        if held is not None and held <= _MOST_BYTES:
            block.memory_peak_bytes = max(held, block.memory_peak_bytes or 0)
        if self._is_steady(sample, reading):
            block.steady_seconds += seconds
            self._count(block, reading, seconds)
        return closed

    def open(self) -> Block | None:
        """Return the block that is not over yet, as it stands."""
        return None if self._open is None else self._open.block()

    def _ends_epoch(self, reading: TrainingReading) -> bool:
        """Tell whether an epoch ended since the last sample: short validations lie between two."""
        before, epoch = self._epoch, known(reading.progress.epoch)
        if epoch is not None:
            self._epoch = epoch
        return before is not None and epoch is not None and epoch > before

    def _is_steady(self, sample: Sample, reading: TrainingReading) -> bool:
        if reading.phase is not Phase.TRAIN:
            self._gap = (sample, reading)
            self._held_back = []
            return False
        if self._gap is None:
            return True
        self._held_back.append((sample, reading))
        if steady((self._gap, *self._held_back)) or len(self._held_back) >= _MOST_HELD_BACK:
            self._gap = None
            self._held_back = []
            return True
        return False

    def _count(self, block: _OpenBlock, reading: TrainingReading, seconds: float) -> None:
        rate, wait = reading.progress.images_per_second, reading.loader.data_wait_ratio
        if not isinstance(rate, Missing) and 0.0 <= rate.value <= _MOST_IMAGES:
            source = _way(rate)
            self._rates[source] += 1
            block.rates.setdefault(source, _Sum()).add(rate, seconds, 0.0)
        if not isinstance(wait, Missing) and 0.0 <= wait.value <= 1.0:
            source = _way(wait)
            self._waits[source] += 1
            told = wait.certainty is Certainty.EXACT
            looks = _LOOKS_OF_A_SECOND * seconds if told else float(reading.loader.main_samples)
            block.waits.setdefault(source, _Sum()).add(wait, seconds, looks)


def _way(measure: Measure) -> str:
    """Return how a number is known, without the figures that follow: they change while it is seen."""
    return measure.source.split(",", 1)[0]


def _most(sums: dict[str, _Sum]) -> _Sum:
    return max(sums.values(), key=lambda one: one.seconds, default=_Sum())
