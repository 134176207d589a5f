"""The file's format under random bytes, and under a writer that never stops."""

from __future__ import annotations

import sys
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.model.measure import Measure, Missing
from gpumon.model.process import ProcessId
from gpumon.reporter import wire
from gpumon.sources.reporter_file import ReportCounts, parse_report
from gpumon.sources.reporter_reading import Look, ReporterReading, compose, kept_looks
from tests.reporter.launch import started
from tests.reporter.report_bytes import report_bytes

_GOOD = report_bytes(ProcessId(1, 1))
_HEAD = _GOOD[: wire.HEADER.size]
# Only a failing test waits so long.
_PATIENCE_SECONDS = 120.0


def _parse(content: bytes) -> ReportCounts:
    counts = parse_report(content, content, content)
    assert isinstance(counts, ReportCounts)
    return counts


@given(st.binary(max_size=2 * wire.FILE_BYTES))
def test_random_bytes_are_no_report(content: bytes) -> None:
    """Whatever the bytes, nothing raises."""
    assert isinstance(parse_report(content, content, content), Missing | ReportCounts)


# Numbers at the edges, where sums and quotients go wrong, in the header and in two loaders.
_NUMBERS = st.sampled_from([0, 1, 2, 3, 10**9, 10**18, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)
_PLACES = st.sampled_from(range(len(_HEAD), wire.HEADER_BYTES + 2 * wire.LOADER_BYTES - 7, 8))
_WORDS = st.dictionaries(_PLACES, _NUMBERS, max_size=40)


def _content(words: dict[int, int]) -> bytes:
    content = bytearray(_GOOD)
    for place, word in words.items():
        wire.WORD.pack_into(content, place, word)
    return bytes(content)


@settings(max_examples=200, deadline=None)
@given(_WORDS, _WORDS, st.integers(1, 10**12))
def test_any_numbers_give_a_reading(first: dict[int, int], second: dict[int, int], passed_ns: int) -> None:
    """A hostile reporter may write any numbers: shares stay between 0 and 1, and nothing raises."""
    looks = (
        Look(10**12, _parse(_content(first))),
        Look(10**12 + passed_ns, _parse(_content(second))),
    )
    reading = compose(looks)

    assert isinstance(reading, ReporterReading)
    ratios = [reading.data_wait_ratio, *(loader.data_wait_ratio for loader in reading.loaders)]
    assert all(0.0 <= ratio.value <= 1.0 for ratio in ratios if isinstance(ratio, Measure))
    rates = [loader.batches_per_second for loader in reading.loaders]
    assert all(rate.value >= 0.0 for rate in rates if isinstance(rate, Measure))


_STEADY = (wire.SERIAL, wire.TURN, wire.LAST_STEPS_AT, wire.LAST_STEPS_AT + wire.WORD.size)


@given(st.sampled_from([wire.CUDA_TURN, *(wire.HEADER_BYTES + at for at in _STEADY)]))
def test_a_change_while_reading_is_seen(offset: int) -> None:
    """Counts that were replaced between the first and the last of three reads are read again."""
    changed = bytearray(_GOOD)
    changed[offset] += 1

    assert parse_report(_GOOD, _GOOD, bytes(changed)) is None
    assert parse_report(_GOOD, bytes(changed), bytes(changed)) is None


# Publishes counts that are all the same number, in bursts of 16.
_WRITER = """
import json, sys, threading, time
from gpumon_reporter.watch import Watch
report = sys.meta_path[0]._failed.__self__  # the one that is installed here
watch = Watch(report, (1, 2, 3, 4, 0))
watch.enter(True)
threading.Thread(target=sys.stdin.readline, daemon=True).start()
print(json.dumps(1), flush=True)
number = 1
while True:
    number += 1
    watch.batches = watch.samples = watch.wait_ns = watch.step_ns = watch.steps = watch.left_ns = number
    watch.passes = watch.pass_batches = number
    watch.shape.samples = watch.shape.height = watch.shape.width = number % 2**31
    watch.publish()
    if number % 16 == 0:
        time.sleep(0.0001)
"""


def test_counts_belong_together() -> None:
    """Beside a writer that publishes every microsecond, every reading is of one moment.

    Both have to come to a core by turns: it is read until enough was seen, however many readings that takes.
    """
    with started([sys.executable, "-c", _WRITER]) as program:
        seen: set[int] = set()
        program.read()
        readings, deadline = 0, time.monotonic() + _PATIENCE_SECONDS
        while (readings < 3000 or len(seen) <= 20) and time.monotonic() < deadline:
            readings += 1
            counts, _ = program.source._counts()
            assert isinstance(counts, ReportCounts | Missing)
            if isinstance(counts, ReportCounts):
                loader = counts.loaders[-1]
                values = {loader.batches, loader.samples, loader.wait_ns, loader.left_ns, loader.width}
                assert {loader.batches} == values
                seen.add(loader.batches)

    assert len(seen) > 20


def test_looks_are_kept_for_ten_seconds() -> None:
    """The looks of the last 10 s are kept, and one before them for the rates to begin at."""
    counts = _parse(_GOOD)
    looks = tuple(Look(second * 10**9, counts) for second in range(30))

    assert [19, *range(20, 30)] == [look.at_ns // 10**9 for look in kept_looks(looks)]
