"""What the advice takes handing over to cost lies within what the traces of the laboratory show."""

from __future__ import annotations

from statistics import fmean, median

import pytest

from gpumon.advice.no_workers import BATCH_SECONDS
from gpumon.advice.step_work import HANDING_SECONDS, HANDING_SECONDS_MOST
from tests.lab.settings_handing import handed_over, in_a_worker, main
from tests.lab.settings_traces import Traces


def test_handing_over_costs_what_the_advice_takes_it_to() -> None:
    """Its point is near the median of all pairs, its ends hold all but one; a worker's mean and most."""
    traces = Traces()
    seconds = [one.batch_seconds for one in handed_over(traces)]
    point, most, least = BATCH_SECONDS
    assert point == pytest.approx(median(seconds), rel=0.25)
    assert sum(least <= one <= most for one in seconds) >= len(seconds) - 1
    worker = [one.batch_seconds for one in in_a_worker(traces)]
    assert fmean(worker) == pytest.approx(HANDING_SECONDS, rel=0.25)
    assert max(worker) == pytest.approx(HANDING_SECONDS_MOST, rel=0.25)


def test_the_script_prints_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """A row for every pair of cells."""
    assert main() == 0
    printed = capsys.readouterr().out
    assert "| cores-exhausted | 0x8 and 2x8 |" in printed
    assert "| few-workers | 1x8 and 1x16 |" in printed
    assert "ms a batch" in printed
