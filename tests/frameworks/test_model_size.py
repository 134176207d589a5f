"""How many parameters a model has: by its log, else by its checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.log_lines_state import LogState
from gpumon.frameworks.model_size import model_parameters
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.process import ProcessId
from gpumon.model.training import Setting, Settings, Training
from gpumon.sources.run_dir import FileSeen, RunDirReading

TRAINING = Training(ProcessId(100, 1), "yolov5", "exp", (), True, "/w", 0, Settings(), ())
SUMMARY = LogState(parameters=7_235_389)


def run_dir(
    size: int | None, *, written: float = 500.0, most: int | None = None, rows: int = 1
) -> RunDirReading:
    """Return a run directory that began at 100 s, with a last.pt of that size, seen first with `rows`."""
    last: Maybe[FileSeen] = Missing("no last.pt yet") if size is None else FileSeen(written, size)
    return RunDirReading(
        "/w/exp", started_unix_seconds=100.0, last=last, last_most_bytes=most, last_most_rows=rows
    )


def set_to(**settings: Setting) -> Training:
    return replace(TRAINING, settings=replace(TRAINING.settings, **settings))


def value(measure: Maybe[Measure]) -> float:
    assert isinstance(measure, Measure), measure
    return measure.value


def test_the_log_is_exact_and_comes_first() -> None:
    """Whatever the checkpoint's size."""
    assert model_parameters(TRAINING, SUMMARY, run_dir(10**9)) == Measure(7_235_389.0, Certainty.EXACT, "log")


@pytest.mark.parametrize(
    ("optimizer", "each"), [(None, 8), ("SGD", 8), ("Adam", 12), ("AdamW", 12), ("RMSProp", 8)]
)
def test_a_checkpoint_has_so_many_bytes_for_each_parameter(optimizer: str | None, each: int) -> None:
    """Model and EMA in halves, and one or two numbers of the optimizer in full precision."""
    found = model_parameters(set_to(optimizer=Setting(optimizer, "argv")), None, run_dir(each * 7_200_000))
    assert found == Measure(7_200_000.0, Certainty.ESTIMATED, "size of last.pt")


def test_a_checkpoint_that_is_written_or_stripped_counts_by_the_most_it_had() -> None:
    """It is short for a moment in each epoch, and for good when the optimizer's state is taken out."""
    assert value(model_parameters(TRAINING, None, run_dir(1000, most=8_000_000))) == 1_000_000


def test_a_checkpoint_that_was_first_seen_at_the_end_tells_nothing() -> None:
    """After the last epoch the optimizer is taken out of it: it has a quarter of what it had."""
    stripped = run_dir(2_000_000, rows=3)
    missing = model_parameters(TRAINING, None, stripped, epochs=3)
    assert isinstance(missing, Missing)
    assert "perhaps without the optimizer" in missing.reason
    assert value(model_parameters(TRAINING, None, run_dir(8_000_000, rows=2), epochs=3)) == 1_000_000


@pytest.mark.parametrize(
    ("training", "directory", "words"),
    [
        (TRAINING, run_dir(None), "neither its log nor a checkpoint"),
        (TRAINING, run_dir(0), "empty"),
        (TRAINING, run_dir(8_000_000, written=50.0), "may be an earlier run's"),
        (TRAINING, Missing("no run directory"), "its log does not tell"),
        (replace(TRAINING, framework="ultralytics"), run_dir(8_000_000), "its log does not tell"),
    ],
)
def test_what_is_not_told_is_missing(training: Training, directory: Maybe[RunDirReading], words: str) -> None:
    """Before the first epoch ends, of an old file, and of frameworks with other checkpoints."""
    found = model_parameters(training, LogState(), directory)
    assert isinstance(found, Missing)
    assert words in found.reason


def test_a_resumed_run_has_its_own_checkpoint_from_before() -> None:
    """The file that it resumed from is of the same model."""
    resumed = set_to(resume=Setting(value=True, source="argv"))
    assert value(model_parameters(resumed, None, run_dir(8_000_000, written=50.0))) == 1_000_000


@given(size=st.integers(0, 1 << 62), most=st.none() | st.integers(0, 1 << 62))
def test_whatever_the_size_the_number_is_one(size: int, most: int | None) -> None:
    """A file of any size gives a number of parameters that fits into it, or a reason."""
    found = model_parameters(TRAINING, None, run_dir(size, most=most))
    assert isinstance(found, Missing) or 0 < found.value <= max(size, most or 0)
