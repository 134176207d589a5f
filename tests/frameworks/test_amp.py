"""Whether mixed precision is in use: the loop's own variable, its log, or a setting that forbids it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.frameworks.inside import OUTSIDE
from gpumon.frameworks.log_lines_state import LogState, advance
from gpumon.frameworks.progress import read_progress
from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.model.reading import ProgressReading
from gpumon.model.training import Setting, Settings, Training
from gpumon.sources.interpreter_reading import LoopReading

FAILED = "AMP: checks failed ❌, disabling Automatic Mixed Precision"
TRAINING = Training(ProcessId(100, 1), "ultralytics", "yolo", (), True, "/w", 0, Settings(), ())


def progress(
    training: Training = TRAINING, line: str | None = None, loop: LoopReading = OUTSIDE.loop
) -> ProgressReading:
    log = None if line is None else advance(LogState(), [line], 999.0)
    inside = replace(OUTSIDE, loop=loop)
    return read_progress(training, log, Missing("no run directory"), Instant(1000.0, 10.0), inside=inside)


@pytest.mark.parametrize(("line", "enabled"), [("AMP: checks passed ✅", True), (FAILED, False)])
def test_the_log_tells(line: str, enabled: bool) -> None:
    """The check at the start decides, and its line is named."""
    found = progress(line=line)
    assert found.amp_enabled is enabled
    assert found.amp_source == f"the log: AMP checks {'passed' if enabled else 'failed'}"


def test_the_loops_own_variable_counts_more_than_the_log() -> None:
    """What the loop holds is what it does."""
    found = progress(line=FAILED, loop=LoopReading(amp=True))
    assert (found.amp_enabled, found.amp_source) == (True, "its own variable amp")


def test_a_setting_may_forbid_it() -> None:
    """amp=False is certain, amp=True only a wish."""
    off = replace(TRAINING, settings=Settings(amp=Setting(False, "args.yaml")))
    on = replace(TRAINING, settings=Settings(amp=Setting(True, "args.yaml")))
    assert progress(off).amp_enabled is False
    assert progress(off).amp_source == "amp=False (args.yaml)"
    assert progress(on).amp_enabled == Missing("neither its loop nor its log tells")
