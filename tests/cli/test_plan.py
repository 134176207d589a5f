"""`gpumon plan`: what it prints before a run, and how it ends."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpumon.advice.starting_facts import MachineFacts, StartingFacts
from gpumon.cli.app import gpumon
from gpumon.cli.plan import parse_bytes
from gpumon.cli.plan_facts import about_of, machine_of
from gpumon.model.host import CgroupReading
from gpumon.model.measure import Missing
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_alike import is_same_work
from gpumon.recording.runs_run import RunAbout, RunEnd, RunSetting, RunState
from tests.frameworks.test_data_images import data_set, jpeg
from tests.nvml_stand_in.stand_in import Script, build, environment
from tests.recording.runs_scene import ABOUT, PROCESS, block

GIB = 1 << 30
ON_12_GIB = ("--weights", "yolov5s.pt", "--gpu-memory", "12GiB")


def plan(home: Path, *arguments: str) -> Result:
    """Run the command with a data directory of its own."""
    return CliRunner().invoke(gpumon, ["plan", *arguments], env={"XDG_DATA_HOME": str(home)})


def command_of(result: Result) -> list[str]:
    """Return the words of the printed command."""
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("python ")]
    return shlex.split(line)


def test_it_prints_settings_with_their_ranges_and_a_command(tmp_path: Path) -> None:
    """An estimate that says so."""
    found = plan(tmp_path, *ON_12_GIB)
    assert (0, "") == (found.exit_code, found.stderr)
    assert "All of it is an estimate" in found.stdout
    assert "batch    32: about 6.5 GiB (" in found.stdout
    words = command_of(found)
    assert ["python", "train.py", "--weights", "yolov5s.pt", "--imgsz", "640", "--batch-size", "32"] == words[
        :8
    ]
    assert "Watch then:" in found.stdout


def test_images_are_sampled_for_the_cache(tmp_path: Path) -> None:
    """How many, how large, and what they need in memory; few small ones are cached."""
    yaml = data_set(tmp_path, ["a.jpg", "b.jpg"], jpeg(640, 480))
    found = plan(tmp_path, *ON_12_GIB, "--data", str(yaml))
    assert "images   2, 640x480 pixels on average of 2" in found.stdout
    words = command_of(found)
    assert ["--cache", "ram"] == words[words.index("--cache") :][:2]
    assert str(yaml) == words[words.index("--data") + 1]


def test_what_is_sure_has_no_interval(tmp_path: Path) -> None:
    """Pictures of one size need what one of them needs, times their number."""
    yaml = data_set(tmp_path, ["a.jpg", "b.jpg"], jpeg(640, 480))
    found = plan(tmp_path, *ON_12_GIB, "--data", str(yaml))
    (cache,) = [line for line in found.stdout.splitlines() if line.startswith("cache ")]
    assert cache.endswith("(needs 1.9 MiB)")


def test_json_says_it_is_an_estimate_and_why_parts_are_missing(tmp_path: Path) -> None:
    """One document; every null has its reason."""
    found = plan(tmp_path, *ON_12_GIB, "--json")
    document = json.loads(found.stdout)
    assert (document["estimate"], document["batch"]["batch_size"]) == (True, 32)
    peak = document["batch"]["peak_bytes"]
    assert peak["low"] < peak["value"] < peak["high"]
    assert {"data", "workers.images_per_second", "cache.need_bytes"} <= set(document["missing"])
    assert document["command"] == shlex.join(command_of(plan(tmp_path, *ON_12_GIB)))


def test_a_model_of_unknown_size_has_no_batch(tmp_path: Path) -> None:
    """Its command has none either: YOLOv5's default counts."""
    found = plan(tmp_path, "--weights", "mine.pt", "--gpu-memory", "12GiB")
    assert 0 == found.exit_code
    assert "batch    not known: the name says nothing of the model's size" in found.stdout
    assert "--batch-size" not in command_of(found)


def test_a_model_too_large_for_the_gpu_is_tried_with_one_image(tmp_path: Path) -> None:
    """YOLOv5's default of 16 would fail; what needs less is said, and a batch of 1 has no workers."""
    found = plan(tmp_path, "--weights", "yolov5x.pt", "--gpu-memory", "6GiB", "--imgsz", "1280")
    assert "not even a batch of 1 is sure to fit on this GPU; a smaller model or --imgsz" in found.stdout
    words = command_of(found)
    assert ("1", "0") == (words[words.index("--batch-size") + 1], words[words.index("--workers") + 1])


def test_from_scratch_the_model_is_the_cfg(tmp_path: Path) -> None:
    """`--weights ''` is what train.py wants then."""
    words = command_of(plan(tmp_path, "--cfg", "yolov5m.yaml", "--gpu-memory", "12GiB"))
    assert ["--weights", "", "--cfg", "yolov5m.yaml"] == words[2:6]
    assert "20" == words[words.index("--batch-size") + 1]


def test_names_are_quoted_for_the_shell(tmp_path: Path) -> None:
    """A space in a name is no second word."""
    found = plan(tmp_path, "--weights", "my runs/yolov5s best.pt", "--gpu-memory", "12GiB")
    assert "my runs/yolov5s best.pt" in command_of(found)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "say which model"),
        (("--weights", "yolov5s.pt", "--gpu-memory", "12apples"), "--gpu-memory is an amount as 12GiB"),
        (("--weights", "yolov5s.pt", "--gpu-memory", "1MiB"), "between 256MiB and 4TiB"),
        (("--weights", "yolov5s.pt", "--imgsz", "7"), "7 is not in the range"),
        ((*ON_12_GIB, "--data", "gone.yaml"), "gone.yaml cannot be read: No such file or directory"),
        (("--weights", "yolov5s\x1b[31m.pt"), "no name that can be written into a command"),
        (("--weights", ""), "no name that can be written into a command"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    """Nothing is printed on stdout then."""
    found = plan(tmp_path, *arguments)
    assert (2, "") == (found.exit_code, found.stdout)
    assert sentence in found.stderr


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("12GiB", 12 * GIB),
        ("12G", 12 * GIB),
        ("12 GB", 12 * 10**9),
        ("512mib", 512 << 20),
        ("1000", 1000),
        ("2b", 2),
    ],
)
def test_amounts_are_read_as_they_are_written(text: str, size: int) -> None:
    """Binary without a B and with an i, decimal with a B alone."""
    assert size == parse_bytes(text)


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "1e9", "12GiBs", "nan", "1" * 40])
def test_other_words_are_no_amounts(text: str) -> None:
    """They are refused."""
    with pytest.raises(ValueError, match="is no amount of memory"):
        parse_bytes(text)


def on_gpus(folder: Path, script: Script, *arguments: str, visible: str | None = None) -> str:
    """Return what it prints on a machine whose driver says what the script says."""
    environ = environment(build(), script.driver().write(folder / "nvml.script"))
    environ.pop("CUDA_VISIBLE_DEVICES", None)
    if visible is not None:
        environ["CUDA_VISIBLE_DEVICES"] = visible
    done = subprocess.run(
        [sys.executable, "-m", "gpumon", "plan", "--weights", "yolov5s.pt", *arguments],
        env={**environ, "XDG_DATA_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_the_driver_tells_the_gpu_and_what_is_taken_of_it(tmp_path: Path) -> None:
    """Of what others hold the batch is smaller."""
    script = Script().set(0, memory_total_bytes=12 * GIB, memory_reserved_bytes=GIB // 2)
    free = on_gpus(tmp_path, script.set(0, memory_used_bytes=0))
    held = on_gpus(tmp_path, script.set(0, memory_used_bytes=6 * GIB))
    assert "12.0 GiB, 512 MiB of it taken (the driver)" in free
    assert "12.0 GiB, 6.5 GiB of it taken (the driver)" in held
    assert ("--batch-size 32", "--batch-size 16") == tuple(
        next(word for word in ("--batch-size 32", "--batch-size 16") if word in text) for text in (free, held)
    )
    assert "--device" not in free


def test_on_several_gpus_the_command_names_one(tmp_path: Path) -> None:
    """Else YOLOv5 would divide the CPUs among GPUs that it does not use."""
    assert "--device 0" in on_gpus(tmp_path, Script(gpus=4))


def test_a_gpu_that_is_divided_has_no_batch(tmp_path: Path) -> None:
    """The memory of the whole GPU is not that of a slice (MIG): which one is for CUDA_VISIBLE_DEVICES."""
    script = Script().mig(0, (1, 0), 5 * GIB, 0, "MIG-1").set(0, memory_total_bytes=40 * GIB)
    alone = on_gpus(tmp_path, script)
    assert "5.0 GiB" in alone
    assert "a slice (MIG) of" in alone
    script.mig(0, (2, 0), 12 * GIB, GIB, "MIG-2")
    found = on_gpus(tmp_path, script)
    assert "is divided by MIG" in found
    assert "--batch-size" not in found
    assert "--batch-size 32" in on_gpus(tmp_path, script, "--gpu-memory", "12GiB")
    assert "12.0 GiB, 1.0 GiB of it taken (the driver)" in on_gpus(tmp_path, script, visible="MIG-2,MIG-1")


@pytest.mark.parametrize(
    ("visible", "words", "device"),
    [
        ("1", "24.0 GiB", ""),
        ("GPU-bb", "24.0 GiB", ""),
        ("1,0", "24.0 GiB", "--device 1"),
        ("0,7,1", "12.0 GiB", ""),
        ("MIG-1", "names a slice of a GPU (MIG): say --gpu-memory", ""),
        ("", "CUDA_VISIBLE_DEVICES hides all GPUs: say --gpu-memory", ""),
    ],
)
def test_the_gpu_is_the_first_that_cuda_shows(tmp_path: Path, visible: str, words: str, device: str) -> None:
    """By CUDA_VISIBLE_DEVICES; what stands behind a name that is none is hidden, too."""
    script = Script(gpus=2).set(0, memory_total_bytes=12 * GIB, uuid="GPU-aa00")
    found = on_gpus(tmp_path, script.set(1, memory_total_bytes=24 * GIB, uuid="GPU-bb11"), visible=visible)
    assert words in found
    assert ("--device" in found, device in found) == (bool(device), True)


def test_saying_the_memory_leaves_the_gpus_counted(tmp_path: Path) -> None:
    """YOLOv5 would divide the CPUs among all of them, whatever was said of one."""
    assert "--device 0" in on_gpus(tmp_path, Script(gpus=8), "--gpu-memory", "12GiB")


def test_a_cfg_counts_more_than_the_weights(tmp_path: Path) -> None:
    """YOLOv5 builds the model of the cfg where both are given."""
    both = plan(tmp_path, "--weights", "yolov5s.pt", "--cfg", "yolov5x.yaml", "--gpu-memory", "12GiB")
    alone = plan(tmp_path, "--cfg", "yolov5x.yaml", "--gpu-memory", "12GiB")
    words, others = command_of(both), command_of(alone)
    assert ["--weights", "yolov5s.pt", "--cfg", "yolov5x.yaml"] == words[2:6]
    assert words[8:10] == others[8:10] == ["--batch-size", "6"]


@pytest.mark.parametrize(("weights", "cfg"), [("yolov5s.pt", ""), ("", "yolov5m.yaml"), ("a.pt", "b.yaml")])
def test_a_plan_is_compared_with_runs_as_its_files_are_given(weights: str, cfg: str) -> None:
    """A run that was started with the planned command is of the same model."""
    facts = StartingFacts(cfg or weights, 640, MachineFacts(8, 8.0))
    files = {name: value for name, value in (("weights", weights), ("cfg", cfg)) if value}
    run = replace(
        planned(),
        settings=(
            RunSetting("weights", weights, "argv"),
            RunSetting("cfg", cfg, "argv"),
            RunSetting("imgsz", 640, "argv"),
        ),
    )
    assert is_same_work(about_of(facts, files, run.hostname), run)
    assert not is_same_work(about_of(facts, {**files, "cfg": "yolov5n.yaml"}, run.hostname), run)


def planned(about: RunAbout = ABOUT) -> RunAbout:
    """Return an earlier run that the plan is for: of this machine and GPU."""
    import socket

    return replace(about, hostname=socket.gethostname(), simulated=False)


def test_earlier_runs_with_a_broken_database_are_left_out_with_a_word(tmp_path: Path) -> None:
    """The plan is made all the same."""
    place = tmp_path / "gpumon" / "runs.sqlite"
    place.parent.mkdir()
    place.write_bytes(b"no database at all" * 100)
    found = plan(tmp_path, *ON_12_GIB)
    assert 0 == found.exit_code
    assert "earlier runs are left out: " in found.stdout


def test_an_earlier_run_of_the_training_is_shown(tmp_path: Path) -> None:
    """Its speed with its interval, and its workers are those to start with."""
    database = RunsDatabase(tmp_path / "gpumon" / "runs.sqlite")
    about = replace(planned(), gpus=(), usable_cores=None)
    state = RunState(1.7e9, 3, RunEnd.FINISHED, "finished")
    database.write(PROCESS, about, state, [block(number, 90.0 + number % 2, 0.4) for number in range(6)])
    database.close()
    data = about.setting("data")
    given = () if data is None else (str(data.value),)
    weights, imgsz = about.setting("weights"), about.setting("imgsz")
    assert weights is not None
    assert imgsz is not None
    assert () == given
    found = plan(
        tmp_path, "--weights", str(weights.value), "--imgsz", str(imgsz.value), "--gpu-memory", "12GiB"
    )
    assert "an earlier run of this training made 90.5 images/s" in found.stdout


def test_the_tightest_limit_of_the_machine_counts() -> None:
    """Affinity, then the quota; memory within the limit of the cgroup."""
    limited = CgroupReading(
        2, "/box", cpu_quota_cores=3.0, memory_limit_bytes=8 * GIB, memory_used_bytes=2 * GIB
    )
    assert machine_of(16, 8, limited, 64 * GIB, 1 * GIB) == MachineFacts(
        16, 3.0, 1, "the quota of its cgroup", 6 * GIB, 1 * GIB
    )
    free = machine_of(16, 8, None, 64 * GIB, Missing("hidden"))
    assert (free.usable_cores, free.limited_by) == (8.0, "affinity of 16 CPUs")
    assert machine_of(16, 16, None, Missing("hidden"), 1).limited_by == ""
