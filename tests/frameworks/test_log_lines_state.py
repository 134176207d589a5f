"""What a log has told after a row of lines."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.log_lines import LineKind
from gpumon.frameworks.log_lines_state import LogState, adopt_head, advance
from gpumon.frameworks.log_lines_trouble import TroubleKind

SETUP = (
    "train: weights=, cfg=yolov5n.yaml, data=data.yaml, epochs=3",
    "AMP: checks passed ✅",
    "AutoBatch: Using batch-size 24 for CUDA:0 6.24G/7.79G (80%) ✅",
    "train: Scanning /d/labels/train... 96 images, 0 backgrounds, 0 corrupt: 100%|██████████| 96/96 00:00",
    "Image sizes 640 train, 640 val",
    "Using 2 dataloader workers",
    "Starting training for 3 epochs...",
    "      Epoch    GPU_mem   box_loss   obj_loss   cls_loss  Instances       Size",
)
FUSED = "YOLOv5n summary: 157 layers, 1867405 parameters, 0 gradients, 4.5 GFLOPs"
OOM = (
    "Traceback (most recent call last):",
    '  File "train.py", line 600, in <module>',
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB",
)


def bar(
    batch: int, epoch: int = 0, *, of: int = 40, elapsed: int = 4, last: int = 2, loss: str = "0.04"
) -> str:
    minutes, seconds = divmod(elapsed, 60)
    return (
        f"      {epoch}/{last}      6.24G    {loss}     0.0711     0.0253        187        640: "
        f" 38%|███▊      | {batch}/{of} {minutes:02d}:{seconds:02d}"
    )


def val(batch: int, elapsed: int = 2) -> str:
    return f"    Class     Images  Instances     P     R   mAP50:  50%|█████     | {batch}/4 00:{elapsed:02d}"


def test_setup_tells_settings() -> None:
    """Workers, epochs, the batch of AutoBatch and the AMP checks are remembered."""
    state = advance(LogState(), SETUP, 1.0)
    assert (state.workers, state.epochs, state.batch_size, state.amp_passed) == (2, 3, 24, True)
    assert state.newest is LineKind.HEADER


def test_the_summary_tells_the_model_and_nothing_of_the_place() -> None:
    """The newest one with gradients counts; it is kept where a run in the same log starts without a word."""
    summary = "YOLOv5s summary: 214 layers, 7235389 parameters, 7235389 gradients, 16.6 GFLOPs"
    state = advance(LogState(), [*SETUP, summary, "Fusing layers...", FUSED], 1.0)
    assert state.parameters == 7_235_389
    assert state.newest is LineKind.HEADER
    again = advance(state, [bar(40, epoch=2), "Starting training for 3 epochs..."], 2.0)
    assert again.parameters == 7_235_389
    assert advance(again, SETUP, 3.0).parameters is None
    head = adopt_head(advance(LogState(), [bar(30, epoch=1)], 10.0), [*SETUP, summary, bar(1)], 10.0)
    assert head.parameters == 7_235_389


def test_epochs_of_yolov5_count_from_0() -> None:
    """The label "1/2" is the second epoch of three."""
    state = advance(LogState("yolov5"), [bar(5, epoch=1)], 1.0)
    assert (state.epoch, state.epochs) == (1, 3)


def test_epochs_of_ultralytics_count_from_1() -> None:
    """The label "1/2" is the first epoch of two."""
    state = advance(LogState("ultralytics"), [bar(5, epoch=1)], 1.0)
    assert (state.epoch, state.epochs) == (0, 2)


def test_memory_is_in_the_unit_of_the_framework() -> None:
    """YOLOv5 divides by 10^9, ultralytics by 2^30."""
    assert advance(LogState("yolov5"), [bar(5)], 1.0).gpu_memory_reserved_bytes == 6.24e9
    assert advance(LogState("ultralytics"), [bar(5)], 1.0).gpu_memory_reserved_bytes == 6.24 * 2**30


def test_new_batches_become_marks_on_our_clock() -> None:
    """Each reading that finds new batches adds a mark; the first reading and idle ones add none."""
    state = advance(LogState(), [bar(5)], 10.0)
    state = advance(state, [bar(7), bar(8)], 11.0)
    state = advance(state, [], 12.0)
    state = advance(state, [bar(9)], 13.0)
    assert [(mark.seconds, mark.batch, mark.uncertain_seconds) for mark in state.seen] == [
        (11.0, 8, 1.0),
        (13.0, 9, 1.0),
    ]


def test_marks_begin_anew_with_an_epoch() -> None:
    """Validation lies between epochs: no rate goes across it."""
    state = advance(LogState(), [bar(5, elapsed=3)], 10.0)
    state = advance(state, [bar(9, elapsed=5)], 11.0)
    state = advance(state, [bar(2, epoch=1, elapsed=1)], 12.0)
    assert [mark.batch for mark in state.seen] == [2]
    assert [mark.batch for mark in state.told] == [2]


def test_validation_and_epoch_times_come_from_full_bars() -> None:
    """A bar that is full tells how long its part of the epoch took."""
    state = advance(LogState(), [bar(40, elapsed=75), val(2), val(4, elapsed=9)], 10.0)
    assert state.epoch_train_seconds == 75.0
    assert state.validation_seconds == 9.0


def test_partial_line_counts_once_and_only_as_a_whole_bar() -> None:
    """The newest state of a bar has no end yet; seen again unchanged, it is no news."""
    state = advance(LogState(), [], 10.0, partial=bar(5))
    assert state.train_bar is not None
    assert state.train_bar.done == 5
    again = advance(state, [], 20.0, partial=bar(5))
    assert again.newest_unix_seconds == 10.0
    cut = bar(61, of=600)
    assert advance(again, [], 30.0, partial=cut[: cut.index("/600") + 2]).train_bar == state.train_bar


def test_header_names_the_columns() -> None:
    """The names of the losses are those of the newest header."""
    assert advance(LogState(), [*SETUP, bar(5)], 10.0).columns[:3] == ("box_loss", "obj_loss", "cls_loss")


def test_error_that_names_its_cause_wins_over_those_it_brings() -> None:
    """A chain of exceptions ends in a vague one; the cause stays."""
    lines = (
        "Traceback (most recent call last):",
        "RuntimeError: DataLoader worker (pid 41) is killed by signal: Killed. ",
        "The above exception was the direct cause of the following exception:",
        "Traceback (most recent call last):",
        "RuntimeError: DataLoader worker (pid(s) 41) exited unexpectedly",
    )
    trouble = advance(LogState(), lines, 1.0).trouble
    assert trouble is not None
    assert trouble.kind is TroubleKind.WORKER_KILLED


def test_training_that_goes_on_survived_its_error() -> None:
    """Progress after an error takes it back."""
    state = advance(LogState(), [bar(5), *OOM], 1.0)
    assert state.trouble is not None
    assert advance(state, [bar(6)], 2.0).trouble is None


def test_full_shared_memory_stays_known_while_batches_still_come() -> None:
    """A lost batch stalls the training when its turn comes, not at once."""
    lines = (
        "Exception in thread QueueFeederThread:",
        "Traceback (most recent call last):",
        "RuntimeError: unable to allocate shared memory(shm) for file </torch_1_2_3>: No space left (28)",
    )
    state = advance(advance(LogState(), [bar(5), *lines], 1.0), [bar(6)], 2.0)
    assert state.trouble is not None
    assert state.trouble.kind is TroubleKind.SHM


def test_traceback_of_a_thread_is_no_trouble() -> None:
    """A plotting thread that fails ends nothing."""
    lines = ("Exception in thread Thread-3:", "Traceback (most recent call last):", "ValueError: no font")
    assert advance(LogState(), lines, 1.0).trouble is None


def test_next_run_in_the_same_log_forgets_the_last() -> None:
    """A log that is appended to by run after run tells of the newest."""
    state = advance(LogState(), [*SETUP, bar(40, epoch=2), "3 epochs completed in 0.008 hours."], 1.0)
    assert state.is_completed
    state = advance(state, ["train: weights=, cfg=yolov5n.yaml, data=data.yaml, epochs=5"], 2.0)
    assert state == LogState(newest=LineKind.RUN_START, newest_unix_seconds=2.0, read_unix_seconds=2.0)


def test_head_of_the_same_run_gives_its_settings() -> None:
    """The beginning of a long log tells workers and batch, if it is of the run at the end."""
    state = advance(LogState(), [bar(30, epoch=1)], 10.0)
    adopted = adopt_head(state, [*SETUP, bar(1)], 10.0)
    assert adopted == replace(state, workers=2, batch_size=24, amp_passed=True)


def test_head_of_another_run_is_left_alone() -> None:
    """Other epochs, other batches or an end of a run in it: it is another run."""
    state = advance(LogState(), [bar(30, epoch=1)], 10.0)
    assert adopt_head(state, [*SETUP, bar(1, of=41)], 10.0) == state
    assert adopt_head(state, [*SETUP, bar(1, last=9)], 10.0) == state
    assert adopt_head(state, [*SETUP, bar(1), "3 epochs completed in 1 hours."], 10.0) == state


LINES = st.sampled_from([*SETUP, *OOM, bar(0), bar(40), bar(3, epoch=1), val(0), val(4)]) | st.text(
    max_size=80
)


@given(st.lists(LINES, max_size=30), st.floats(0, 1e6))
def test_any_order_of_lines_gives_a_state(lines: list[str], at: float) -> None:
    """No order of lines raises, and marks never go backwards."""
    state = LogState()
    for number, line in enumerate(lines):
        state = advance(state, [line], at + number, partial=line)
        for marks in (state.seen, state.told):
            batches = [mark.batch for mark in marks]
            assert batches == sorted(batches)
