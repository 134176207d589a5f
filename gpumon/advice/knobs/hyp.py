"""A changed hyperparameter of YOLOv5, which has no flag: an edited copy of hyp.yaml, and --hyp."""

from __future__ import annotations

from gpumon.advice.knobs.command import is_resumed, rewrite_arguments
from gpumon.advice.knobs.shell import shell_line
from gpumon.advice.knobs.train_command import started_yolov5
from gpumon.advice.knobs.yaml_edit import LineChange, sed_command, unified_diff
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.suggestion import GoOn
from gpumon.model.training import Setting, Training


def hyp_edit(training: Training, key: str, value: float) -> Maybe[GoOn]:
    """Return how to train with another value of hyperparameter `key`, or why that cannot be.

    `path` is a copy of the hyp.yaml that the run wrote (all its hyperparameters, as they were read), `edit`
    the diff from the one to the other. The command makes the copy and begins again with `--hyp`. Only
    hyperparameters that are settings can be changed: the present value of others is not known.
    """
    reason = _why_not(training, key)
    if reason:
        return Missing(reason)
    setting = getattr(training.settings, key, Missing("it is no setting"))
    if not isinstance(setting, Setting):
        return Missing(f"the present value of {key} is not known: {setting.reason}")
    run_dir = known(training.run_dir)
    if run_dir is None:
        return Missing("its run directory, where hyp.yaml would be, is not known")
    path, copy = f"{run_dir}/hyp.yaml", f"{run_dir}/hyp-{key}.yaml"
    lines = (LineChange(key, setting.value, value),)
    arguments = rewrite_arguments(training, {"hyp": copy})
    if isinstance(arguments, Missing):
        return arguments
    return GoOn(
        shell_line(training, arguments, first=sed_command(path, lines, copy=copy)),
        "the command begins again at the first epoch",
        copy,
        unified_diff(path, lines, copy=copy),
        begins_again=True,
    )


def _why_not(training: Training, key: str) -> str:
    """Return why the training takes no other hyp.yaml, empty where it does."""
    if training.framework != "yolov5":
        return f"only YOLOv5 reads {key} from a hyp.yaml"
    started = started_yolov5(training)
    if started is None:
        return f"it is started from a script of its own: change {key} in its code"
    if started.command.task == "classify":
        return "classify/train.py of YOLOv5 reads no hyp.yaml"
    if is_resumed(training):
        return f"a resumed run takes {key} from opt.yaml and its checkpoint"
    return f"--evolve changes {key} by itself" if started.gives("evolve") else ""
