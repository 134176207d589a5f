"""What the frames of a training's main thread mean, framework by framework.

YOLOv5 v5.0 to master and ultralytics 8.x, by function, file and variable; line numbers differ between
versions and are not used.
"""

from __future__ import annotations

from gpumon.model.training import Phase, Training
from gpumon.sources.interpreter_marks import FrameMark, FrameMarks, LoopLocals, PhaseMark


def _mark(functions: str, file_end: str = "") -> FrameMark:
    return FrameMark(frozenset(functions.split()), file_end)


# torch.save, and what writes a checkpoint in pieces around it.
_SAVE = PhaseMark(Phase.CHECKPOINT, _mark("save", "torch/serialization.py"))

# `ni` counts batches since epoch 0; `nw` is the number of warm-up iterations, not that of workers. The
# classifier has other names for some.
_YOLOV5 = LoopLocals(
    start_epoch=("start_epoch",),
    epochs=("epochs", "opt.epochs"),
    batch_index=("i",),
    batch_number=("ni",),
    batches=("nb",),
    batch_size=("batch_size", "bs", "opt.batch_size"),
    imgsz=("imgsz", "opt.imgsz"),
    workers=("opt.workers", "workers"),
    warmup_batches=("nw",),
    accumulate=("accumulate",),
    amp=("amp",),
    iterator=("train_loader", "trainloader", "dataloader"),
    bar_text=("pbar.desc",),
)
YOLOV5 = FrameMarks(
    loop=(_mark("train", "train.py"),),
    phases=(
        PhaseMark(Phase.END, _mark("on_train_end")),
        PhaseMark(Phase.END, _mark("on_train_end", "yolov5/utils/loggers/__init__.py")),
        _SAVE,
        # results.csv and TensorBoard, between validation and the checkpoint.
        PhaseMark(Phase.CHECKPOINT, _mark("on_fit_epoch_end", "utils/loggers/__init__.py")),
        PhaseMark(Phase.CHECKPOINT, _mark("on_model_save", "utils/loggers/__init__.py")),
        PhaseMark(Phase.VALIDATE, _mark("run", "val.py")),
        PhaseMark(Phase.VALIDATE, _mark("test", "test.py")),
    ),
    locals=_YOLOV5,
    # Its bar shows the mean loss of the GPU after each batch, on rank 0. So does that of ultralytics, but
    # there the memory may be cleaned up before validation, which would count as a part of the last step.
    steps_are_whole=True,
)

_TRAINER = "engine/trainer.py"
ULTRALYTICS = FrameMarks(
    loop=(_mark("_do_train", _TRAINER),),
    phases=(
        PhaseMark(Phase.END, _mark("final_eval", _TRAINER)),
        PhaseMark(Phase.END, _mark("plot_metrics", "train.py")),
        PhaseMark(Phase.CHECKPOINT, _mark("save_model save_metrics", _TRAINER)),
        _SAVE,
        PhaseMark(Phase.VALIDATE, _mark("validate", _TRAINER)),
        PhaseMark(Phase.VALIDATE, _mark("__call__", "engine/validator.py")),
    ),
    locals=LoopLocals(
        start_epoch=("self.start_epoch",),
        epochs=("self.epochs",),
        batch_index=("i",),
        batch_number=("ni",),
        batches=("nb",),
        batch_size=("self.batch_size",),
        imgsz=("self.args.imgsz",),
        workers=("self.args.workers",),
        warmup_batches=("nw",),
        accumulate=("self.accumulate",),
        amp=("self.amp",),
        iterator=("self.train_loader",),
        bar_text=("pbar.desc",),
    ),
)

# Any other training: the loop is whatever asks the DataLoader for batches; names that people give.
_VALIDATION = _mark(
    "val validate validation valid evaluate evaluation eval test test_epoch val_epoch valid_epoch eval_epoch"
    " validate_epoch evaluate_epoch validate_one_epoch val_one_epoch evaluate_one_epoch run_validation"
    " validation_step evaluate_model validate_model test_model"
)
TORCH = FrameMarks(
    phases=(_SAVE, PhaseMark(Phase.VALIDATE, _VALIDATION)),
    locals=LoopLocals(
        epochs=("epochs", "num_epochs", "n_epochs", "args.epochs", "opt.epochs"),
        batches=("nb", "num_batches", "n_batches"),
    ),
)


def marks_of(training: Training) -> FrameMarks:
    """Return what to look for in the stack of a training."""
    return {"yolov5": YOLOV5, "ultralytics": ULTRALYTICS}.get(training.framework, TORCH)
