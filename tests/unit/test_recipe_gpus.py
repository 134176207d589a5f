"""A process for each GPU, and GPUs that idle: the command, the bound of what it brings, and when not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.advice.all_reduce import all_reduce_of
from gpumon.advice.proof import changes_between, prediction_for
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Bound, Change, Effect, GoOn
from gpumon.recording.runs_predictions import prediction_of
from tests.unit.gpu_scene import GpuScene, Link
from tests.unit.recipe import Seen, only, recipe

_YOLO = ("python", "/v/bin/yolo", "detect", "train", "device=0")


def data_parallel(**changes: Any) -> Seen:
    """Return a YOLOv5 training with one process on two GPUs."""
    command = ("python", "train.py", "--batch-size", "16", "--device", "0,1")
    return Seen(replace(GpuScene(replicas=2, device="0,1", command=command), **changes))


def test_one_process_on_two_gpus_becomes_two() -> None:
    """The launcher, the same total batch, the same devices; no number where nobody knows one."""
    found = only(data_parallel())
    assert (found.setting, found.from_value, found.to_value) == ("launcher", "DataParallel", "DDP")
    assert found.command == (
        "cd /data/yolov5 && python -m torch.distributed.run --nproc_per_node 2 train.py --batch-size 16"
        " --device 0,1"
    )
    assert isinstance(found.speedup, Missing)
    assert found.together == (Change("world_size", 1, 2),)
    assert any("--workers counts for each of them" in words for words in found.warnings)


def test_going_on_repeats_the_launcher() -> None:
    """--resume, too, needs a process for each GPU."""
    found = only(data_parallel())
    assert isinstance(found.go_on, GoOn)
    assert isinstance(found.go_on.command, str)
    assert "torch.distributed.run --nproc_per_node 2 train.py --resume" in found.go_on.command


def test_a_batch_that_does_not_divide_is_made_even() -> None:
    """Batch 15 over two processes becomes 14, and the suggestion says so."""
    found = only(data_parallel(batch_size=15))
    assert found.together == (Change("world_size", 1, 2), Change("batch_size", 15, 14))
    assert isinstance(found.command, str)
    assert "--batch-size 14" in found.command


def test_a_batch_of_autobatch_is_written_out() -> None:
    """-1 is not allowed with several processes: the batch that it chose stands in the command."""
    found = only(data_parallel(command=("python", "train.py", "--batch-size", "-1", "--device", "0,1")))
    assert isinstance(found.command, str)
    assert "--batch-size 16" in found.command


def test_workers_of_all_processes_share_the_cores() -> None:
    """Twice 4 workers on 4 cores would crowd: each process gets 2."""
    found = only(data_parallel(cores=4, cpu=0.2))
    assert found.together == (Change("world_size", 1, 2), Change("workers", 4, 2))
    assert isinstance(found.command, str)
    assert "--workers 2" in found.command


def test_what_ddp_refuses_has_no_command() -> None:
    """--image-weights is not allowed with several processes."""
    command = ("python", "train.py", "--image-weights", "--device", "0,1")
    found = only(data_parallel(command=command))
    assert isinstance(found.command, Missing)
    assert "--image-weights" in found.command.reason


def idle(**changes: Any) -> Seen:
    """Return a YOLOv5 training on one of two GPUs, with the cores for two."""
    return Seen(replace(GpuScene(others=(0.0,), cores=16, cpu=0.2, main_cpu=0.5), **changes))


def test_an_idle_gpu_is_used_with_a_process_of_its_own() -> None:
    """Twice the total batch on both GPUs; at most twice as fast, at least not slower."""
    found = only(idle())
    assert (found.setting, found.from_value, found.to_value) == ("launcher", "1 GPU", "2 GPUs")
    assert found.command == (
        "cd /data/yolov5 && python -m torch.distributed.run --nproc_per_node 2 train.py --workers 4"
        " --batch-size 32 --device 0,1"
    )
    assert isinstance(found.speedup, Effect)
    assert (found.speedup.low, found.speedup.high) == (1.0, 2.0)
    assert found.speedup.predicted == pytest.approx(1.49, abs=0.01)
    assert "a bound, not a prediction" in found.rests_on
    assert found.together == (
        Change("world_size", 1, 2),
        Change("device", "0", "0,1"),
        Change("batch_size", 16, 32),
    )
    assert found.bound == Bound.GPU


def test_the_cores_bound_what_more_gpus_bring() -> None:
    """Cores that hold only half as much again bound the gain to that."""
    found = only(idle(cores=4, cpu=0.5, main_cpu=0.5, idle=0.6))
    assert isinstance(found.speedup, Effect)
    assert found.speedup.high == pytest.approx(4 / 2.5)
    assert found.bound == Bound.CORES
    assert "4 cores do no more" in found.text


def test_the_cut_of_yolov5_bounds_what_more_gpus_bring() -> None:
    """With 6 CPUs and two GPUs each process gets 3 of its 4 workers, and its proof will be known by them."""
    found = only(idle(cores=6, idle=0.1, cpu=0.1, main_cpu=0.2))
    assert isinstance(found.speedup, Effect)
    assert found.speedup.high == pytest.approx(2 * 3 / (4 * 0.9))
    assert found.bound == Bound.FRAMEWORK
    assert Change("workers", 4, 3) in found.together


@pytest.mark.parametrize(
    "seen",
    [
        idle(wait=0.41, workers=2, idle=0.02, cpu=0.96, gpu_busy=0.58),
        idle(wait=None),
        idle(idle=0.0, cores=4),
        idle(others=(0.9,)),
        idle(others=()),
        idle(framework="torch"),
        data_parallel(others=(0.0,), amp=False),
    ],
)
def test_more_gpus_are_not_suggested_where_they_bring_nothing(seen: Seen) -> None:
    """Starved, unknown, workers at their end, GPUs in use, none, code of its own, or DataParallel first."""
    assert not any(found.to_value == "2 GPUs" for found in recipe(seen))


def test_gpus_that_the_environment_hides_are_left_alone() -> None:
    """Whoever set CUDA_VISIBLE_DEVICES may have a reason: no command."""
    found = only(replace(idle(), environment=(("CUDA_VISIBLE_DEVICES", "0"),)))
    assert isinstance(found.command, Missing)
    assert "CUDA_VISIBLE_DEVICES=0" in found.command.reason


def test_ultralytics_starts_the_processes_itself() -> None:
    """The device is enough."""
    found = only(idle(framework="ultralytics", command=_YOLO))
    assert (found.setting, found.from_value, found.to_value) == ("device", "0", "0,1")
    assert isinstance(found.command, str)
    assert found.command.endswith("device=0,1 batch=32")
    assert found.together == (Change("world_size", 1, 2), Change("batch_size", 16, 32))


def test_gpus_of_several_kinds_are_warned_of() -> None:
    """CUDA may count them otherwise than the driver."""
    found = only(idle(gpu_name="RTX 3090"))
    assert any("CUDA_DEVICE_ORDER" in words for words in found.warnings)


def test_no_more_gpus_than_have_workers_are_suggested() -> None:
    """On 2 CPUs a third GPU would leave each process without workers: two of three are used."""
    found = only(idle(others=(0.0, 0.0), cores=2, workers=2, cpu=0.02, main_cpu=0.1, idle=0.9))
    assert found.to_value == "2 GPUs"
    assert isinstance(found.command, str)
    assert "--nproc_per_node 2" in found.command
    assert "--device 0,1" in found.command


def test_one_cpu_has_no_workers_for_two_processes() -> None:
    """YOLOv5 would cut to none: nothing is suggested."""
    assert recipe(idle(cores=1, workers=1, cpu=0.02, main_cpu=0.1, idle=0.9)) == ()


def test_summing_the_gradients_is_taken_off() -> None:
    """YOLOv5s: 4 bytes for each of 7.2 million weights, twice over 2 GPUs' half, over PCIe 4.0 x16."""
    view = idle().view()
    found = all_reduce_of(view, 2)
    assert found is not None
    link = 0.85 * 16 * 1969.2e6
    assert found.seconds == pytest.approx(4 * 7.2e6 / link, rel=0.02)
    assert found.step_seconds == pytest.approx(1 / 6)
    (suggestion,) = recipe(idle())
    assert "the sum takes about 1.1 ms of it beside a step of 167 ms, over PCIe" in suggestion.rests_on


def test_a_model_or_a_link_that_is_not_known_takes_nothing_off() -> None:
    """Then the bound alone is told."""
    assert all_reduce_of(idle(weights="own.pt").view(), 2) is None
    assert all_reduce_of(idle(link=Link(generation=None, generation_max=0)).view(), 2) is None
    assert all_reduce_of(idle(batch_rate=None, rate=None).view(), 2) is None
    assert all_reduce_of(idle().view(), 1) is None
    assert only(idle(weights="own.pt")).speedup == Effect(1.0, 1.5, 1.0, 2.0)


def test_yolov5_6_0_does_not_divide_the_cpus() -> None:
    """Its processes keep their workers however many GPUs they see: here the CPUs are the bound of none."""
    seen = idle(cores=6, idle=0.1, cpu=0.1, main_cpu=0.2)
    found = only(replace(seen, framework_version="v6.0"))
    assert isinstance(found.speedup, Effect)
    assert (found.speedup.high, found.bound) == (2.0, Bound.GPU)
    assert not any(change.setting == "workers" for change in found.together)


def test_what_was_advised_is_recognised_when_it_was_done() -> None:
    """The prediction of a second GPU is found for the run that has it."""
    prediction = prediction_of(only(idle()))
    assert prediction is not None
    made = changes_between(
        {"batch_size": 16, "workers": 4, "device": "0", "world_size": 1},
        {"batch_size": 32, "workers": 4, "device": "0,1", "world_size": 2},
    )
    assert prediction_for((prediction,), made) == prediction
