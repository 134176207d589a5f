"""What is told of GPU memory after a short look, and after it was the end of a training."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.history.history import window_of
from gpumon.model.finding import Severity
from gpumon.model.suggestion import OomRisk
from gpumon.model.training import Ended, Ending
from tests.unit.run_scene import changed, slower
from tests.unit.run_scene import view as view_of_samples
from tests.unit.synthetic_training import GIB, PID, STARVED, Scene
from tests.unit.test_memory import risk


@pytest.mark.parametrize(("seconds", "told"), [(15, True), (59, True), (70, False)])
def test_a_short_look_says_how_short_it_was(seconds: int, told: bool) -> None:
    """Growth shows only after a while: the first minute's odds suppose that memory rests."""
    words = f"if memory rests as in the {seconds - 1} s seen"
    text = risk(Scene(seconds=seconds)).text
    assert (words in text, "if memory rests" in text) == (told, told)


def test_a_minute_of_quick_samples_is_no_short_look() -> None:
    """At five a second the newest 180 are 36 s; what was seen before them counts too."""
    words = []
    for seconds in (30, 80):
        samples = slower(Scene(seconds=5 * seconds).samples(), 0.2)
        memory = memory_of(view_of_samples(samples))
        assert isinstance(memory, GpuMemory)
        assert isinstance(memory.risk, OomRisk)
        words.append(memory.risk.text)
    assert ["if memory rests" in text for text in words] == [True, False]


@pytest.mark.parametrize(
    ("end", "told"),
    [("it crashed: the GPU ran out of memory (log)", True), ("it crashed: it exited with 1", False)],
)
def test_a_training_that_died_of_gpu_memory_says_so_first(end: str, told: bool) -> None:
    """Although it starved, too, and its memory was at rest when it was last seen."""
    ended = Ended(Ending.CRASHED, end, 1.7e9)
    samples = [changed(sample, ended=ended) for sample in replace(STARVED, gpu_own=9 * GIB).samples()]
    found = diagnose(window_of(samples), PID)
    assert (found[0].id == "vram-at-limit") == told
    assert (found[0].severity is Severity.CRITICAL) == told
