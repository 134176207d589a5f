"""How a training goes on with other settings from its last checkpoint."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.knobs.command import Value
from gpumon.advice.knobs.go_on import go_on
from gpumon.advice.knobs.hyp import hyp_edit
from gpumon.model.measure import Maybe, Missing
from gpumon.model.reading import ProgressReading, TrainingReading
from gpumon.model.suggestion import GoOn
from gpumon.model.text import is_clean
from gpumon.model.training import Ended, Ending, Phase, Setting, Settings, Training
from tests.frameworks.test_command import training

RUN = "/data/runs/train/exp"
OPT = Settings(
    batch_size=Setting(16, "opt.yaml"),
    workers=Setting(2, "2 worker processes seen"),
    workers_asked=Setting(8, "opt.yaml"),
    imgsz=Setting(640, "opt.yaml"),
    cache=Setting(None, "opt.yaml"),
    device=Setting("", "opt.yaml"),
    lr0=Setting(0.01, "hyp.yaml"),
)
PROGRESS = ProgressReading(epoch=3, epochs=100, batch=12, batches=40, epoch_results=3)


def running(
    line: str, framework: str = "yolov5", version: str = "v7.0", progress: ProgressReading = PROGRESS
) -> TrainingReading:
    """A training in its fourth epoch, its run directory and settings known."""
    started = replace(training(line, framework, version), run_dir=RUN, settings=OPT)
    return TrainingReading(started, Phase.TRAIN, "log", progress)


def with_training(reading: TrainingReading, found: Training) -> TrainingReading:
    """The same reading of another training."""
    return replace(reading, training=found)


def found(way: Maybe[GoOn]) -> GoOn:
    """The way to go on, which there has to be."""
    assert isinstance(way, GoOn), way
    return way


def reason(way: Maybe[GoOn]) -> str:
    """Why there is no way."""
    assert isinstance(way, Missing), way
    return way.reason


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python train.py --img 640 --batch 16 --workers 8", "python train.py"),
        ("python segment/train.py --cache", "python segment/train.py"),
        ("python -m yolov5.train --img 640", "python -m yolov5.train"),
        ("/v/bin/python /v/bin/yolov5 train --batch_size 16", "/v/bin/python /v/bin/yolov5 train"),
        ("python -m torch.distributed.run --nproc_per_node 2 train.py --batch 16 --device 0,1",
         "python -m torch.distributed.run --nproc_per_node 2 train.py"),
        ("/v/bin/python /v/bin/torchrun --nproc-per-node=2 train.py --batch 16",
         "/v/bin/python /v/bin/torchrun --nproc-per-node=2 train.py"),
        ("python /v/bin/accelerate launch --multi_gpu --num_processes 2 train.py --batch 16",
         "python /v/bin/accelerate launch --multi_gpu --num_processes 2 train.py"),
        ("python train.py --resume runs/train/exp/weights/last.pt", "python train.py"),
        ("python train.py --resume", "python train.py"),
    ],
)  # fmt: skip
def test_yolov5_goes_on_by_an_edit_and_resume(line: str, expected: str) -> None:
    """Its own launcher and interpreter, nothing but --resume, and opt.yaml edited before."""
    way = found(go_on(running(line), {"workers": 6, "batch_size": 32}))
    edit = f"sed -i -e 's/^batch_size:.*/batch_size: 32/' -e 's/^workers:.*/workers: 6/' {RUN}/opt.yaml"

    assert way.command == f"{edit} && cd /data && {expected} --resume {RUN}/weights/last.pt"
    assert way.path == f"{RUN}/opt.yaml"
    assert way.lost == "the running epoch is lost: 12 of its 40 batches"
    assert way.edit == (
        f"--- {RUN}/opt.yaml\n+++ {RUN}/opt.yaml\n"
        "@@ -1 +1 @@\n-batch_size: 16\n+batch_size: 32\n@@ -2 +2 @@\n-workers: 8\n+workers: 6\n"
    )


@pytest.mark.parametrize(
    ("version", "changes", "lines"),
    [
        ("v7.0", {"cache": "ram"}, ["-cache: null", "+cache: ram"]),
        ("master", {"imgsz": 320}, ["-imgsz: 640", "+imgsz: 320"]),
        ("v5.0", {"cache": "ram"}, ["-cache_images: false", "+cache_images: true"]),
        ("v5.0", {"batch_size": 32, "workers": 6},
         ["-workers: 8", "+workers: 6", "-total_batch_size: 16", "+total_batch_size: 32"]),
        ("pypi 7.0.14", {"device": "0,1"}, ["-device: ''", "+device: 0,1"]),
        ("v6.0", {"workers": 8}, []),
    ],
)  # fmt: skip
def test_the_edit_speaks_the_keys_of_the_version(
    version: str, changes: dict[str, Value], lines: list[str]
) -> None:
    """v5.0 has a switch for the cache and reads its batch elsewhere; what is so already is not edited."""
    way = found(go_on(running("python train.py", version=version), changes))

    assert [row for row in way.edit.splitlines() if row[0] in "+-" and row[1:3] not in ("--", "++")] == lines
    assert bool(way.path) is bool(lines)
    assert str(way.command).startswith("sed -i " if lines else "cd /data && ")


def test_the_batch_that_autobatch_chose_is_not_in_opt_yaml() -> None:
    """There -1 stays, whatever the log says."""
    reading = running("python train.py --batch -1")
    for batch in (Setting(48, "AutoBatch's line in the log"), Missing("AutoBatch chooses it: only the log")):
        chosen = replace(reading.training, settings=replace(OPT, batch_size=batch))
        way = found(go_on(with_training(reading, chosen), {"batch_size": 32}))
        assert "-batch_size: -1\n+batch_size: 32\n" in way.edit


@pytest.mark.parametrize(
    ("line", "version", "changes", "words"),
    [
        ("python train.py --nosave", "v7.0", {"workers": 6}, "--nosave keeps none"),
        ("python train.py --evolve", "v7.0", {"workers": 6}, "--evolve starts anew"),
        ("python classify/train.py", "v7.0", {"workers": 6}, "has no --resume"),
        ("python mine.py", "v7.0", {"workers": 6}, "script of its own"),
        ("python -m ipykernel_launcher -f x.json", "v7.0", {"workers": 6}, "notebook"),
        ("python train.py", "v7.0", {"amp": True}, "no flag for amp"),
        ("python train.py", "v7.0", {"lr0": 0.02}, "--hyp"),
        ("python train.py", "v7.0", {"optimizer": "AdamW"}, "cannot change optimizer"),
        ("python train.py", "v7.0", {"multi_scale": True}, "multi_scale is not known"),
        ("python train.py", "v5.0", {"cache": "disk"}, "takes no value"),
        ("python train.py", "v5.0", {"imgsz": 320}, "is a list"),
    ],
)
def test_says_why_yolov5_cannot_go_on(line: str, version: str, changes: dict[str, Value], words: str) -> None:
    """No checkpoint, no --resume, or a setting that resuming cannot change."""
    assert words in reason(go_on(running(line, version=version), changes))


@pytest.mark.parametrize(
    "progress",
    [
        ProgressReading(),
        ProgressReading(epoch=0, batch=5, batches=40),
        ProgressReading(epoch=0, epoch_results=1),
        ProgressReading(epoch=1, epoch_results=1, source="results.csv"),
        ProgressReading(epoch_results=1),
    ],
)
def test_before_the_first_checkpoint_there_is_nothing_to_resume(progress: ProgressReading) -> None:
    """The row in results.csv comes before it. A run that is resumed itself has one from before."""
    fresh = running("python train.py", progress=progress)
    resumed = running("python train.py --resume", progress=progress)
    settings = replace(OPT, resume=Setting(True, "argv"))
    resumed = with_training(resumed, replace(resumed.training, settings=settings))

    assert "no epoch is completed yet" in reason(go_on(fresh, {"workers": 6}))
    assert found(go_on(resumed, {"workers": 6})).lost.startswith("the running epoch is lost")


def test_one_completed_epoch_is_enough_however_it_is_known() -> None:
    """By the number of the running epoch, or by a second row in results.csv."""
    in_results = ProgressReading(epoch=2, epoch_results=2, source="results.csv")
    for progress in (ProgressReading(epoch_results=2), ProgressReading(epoch=1), in_results):
        way = found(go_on(running("python train.py", progress=progress), {"workers": 6}))
        assert way.lost == "the running epoch is lost"


@pytest.mark.parametrize("phase", [Phase.VALIDATE, Phase.CHECKPOINT])
def test_an_epoch_that_is_about_to_be_saved_need_not_be_lost(phase: Phase) -> None:
    """After its last batch no batches are counted."""
    reading = replace(running("python train.py"), phase=phase)

    assert found(go_on(reading, {"workers": 6})).lost.endswith("unless it has been saved before")


def test_a_run_that_is_over_cannot_be_resumed() -> None:
    """Finished, or in its last validation; one that crashed can."""
    reading = running("python train.py")
    finished = replace(reading, ended=Ended(Ending.FINISHED, "100 of 100 epochs", 0.0))
    crashed = replace(reading, ended=Ended(Ending.CRASHED, "a traceback", 0.0))

    assert "finished" in reason(go_on(finished, {"workers": 6}))
    assert "finished" in reason(go_on(replace(reading, phase=Phase.END), {"workers": 6}))
    assert found(go_on(crashed, {"workers": 6})).path


def test_others_are_told_apart() -> None:
    """PyTorch trainings resume by their own code, simulated ones not at all; what is hidden is said."""
    reading = running("python train.py --workers 2")
    simulated = with_training(reading, replace(reading.training, simulated=True))
    nowhere = with_training(reading, replace(reading.training, run_dir=Missing("--project is hidden")))
    inexact = with_training(reading, replace(reading.training, command_is_exact=False))

    assert "in its own code" in reason(go_on(running("python main.py -j 2", "torch"), {"workers": 6}))
    assert "simulated" in reason(go_on(simulated, {"workers": 6}))
    assert "--project is hidden" in reason(go_on(nowhere, {"workers": 6}))
    assert "cannot be read" in reason(go_on(running(""), {"workers": 6}))
    assert isinstance(found(go_on(inexact, {"workers": 6})).command, Missing)


def test_ultralytics_takes_settings_on_its_command_line() -> None:
    """Nothing is edited: resume, the checkpoint, and what is to be changed."""
    yolo = "/v/bin/python /v/bin/yolo"
    line = f"{yolo} detect train data=coco128.yaml model=yolov8n.pt workers=2 batch=16"
    way = found(
        go_on(running(line, "ultralytics", "8.4.190"), {"workers": 4, "batch_size": 32, "cache": None})
    )

    assert way.command == (
        f"cd /data && {yolo} detect train resume model={RUN}/weights/last.pt workers=4 batch=32 cache=False"
    )
    assert (way.path, way.edit) == ("", "")
    assert way.lost == "the running epoch is lost: 12 of its 40 batches"


@pytest.mark.parametrize(
    ("line", "version", "changes", "words"),
    [
        ("yolo train", "8.3.235", {"workers": 4}, "8.3.235 ignores workers="),
        ("yolo train", "8.0.20", {"batch_size": 4}, "8.0.20 ignores batch="),
        ("yolo train", "8.4.190", {"lr0": 0.02}, "ignores lr0="),
        ("yolo train", "8.4.190", {"image_weights": False}, "no setting for image_weights"),
        ("yolo train save=False", "8.4.190", {"workers": 4}, "save=False"),
        ("mine.py", "8.4.190", {"workers": 4}, "in its code"),
    ],
)
def test_says_why_ultralytics_cannot_go_on(
    line: str, version: str, changes: dict[str, Value], words: str
) -> None:
    """Older versions take fewer settings when they resume."""
    assert words in reason(go_on(running(f"/v/bin/python {line}", "ultralytics", version), changes))


def test_a_version_of_ultralytics_that_is_not_known_takes_what_all_do() -> None:
    """The batch size since long, the workers perhaps not."""
    reading = running("/v/bin/python /v/bin/yolo train", "ultralytics")
    unknown = with_training(reading, replace(reading.training, framework_version=Missing("cannot be told")))

    assert found(go_on(unknown, {"batch_size": 8})).command
    assert "is not known" in reason(go_on(unknown, {"workers": 4}))


def test_a_checkpoint_that_the_framework_would_not_find_is_not_offered() -> None:
    """Both take a ' out of its path."""
    quoted = replace(training("python train.py --img 64"), run_dir="/runs/second 'run'", settings=OPT)
    reading = TrainingReading(quoted, Phase.TRAIN, "log", PROGRESS)

    assert "has a ' in its path" in reason(go_on(reading, {"workers": 4}))


HOSTILE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(is_clean)
# A ' in the path of a checkpoint is refused.
RUN_NAMES = HOSTILE.filter(lambda name: "'" not in name)


@given(RUN_NAMES, HOSTILE, st.integers(9, 64), st.integers(1, 256))
def test_a_shell_reads_back_every_word(name: str, directory: str, workers: int, batch_size: int) -> None:
    """Whatever the run and the directory are called."""
    run = f"/{name}"
    started = replace(
        training("python train.py --img 64"),
        run_dir=run,
        settings=OPT,
        command_directory=f"/{directory}",
        environment=(("CUDA_VISIBLE_DEVICES", name),),
    )
    reading = TrainingReading(started, Phase.TRAIN, "log", PROGRESS)
    way = found(go_on(reading, {"workers": workers, "batch_size": batch_size}))
    words = shlex.split(str(way.command))

    at = words.index("&&")
    assert words[:2] == ["sed", "-i"]
    assert words[at - 1] == f"{run}/opt.yaml"
    assert words[at + 1 :] == ["cd", f"/{directory}", "&&", f"CUDA_VISIBLE_DEVICES={name}",
                               "python", "train.py", "--resume", f"{run}/weights/last.pt"]  # fmt: skip


def test_the_command_edits_the_file_and_starts_in_its_place(tmp_path: Path) -> None:
    """As a shell runs it: with `python` a program that writes its argv."""
    run = tmp_path / "runs" / "exp 1"
    run.mkdir(parents=True)
    (run / "opt.yaml").write_text(yaml.safe_dump({"hyp": {"workers": 3}, "workers": 8}), encoding="utf-8")
    started = replace(
        training(("/bin/echo", "train.py", "--img", "64")),
        run_dir=str(run),
        settings=OPT,
        command_directory=str(tmp_path),
    )
    way = found(go_on(TrainingReading(started, Phase.TRAIN, "log", PROGRESS), {"workers": 6}))
    done = subprocess.run(["/bin/sh", "-c", str(way.command)], check=True, capture_output=True, text=True)

    assert done.stdout == f"train.py --resume {run}/weights/last.pt\n"
    assert yaml.safe_load((run / "opt.yaml").read_text(encoding="utf-8")) == {
        "hyp": {"workers": 3},
        "workers": 6,
    }


def test_another_learning_rate_is_a_copy_of_hyp_yaml() -> None:
    """The diff goes from the run's own file to the copy; the command makes the copy and names it."""
    way = found(
        hyp_edit(running("python train.py --hyp data/hyps/my.yaml --workers 2").training, "lr0", 0.005)
    )

    assert way.path == f"{RUN}/hyp-lr0.yaml"
    assert way.begins_again
    assert way.edit.endswith("@@ -1 +1 @@\n-lr0: 0.01\n+lr0: 0.005\n")
    assert way.command == (
        f"sed -e 's/^lr0:.*/lr0: 0.005/' {RUN}/hyp.yaml > {RUN}/hyp-lr0.yaml && "
        f"cd /data && python train.py --hyp {RUN}/hyp-lr0.yaml --workers 2"
    )
    assert "first epoch" in way.lost


@pytest.mark.parametrize(
    ("line", "framework", "key", "words"),
    [
        ("python main.py --lr 1", "torch", "lr0", "only YOLOv5"),
        ("python mine.py", "yolov5", "lr0", "script of its own"),
        ("python classify/train.py", "yolov5", "lr0", "no hyp.yaml"),
        ("python train.py --evolve", "yolov5", "lr0", "by itself"),
        ("python train.py", "yolov5", "momentum", "not known"),
    ],
)
def test_says_why_there_is_no_other_hyp_yaml(line: str, framework: str, key: str, words: str) -> None:
    """Only what YOLOv5's train.py reads, and whose present value is known."""
    assert words in reason(hyp_edit(running(line, framework).training, key, 0.005))
