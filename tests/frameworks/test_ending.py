"""How trainings ended, from what they left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.frameworks.ending import judge_ending
from gpumon.frameworks.log_lines_state import LogState, advance
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.model.training import Ending, Setting, Settings, Training
from gpumon.sources.run_dir import FileSeen, RunDirReading

TRAINING = Training(
    ProcessId(100, 1), "yolov5", "exp", (), True, "/w", 0, Settings(epochs=Setting(10, "argv")), ()
)
BAR = "      3/9      6.24G    0.04     0.07     0.02        87        640:  38%|█| 40/100 00:20"
NO_DIR: Maybe[RunDirReading] = Missing("no run directory")
RUN = RunDirReading(
    "/w/exp",
    newest=(("epoch", 2.0),),
    rows=3,
    started_unix_seconds=100.0,
    results=FileSeen(400.0, 100),
    last=FileSeen(401.0, 1000),
    last_size_before_bytes=1000,
)


def log(*lines: str) -> LogState:
    return advance(LogState(), [BAR, *lines], 500.0)


def test_log_that_says_completed_is_finished() -> None:
    """YOLOv5 counts the epochs it has completed at the end."""
    ended = judge_ending(TRAINING, log("10 epochs completed in 0.1 hours."), NO_DIR, 500.0)
    assert ended.how is Ending.FINISHED
    assert ended.text == "finished: the log says 10 epochs completed"
    assert ended.unix_seconds == 500.0


def test_early_stop_is_finished() -> None:
    """Patience that ran out is an end of its own making."""
    lines = ("EarlyStopping patience 100 exceeded, stopping training.", "4 epochs completed in 0.1 hours.")
    ended = judge_ending(TRAINING, log(*lines), NO_DIR, 500.0)
    assert ended.how is Ending.FINISHED
    assert "stopped early" in ended.text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20 MiB",
            "GPU ran out of memory",
        ),
        ("RuntimeError: DataLoader worker (pid 4) is killed by signal: Bus error.", "shared memory was full"),
        ("RuntimeError: DataLoader worker (pid 4) is killed by signal: Killed.", "worker was killed"),
        ("AssertionError: Dataset not found", "AssertionError: Dataset not found"),
    ],
)
def test_traceback_is_a_crash_with_its_cause(line: str, words: str) -> None:
    """The log's error says what it crashed of."""
    ended = judge_ending(TRAINING, log("Traceback (most recent call last):", line), RUN, 500.0)
    assert ended.how is Ending.CRASHED
    assert words in ended.text
    assert ended.text.endswith("(log)")


def test_crash_in_the_final_validation_is_told() -> None:
    """All epochs were done, and still it crashed."""
    lines = (
        "10 epochs completed in 0.1 hours.",
        "Traceback (most recent call last):",
        "ValueError: no labels",
    )
    ended = judge_ending(TRAINING, log(*lines), NO_DIR, 500.0)
    assert ended.how is Ending.CRASHED
    assert "after its last epoch" in ended.text


def test_ctrl_c_is_killed() -> None:
    """An interrupt is a decision and no crash."""
    ended = judge_ending(TRAINING, log("Traceback (most recent call last):", "KeyboardInterrupt"), RUN, 500.0)
    assert ended.how is Ending.KILLED
    assert "Ctrl-C" in ended.text


def test_log_that_stops_without_an_error_is_killed() -> None:
    """A signal leaves no traceback and epochs undone."""
    ended = judge_ending(TRAINING, log(), RUN, 500.0)
    assert ended.how is Ending.KILLED
    assert "after 3 of 10 epochs" in ended.text


def test_oom_killer_is_named_where_the_cgroup_counted() -> None:
    """The cgroup's counter of OOM kills says who killed it."""
    ended = judge_ending(TRAINING, None, RUN, 500.0, oom_kills=2)
    assert ended.how is Ending.KILLED
    assert "lack of memory" in ended.text


def test_all_epochs_in_results_are_finished_without_a_log() -> None:
    """Results of every epoch are an end."""
    done = replace(RUN, newest=(("epoch", 9.0),), rows=10)
    assert judge_ending(TRAINING, None, done, 500.0).how is Ending.FINISHED


def test_stripped_checkpoint_is_finished_without_a_log() -> None:
    """Only at the end of a run the optimizer is dropped from last.pt."""
    stripped = replace(RUN, last=FileSeen(450.0, 480))
    assert judge_ending(TRAINING, None, stripped, 500.0).how is Ending.FINISHED


def test_plot_of_results_is_finished_without_a_log() -> None:
    """The picture results.png is drawn when a training ends; an old one of another run is not this one's."""
    assert judge_ending(TRAINING, None, replace(RUN, plot=FileSeen(460.0, 9)), 500.0).how is Ending.FINISHED
    assert judge_ending(TRAINING, None, replace(RUN, plot=FileSeen(90.0, 9)), 500.0).how is Ending.UNKNOWN


def test_epochs_undone_without_a_log_are_unknown() -> None:
    """Crashed or killed cannot be told apart from results alone."""
    ended = judge_ending(TRAINING, None, RUN, 500.0)
    assert ended.how is Ending.UNKNOWN
    assert "after 3 of 10 epochs" in ended.text


def test_log_without_a_known_line_is_unknown() -> None:
    """A log of other words proves no kill."""
    state = advance(LogState(), ["hello"], 1.0)
    assert judge_ending(TRAINING, state, NO_DIR, 500.0).how is Ending.UNKNOWN


@pytest.mark.parametrize(
    ("code", "how", "words"),
    [
        (0, Ending.FINISHED, "exited with 0"),
        (1, Ending.CRASHED, "exited with 1"),
        (-9, Ending.KILLED, "killed by SIGKILL"),
        (-77, Ending.KILLED, "killed by signal 77"),
    ],
)
def test_exit_code_of_a_child_tells(code: int, how: Ending, words: str) -> None:
    """Of a training that gpumon started itself the exit code is known."""
    ended = judge_ending(TRAINING, None, RUN, 500.0, exit_code=code)
    assert ended.how is how
    assert words in ended.text
