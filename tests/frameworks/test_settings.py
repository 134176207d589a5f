"""The settings of YOLOv5: which source wins, and what a training really gets."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from gpumon.frameworks.file_view import ProcessFiles
from gpumon.model.measure import Missing, known
from gpumon.model.training import Setting, Training
from tests.frameworks import scene
from tests.frameworks.scene import Scene, add_files, write_at

OPT = """\
weights: ''
batch_size: 8
workers: 2
hyp: {lr0: 0.02}
save_dir: runs/train/exp
epochs: 5
imgsz: 320
resume: false
cache: null
"""


def train(folder: Path, line: str, *, files: tuple[str, ...] = scene.V7_0, gpus: int | None = 1) -> Training:
    """Start `line` in a YOLOv5 clone at `folder`, without any worker yet."""
    add_files(folder, files)
    machine = Scene(str(folder))
    machine.add(shlex.split(line))
    return machine.one(visible_gpus=gpus)


def test_without_a_run_directory_argv_and_defaults_speak(tmp_path: Path) -> None:
    """Each setting says where it is from."""
    settings = train(tmp_path, "python train.py --batch 4 --cache").settings
    assert Setting(4, "argv") == settings.batch_size
    assert Setting("ram", "argv") == settings.cache
    assert Setting(100, "default of YOLOv5 v7.0") == settings.epochs
    assert Setting(True, "default of YOLOv5 v7.0") == settings.pin_memory


def test_v5_0_has_its_own_names_and_defaults(tmp_path: Path) -> None:
    """--img-size takes two, --cache-images is a switch, --adam stands for an optimizer."""
    line = "python train.py --img 320 320 --cache --adam"
    settings = train(tmp_path, line, files=scene.V5_0).settings
    assert (320, "ram", "Adam", 300) == tuple(
        setting.value
        for setting in (settings.imgsz, settings.cache, settings.optimizer, settings.epochs)
        if isinstance(setting, Setting)
    )


def test_opt_yaml_wins_over_argv(tmp_path: Path) -> None:
    """It holds what train.py made of argv, edited or not."""
    write_at(tmp_path / "runs/train/exp/opt.yaml", OPT, 1300)
    write_at(tmp_path / "runs/train/exp/hyp.yaml", "lr0: 0.03\n", 1300)
    training = train(tmp_path, "python train.py --img 320")
    assert str(tmp_path / "runs/train/exp") == training.run_dir
    assert Setting(8, "opt.yaml") == training.settings.batch_size
    assert Setting(0.03, "hyp.yaml") == training.settings.lr0


def test_an_opt_yaml_from_before_the_start_is_another_runs(tmp_path: Path) -> None:
    """The directory is made anew by every run."""
    write_at(tmp_path / "runs/train/exp/opt.yaml", OPT, 500)
    assert isinstance(train(tmp_path, "python train.py").run_dir, Missing)


@pytest.mark.parametrize(
    ("flags", "path"),
    [
        ("--project out --name a", "out/a"),
        ("--project {here}/out", "out/exp3"),
        ("--name deep/er", "runs/train/deep/er"),
        ("--cfg models/yolov5n.yaml --name cfg", "runs/train/yolov5n"),
    ],
)
def test_follows_project_and_name(tmp_path: Path, flags: str, path: str) -> None:
    """Below the directory of the training, with the number that was appended."""
    write_at(tmp_path / path / "opt.yaml", OPT, 1300)
    training = train(tmp_path, f"python train.py {flags.format(here=tmp_path)}")
    assert str(tmp_path / path) == training.run_dir


def test_resume_takes_everything_from_the_old_run(tmp_path: Path) -> None:
    """The other flags in argv are discarded; a note says so."""
    write_at(tmp_path / "runs/train/exp7/opt.yaml", OPT, 500)
    line = "python train.py --resume runs/train/exp7/weights/last.pt --workers 1 --batch-size 4"
    training = train(tmp_path, line)
    assert Setting(8, "opt.yaml") == training.settings.batch_size
    assert Setting(2, "opt.yaml") == training.settings.workers
    assert Setting("runs/train/exp7/weights/last.pt", "argv") == training.settings.resume
    assert any("--resume" in note for note in training.notes)


def test_resume_without_a_path_is_found_by_the_opt_yaml_it_writes(tmp_path: Path) -> None:
    """Until then its settings are unknown: argv would lie."""
    training = train(tmp_path, "python train.py --resume --workers 1")
    assert isinstance(training.settings.workers, Missing)
    write_at(tmp_path / "runs/mine/exp7/opt.yaml", OPT, 1300)
    assert str(tmp_path / "runs/mine/exp7") == train(tmp_path, "python train.py --resume --workers 1").run_dir


def test_evolution_has_no_run_directory(tmp_path: Path) -> None:
    """It writes no opt.yaml, and each generation is a training of its own."""
    write_at(tmp_path / "runs/train/exp/opt.yaml", OPT, 1300)
    training = train(tmp_path, "python train.py --evolve 3")
    assert isinstance(training.run_dir, Missing)
    assert any("evolution" in note for note in training.notes)


def test_the_batch_of_autobatch_is_missing_until_the_log_tells(tmp_path: Path) -> None:
    """opt.yaml keeps -1; the log is read where stderr is a file."""
    write_at(tmp_path / "runs/train/exp/opt.yaml", OPT.replace("batch_size: 8", "batch_size: -1"), 1300)
    batch = train(tmp_path, "python train.py --batch-size -1").settings.batch_size
    assert isinstance(batch, Missing)
    assert "AutoBatch" in batch.reason


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("AutoBatch: Using batch-size 146 for CUDA:0 6.24G/7.79G (80%)\n", 146),
        ("AutoBatch: Using batch-size 146 for CUDA:0\nAutoBatch: Using batch-size 12 for CUDA:0\n", None),
        ("AutoBatch: Computing optimal batch size\n", None),
    ],
)
def test_the_log_tells_what_autobatch_chose(tmp_path: Path, log: str, expected: int | None) -> None:
    """Where stderr goes to a file that tells of exactly one choice (a log may hold several runs)."""
    add_files(tmp_path, scene.V7_0)
    (tmp_path / "train.log").write_text(log)
    (tmp_path / "proc/100/fd").mkdir(parents=True)
    (tmp_path / "proc/100/fd/2").symlink_to(tmp_path / "train.log")
    machine = Scene(str(tmp_path), files=lambda pid: ProcessFiles(pid, str(tmp_path / "proc")))
    machine.add(["python", "train.py", "--batch-size", "-1"])
    training = machine.one()
    batch = known(training.settings.batch_size)
    assert str(tmp_path / "train.log") == training.log_path
    assert expected == (None if batch is None else batch.value)


def test_v5_0_keeps_the_total_batch_beside_that_of_a_rank(tmp_path: Path) -> None:
    """batch_size there is one rank's under DDP."""
    write_at(tmp_path / "runs/train/exp/opt.yaml", OPT + "total_batch_size: 16\n", 1300)
    settings = train(tmp_path, "python train.py --batch 16", files=scene.V5_0).settings
    assert Setting(16, "opt.yaml") == settings.batch_size


@pytest.mark.parametrize(
    ("flags", "gpus", "expected"),
    [
        ("--workers 4 --device 0", 8, Setting(4, "argv")),
        ("--workers 16", 1, Setting(8, "YOLOv5's cap: 8 cores")),
        ("", 4, Setting(2, "YOLOv5's cap: 8 cores for 4 GPUs")),
        ("--device 0,1", 4, Setting(4, "YOLOv5's cap: 8 cores for 2 GPUs")),
        ("--batch 4", 1, Setting(4, "YOLOv5's cap: batch 4")),
        ("--batch 1", 1, Setting(0, "YOLOv5's cap: batch 1")),
        ("--device cpu", None, Setting(8, "default of YOLOv5 v7.0")),
    ],
)
def test_workers_are_capped_silently(tmp_path: Path, flags: str, gpus: int | None, expected: Setting) -> None:
    """By the batch and by cores per GPU that is seen; the number asked for is kept beside it."""
    settings = train(tmp_path, f"python train.py {flags}", gpus=gpus).settings
    assert expected == settings.workers


@pytest.mark.parametrize(
    ("flags", "gpus", "seen"),
    [("", 8, 8), ("--device 0", 8, 1), ("--device 1,2", None, 2), ("--device cpu", 8, 0), ("", None, None)],
)
def test_a_training_says_how_many_gpus_it_sees(
    tmp_path: Path, flags: str, gpus: int | None, seen: int | None
) -> None:
    """By its device, else all of the machine; YOLOv5 divides the CPUs by them, whichever are watched."""
    assert train(tmp_path, f"python train.py {flags}", gpus=gpus).visible_gpus == seen


@pytest.mark.parametrize(("files", "expected"), [(scene.V6_0, 8), (scene.V6_1, 2)])
def test_v6_0_does_not_divide_the_cores(tmp_path: Path, files: tuple[str, ...], expected: int) -> None:
    """The division by the number of GPUs came with v6.1."""
    workers = train(tmp_path, "python train.py", files=files, gpus=4).settings.workers
    assert isinstance(workers, Setting)
    assert expected == workers.value


def test_the_workers_that_are_seen_win_over_the_rules(tmp_path: Path) -> None:
    """Whatever opt.yaml and the cap say."""
    add_files(tmp_path, scene.V7_0)
    machine = Scene(str(tmp_path))
    main = machine.add(["python", "train.py", "--workers", "2"])
    machine.fork(main, 2, start=1500)
    settings = machine.one().settings
    assert Setting(2, "2 worker processes seen") == settings.workers
    assert Setting(2, "argv") == settings.workers_asked


def test_pin_memory_is_an_environment_variable(tmp_path: Path) -> None:
    """Since v7.0; older ones always pin."""
    for files, expected in ((scene.V7_0, False), (scene.V6_2, True)):
        folder = add_files(tmp_path / str(expected), files)
        machine = Scene(str(folder))
        machine.add(["python", "train.py"], environment={"PIN_MEMORY": "False"})
        setting = machine.one().settings.pin_memory
        assert isinstance(setting, Setting)
        assert expected is setting.value


def test_hostile_values_are_cleaned(tmp_path: Path) -> None:
    """Escape sequences in opt.yaml never reach the screen."""
    opt = OPT.replace("imgsz: 320", 'imgsz: 640\ndata: "\\e[31mred\\e]0;title\\a.yaml"')
    write_at(tmp_path / "runs/train/exp/opt.yaml", opt, 1300)
    assert Setting("red.yaml", "opt.yaml") == train(tmp_path, "python train.py").settings.data
