"""Which frames mean what: by function, by the end of a file's path, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.training import Phase
from gpumon.sources.interpreter_marks import (
    WAITING,
    FrameMark,
    FrameMarks,
    PhaseMark,
    is_between,
    judge,
)

LOADER = "/venv/lib/python3.11/site-packages/torch/utils/data/dataloader.py"
MARKS = FrameMarks(
    loop=(FrameMark(frozenset({"train"}), "train.py"),),
    phases=(
        PhaseMark(Phase.CHECKPOINT, FrameMark(frozenset({"save"}), "torch/serialization.py")),
        PhaseMark(Phase.VALIDATE, FrameMark(frozenset({"run"}), "val.py")),
    ),
)


@pytest.mark.parametrize(
    ("name", "file", "fits"),
    [
        ("train", "/home/me/yolov5/train.py", True),
        ("train", "train.py", True),
        ("train", "/home/me/pretrain.py", False),
        ("main", "/home/me/yolov5/train.py", False),
        ("train", "/home/me/train.py/other.py", False),
    ],
)
def test_file_is_told_by_whole_parts_of_its_path(name: str, file: str, fits: bool) -> None:
    """The end of another file's name is not the file."""
    assert MARKS.loop[0].fits(name, file) is fits


def test_mark_without_a_file_is_of_no_package() -> None:
    """Names that people give are those of their own files only."""
    mark = FrameMark(frozenset({"evaluate"}))
    assert mark.fits("evaluate", "/home/me/mine.py")
    assert not mark.fits("evaluate", "/venv/lib/python3.11/site-packages/torch/distributed/run.py")
    assert not mark.fits("evaluate", "/usr/lib/python3/dist-packages/numpy/core.py")


def test_waiting_is_the_loaders_next_alone() -> None:
    """`__next__` of another file is somebody else's iterator."""
    assert WAITING.fits("__next__", LOADER)
    assert not WAITING.fits("__next__", "/home/me/dataloader.py")
    assert not WAITING.fits("_next_data", LOADER)


def test_stack_with_a_wait_in_validation() -> None:
    """The phase is validation's, and the wait is seen beside it."""
    stack = [("__next__", LOADER), ("run", "/y/val.py"), ("train", "/y/train.py"), ("main", "/y/train.py")]
    assert judge(stack, MARKS) == (Phase.VALIDATE, True)


def test_first_mark_wins() -> None:
    """A checkpoint that is saved below validation is a checkpoint."""
    stack = [("save", "/p/torch/serialization.py"), ("run", "/y/val.py"), ("train", "/y/train.py")]
    assert judge(stack, MARKS) == (Phase.CHECKPOINT, False)


def test_loop_alone_is_training_and_nothing_is_unknown() -> None:
    """Without a mark of a phase the loop tells, and without the loop nothing does."""
    assert judge([("train", "/y/train.py")], MARKS) == (Phase.TRAIN, False)
    assert judge([("main", "/y/train.py")], MARKS) == (Phase.UNKNOWN, False)


def test_what_hands_batches_on_stands_between() -> None:
    """Progress bars and repeating loaders are no loop."""
    assert is_between("__iter__", "/y/utils/dataloaders.py")
    assert is_between("refresh", "/venv/lib/python3.11/site-packages/tqdm/std.py")
    assert not is_between("train", "/y/train.py")


@given(st.lists(st.tuples(st.text(), st.text())))
def test_any_stack_is_judged(stack: list[tuple[str, str]]) -> None:
    """Names are another program's: none of them breaks anything."""
    phase, waits = judge(stack, MARKS)
    assert isinstance(phase, Phase)
    assert isinstance(waits, bool)
