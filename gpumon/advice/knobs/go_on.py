"""How a training takes up changed settings from its last checkpoint, as far as its framework can.

YOLOv5 replaces all flags by the opt.yaml of the old run when it resumes (train.py of v5.0 to master), so that
file has to be edited. ultralytics takes some keys of the command line (check_resume in engine/trainer.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from gpumon.advice.knobs import ultralytics
from gpumon.advice.knobs.command import Value, is_resumed, option_for
from gpumon.advice.knobs.launch import runs_in_notebook
from gpumon.advice.knobs.shell import shell_line
from gpumon.advice.knobs.train_command import StartedYolov5, read_yolo_command, started_yolov5
from gpumon.advice.knobs.yaml_edit import LineChange, sed_command, unified_diff
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.reading import TrainingReading
from gpumon.model.suggestion import GoOn
from gpumon.model.training import Ending, Phase, Training

# What a resumed YOLOv5 takes up without harm, in the order in which opt.yaml has it (that of the options).
# The optimizer is none of them (its state in the checkpoint is of the old one), nor is the model.
_IN_OPT_YAML = ("epochs", "batch_size", "imgsz", "cache", "image_weights", "device", "multi_scale", "workers")
_V5_0_KEYS = {"cache": "cache_images"}
# v5.0 reads its batch size from there, behind all options.
_V5_0_BATCH = "total_batch_size"
_AUTOBATCH = -1


def go_on(reading: TrainingReading, changes: Mapping[str, Value]) -> Maybe[GoOn]:
    """Return how to go on with `changes` instead of beginning again, or why that cannot be.

    The command makes the edit, too, and starts the training in its own way; it does not stop the one that
    runs.
    """
    training = reading.training
    reason = _why_not(reading)
    if reason:
        return Missing(reason)
    if training.framework == "yolov5":
        return _yolov5(reading, changes)
    return _ultralytics(reading, changes)


def _why_not(reading: TrainingReading) -> str:
    """Return why the training cannot go on whatever is changed, empty where it can."""
    training = reading.training
    is_finished = reading.ended is not None and reading.ended.how is Ending.FINISHED
    reasons = (
        (training.simulated, "a simulated training keeps no checkpoint"),
        (
            training.framework not in {"yolov5", "ultralytics"},
            "whether and how it goes on from a checkpoint is in its own code",
        ),
        (not training.command, "its command line cannot be read"),
        (runs_in_notebook(training.command), "it runs in a notebook: resume it in its code"),
        (
            is_finished or reading.phase is Phase.END,
            "its epochs are over: a finished run cannot be resumed",
        ),
        (not _has_checkpoint(reading), "no epoch is completed yet: there is no checkpoint to go on from"),
    )
    return next((words for holds, words in reasons if holds), "")


def _has_checkpoint(reading: TrainingReading) -> bool:
    """Tell whether a last.pt is certain to be there, and whole when it was written."""
    progress = reading.progress
    if is_resumed(reading.training):
        return True
    epoch = known(progress.epoch)
    if epoch is None:
        return progress.epoch_results > 1
    # results.csv gets the row of an epoch before its last.pt is written.
    return epoch > (1 if progress.source.startswith("results.csv") else 0)


def _lost(reading: TrainingReading) -> str:
    if reading.phase in {Phase.VALIDATE, Phase.CHECKPOINT}:
        return "the running epoch is lost, unless it has been saved before"
    batch, batches = known(reading.progress.batch), known(reading.progress.batches)
    if batch is None or batches is None:
        return "the running epoch is lost"
    return f"the running epoch is lost: {batch} of its {batches} batches"


def _checkpoint(training: Training) -> Maybe[str]:
    if isinstance(training.run_dir, Missing):
        return Missing(f"its run directory is not known: {training.run_dir.reason}")
    if "'" in training.run_dir:
        # attempt_download of YOLOv5, attempt_download_asset of ultralytics.
        return Missing(f"its run directory has a ' in its path, which {training.framework} drops on resuming")
    return f"{training.run_dir}/weights/last.pt"


def _yolov5(reading: TrainingReading, changes: Mapping[str, Value]) -> Maybe[GoOn]:
    training = reading.training
    started = started_yolov5(training)
    if started is None:
        return Missing("it is started from a script of its own: resume it in its code")
    if not any(option.dest == "resume" for option in started.options):
        return Missing(f"train.py of YOLOv5 {started.version} for {started.command.task} has no --resume")
    for dest, words in (("evolve", "--evolve starts anew each time"), ("nosave", "--nosave keeps none")):
        if started.gives(dest):
            return Missing(f"there is no checkpoint to go on from: {words}")
    checkpoint, lines = _checkpoint(training), _opt_lines(training, started, changes)
    if isinstance(checkpoint, Missing):
        return checkpoint
    if isinstance(lines, Missing):
        return lines
    path = f"{known(training.run_dir)}/opt.yaml"
    arguments = (*training.command[: started.command.arguments_at], "--resume", checkpoint)
    command = shell_line(training, arguments, first=sed_command(path, lines) if lines else "")
    return GoOn(command, _lost(reading), path if lines else "", unified_diff(path, lines))


def _opt_lines(
    training: Training, started: StartedYolov5, changes: Mapping[str, Value]
) -> Maybe[tuple[LineChange, ...]]:
    """Return the lines of opt.yaml that change, in its order."""
    lines: list[LineChange] = []
    # In v5.0 the batch size stands behind all others.
    is_old = started.version == "v5.0"
    order = sorted(_IN_OPT_YAML, key=lambda name: is_old and name == "batch_size")
    for name in (*order, *(name for name in changes if name not in order)):
        if name not in changes:
            continue
        line = _opt_line(training, started, name, changes[name])
        if isinstance(line, Missing):
            return line
        if line.before != line.after:
            lines.append(line)
    return tuple(lines)


def _opt_line(training: Training, started: StartedYolov5, name: str, value: Value) -> Maybe[LineChange]:
    option = option_for(started.options, name, value, started.version)
    if isinstance(option, Missing):
        return option
    if name not in _IN_OPT_YAML:
        return Missing(f"a resumed run cannot change {name}")
    old = _written(training, name)
    if isinstance(old, Missing):
        return old
    if started.version != "v5.0":
        return LineChange(option.dest, old, value)
    if name == "imgsz":
        return Missing("img_size in opt.yaml of YOLOv5 v5.0 is a list: edit it by hand")
    key = _V5_0_BATCH if name == "batch_size" else _V5_0_KEYS.get(name, name)
    is_switch = option.nargs == "0"
    return LineChange(key, bool(old) if is_switch else old, bool(value) if is_switch else value)


def _written(training: Training, name: str) -> Maybe[Value]:
    """Return the value of a setting as opt.yaml has it."""
    setting = getattr(training.settings, "workers_asked" if name == "workers" else name)
    if name == "batch_size":
        # AutoBatch's choice is never written there.
        how = setting.reason if isinstance(setting, Missing) else setting.source
        if how.startswith("AutoBatch"):
            return _AUTOBATCH
    if isinstance(setting, Missing):
        return Missing(f"what opt.yaml says of {name} is not known: {setting.reason}")
    value: Value = setting.value
    return value


def _ultralytics(reading: TrainingReading, changes: Mapping[str, Value]) -> Maybe[GoOn]:
    training = reading.training
    read = read_yolo_command(training.command, python=True)
    if read is None:
        return Missing("its settings are in its code: resume=True goes on there")
    saves = read.arguments.last("save")
    if saves is not None and saves.value.lower() == "false":
        return Missing("there is no checkpoint to go on from: save=False keeps none")
    version = known(training.framework_version)
    kept = ultralytics.kept_on_resume(version)
    pairs = []
    for name, value in changes.items():
        key = ultralytics.KEYS.get(name)
        if key is None:
            return Missing(f"ultralytics has no setting for {name}")
        if key not in kept:
            return Missing(ultralytics.ignored_on_resume(key, version))
        pairs.append(f"{key}={False if value is None else value}")
    checkpoint = _checkpoint(training)
    if isinstance(checkpoint, Missing):
        return checkpoint
    task = (read.arguments.task,) if read.arguments.task else ()
    words = (*task, "train", "resume", f"model={checkpoint}", *pairs)
    command = shell_line(training, (*training.command[: read.arguments_at], *words))
    return GoOn(command, _lost(reading))
