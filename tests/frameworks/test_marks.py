"""What the frames of YOLOv5, of ultralytics and of other trainings mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.frameworks.marks import TORCH, ULTRALYTICS, YOLOV5, marks_of
from gpumon.model.process import ProcessId
from gpumon.model.training import Phase, Settings, Training
from gpumon.sources.interpreter_marks import FrameMarks, judge

SITE = "/venv/lib/python3.11/site-packages"
LOADER = ("__next__", f"{SITE}/torch/utils/data/dataloader.py")
TRAINING = Training(ProcessId(1, 1), "yolov5", "exp", (), True, "/w", 0, Settings(), ())

# The frames as they were seen in yolov5 7.0.14 and ultralytics 8.4.190, innermost first.
YOLOV5_TRAIN = [("train", "/home/me/yolov5/train.py"), ("main", "/home/me/yolov5/train.py")]
YOLOV5_WAIT = [
    ("select", "/usr/lib/python3.11/selectors.py"),
    ("get", "/usr/lib/python3.11/multiprocessing/queues.py"),
    ("_next_data", f"{SITE}/torch/utils/data/dataloader.py"),
    LOADER,
    ("__iter__", "/home/me/yolov5/utils/dataloaders.py"),
    ("__iter__", f"{SITE}/tqdm/std.py"),
    *YOLOV5_TRAIN,
]
YOLOV5_FORWARD = [
    ("_conv_forward", f"{SITE}/torch/nn/modules/conv.py"),
    ("forward", "/home/me/yolov5/models/common.py"),
    *YOLOV5_TRAIN,
]
YOLOV5_VALIDATE = [
    ("non_max_suppression", "/home/me/yolov5/utils/general.py"),
    ("run", "/home/me/yolov5/val.py"),
    *YOLOV5_TRAIN,
]
YOLOV5_SAVE = [("_save", f"{SITE}/torch/serialization.py"), ("save", f"{SITE}/torch/serialization.py")]
ULTRALYTICS_TRAIN = [
    ("_do_train", f"{SITE}/ultralytics/engine/trainer.py"),
    ("train", f"{SITE}/ultralytics/engine/trainer.py"),
]
ULTRALYTICS_VALIDATE = [
    ("__call__", f"{SITE}/ultralytics/engine/validator.py"),
    ("validate", f"{SITE}/ultralytics/engine/trainer.py"),
    *ULTRALYTICS_TRAIN,
]
ULTRALYTICS_FINAL = [
    ("__call__", f"{SITE}/ultralytics/engine/validator.py"),
    ("final_eval", f"{SITE}/ultralytics/engine/trainer.py"),
    *ULTRALYTICS_TRAIN,
]


@pytest.mark.parametrize(
    ("marks", "stack", "phase", "waits"),
    [
        (YOLOV5, YOLOV5_WAIT, Phase.TRAIN, True),
        (YOLOV5, YOLOV5_FORWARD, Phase.TRAIN, False),
        (YOLOV5, YOLOV5_VALIDATE, Phase.VALIDATE, False),
        (YOLOV5, [*YOLOV5_SAVE, *YOLOV5_TRAIN], Phase.CHECKPOINT, False),
        (YOLOV5, [("main", "/home/me/yolov5/train.py")], Phase.UNKNOWN, False),
        # torch's own method of that name puts a model into training mode.
        (YOLOV5, [("train", f"{SITE}/torch/nn/modules/module.py")], Phase.UNKNOWN, False),
        (YOLOV5, [("train", f"{SITE}/yolov5/train.py")], Phase.TRAIN, False),
        (YOLOV5, [("run", f"{SITE}/yolov5/val.py"), *YOLOV5_TRAIN], Phase.VALIDATE, False),
        (
            YOLOV5,
            [("on_fit_epoch_end", "/y/utils/loggers/__init__.py"), *YOLOV5_TRAIN],
            Phase.CHECKPOINT,
            False,
        ),
        (
            YOLOV5,
            [("on_train_end", f"{SITE}/yolov5/utils/loggers/__init__.py"), *YOLOV5_TRAIN],
            Phase.END,
            False,
        ),
        (ULTRALYTICS, [LOADER, *ULTRALYTICS_TRAIN], Phase.TRAIN, True),
        (ULTRALYTICS, ULTRALYTICS_VALIDATE, Phase.VALIDATE, False),
        (ULTRALYTICS, ULTRALYTICS_FINAL, Phase.END, False),
        (
            ULTRALYTICS,
            [("save_model", f"{SITE}/ultralytics/engine/trainer.py"), *ULTRALYTICS_TRAIN],
            Phase.CHECKPOINT,
            False,
        ),
        (TORCH, [LOADER, ("main", "/home/me/mine.py")], Phase.UNKNOWN, True),
        (TORCH, [LOADER, ("evaluate", "/home/me/mine.py")], Phase.VALIDATE, True),
    ],
)
def test_stack_tells_the_phase(
    marks: FrameMarks, stack: list[tuple[str, str]], phase: Phase, waits: bool
) -> None:
    """Each phase has frames of its own."""
    assert judge(stack, marks) == (phase, waits)


@pytest.mark.parametrize(
    ("framework", "marks"), [("yolov5", YOLOV5), ("ultralytics", ULTRALYTICS), ("torch", TORCH)]
)
def test_each_framework_has_its_marks(framework: str, marks: FrameMarks) -> None:
    """A training is looked at with the marks of its framework."""
    assert marks_of(replace(TRAINING, framework=framework)) is marks


def test_warm_up_is_no_number_of_workers() -> None:
    """YOLOv5's variable nw counts the iterations of the warm-up."""
    assert YOLOV5.locals.warmup_batches == ("nw",)
    assert "nw" not in YOLOV5.locals.workers
