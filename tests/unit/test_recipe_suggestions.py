"""Mixed precision and lr0: suggested only where they can be acted on, by no flag that does not exist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.advice.amp import advise_amp
from gpumon.advice.terms import ORDINARY_TERMS
from gpumon.diagnosis.rules import amp_off
from gpumon.model.finding import Finding
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Change, Effect, GoOn, Suggestion
from tests.unit.gpu_scene import GpuScene
from tests.unit.recipe import Seen, beside, changed, only, recipe
from tests.unit.synthetic_training import GIB, Scene

_YOLO = ("python", "/v/bin/yolo", "detect", "train", "device=0")
_FORBIDDEN = (
    "--amp",
    "--lr0",
    "--accumulate",
    "--auto-lr",
    "--scaler",
    "--grad-clip-norm",
    "--amp-impl",
    "--half",
    "--force",
)


def no_amp(**changes: Any) -> Seen:
    """Return a training of YOLOv5 whose AMP check failed."""
    return Seen(replace(GpuScene(amp=False, amp_source="the log: AMP checks failed"), **changes))


def test_amp_that_failed_its_check_has_no_flag() -> None:
    """YOLOv5: what the check does, what may be wrong with it, and no command."""
    found = only(no_amp())
    assert (found.setting, found.from_value, found.to_value) == ("amp", "off", "on")
    assert "its check failed" in found.text
    assert isinstance(found.command, Missing)
    assert "no flag" in found.command.reason
    assert isinstance(found.go_on, GoOn)
    assert found.go_on.edit == ""
    assert found.warnings == ()


def test_what_amp_saves_is_what_was_published() -> None:
    """A third of the memory and 25 % of the time, from no gain to 30 %; marked as not measured here."""
    found = only(no_amp())
    assert found.speedup == Effect(1.0, 1.25, 1.0, 1.3)
    assert isinstance(found.gpu_memory_bytes, Effect)
    assert found.gpu_memory_bytes.predicted == pytest.approx(0.67 * 5 * GIB)
    assert found.gpu_memory_bytes.low == pytest.approx(0.5 * 5 * GIB)
    assert "published" in found.rests_on
    assert "not measured here" in found.rests_on


def test_a_starved_training_gains_memory_only() -> None:
    """Where the loop waits for data, faster arithmetic brings no images."""
    view = no_amp(wait=0.41, workers=2, idle=0.02, cpu=0.96, gpu_busy=0.58).view()
    off = amp_off.RULE.judge(view)
    assert isinstance(off, Finding)
    (found,) = advise_amp(view, (off,), ORDINARY_TERMS)
    assert found.speedup == Effect(1.0, 1.0, 1.0, 1.0)
    assert "no speed while it waits for data" in found.rests_on


def test_busy_workers_bound_what_amp_brings() -> None:
    """Workers that are busy 90 % of the time can follow by a ninth."""
    found = only(no_amp(idle=0.1))
    assert isinstance(found.speedup, Effect)
    assert found.speedup.high == pytest.approx(1 / 0.9)


def test_ultralytics_takes_amp_as_a_setting() -> None:
    """The command says amp=True."""
    seen = Seen(GpuScene(amp=False, framework="ultralytics", command=_YOLO), (("amp", False),))
    found = only(seen)
    assert isinstance(found.command, str)
    assert found.command.endswith("detect train device=0 amp=True")


def test_other_trainers_decide_in_their_code() -> None:
    """No command, and the words name what does it."""
    found = only(Seen(GpuScene(amp=False, framework="torch")))
    assert "torch.autocast" in found.text
    assert isinstance(found.command, Missing)


@pytest.mark.parametrize(
    "scene",
    [GpuScene(), GpuScene(amp=False, capability=(6, 1)), GpuScene(amp=False, gpu=False), GpuScene(amp=None)],
)
def test_where_amp_is_on_or_brings_nothing_it_is_not_suggested(scene: Scene) -> None:
    """On already, no tensor cores, no GPU, or nobody tells."""
    assert recipe(Seen(scene)) == ()


def test_the_rate_goes_with_the_batch_without_accumulation() -> None:
    """0.01 at 64 becomes 0.00375 at 24; the suggestion holds both changes."""
    command = ("python", "main.py", "--lr", "0.01", "--batch-size", "64")
    seen = Seen(Scene(framework="torch", command=command, batch_size=64), (("optimizer", "SGD"),))
    (found,) = beside(seen, changed("batch_size", 64, 24))
    assert (found.setting, found.from_value, found.to_value) == ("lr0", 0.01, 0.00375)
    assert found.together == (Change("batch_size", 64, 24),)
    assert isinstance(found.speedup, Missing)
    assert "Goyal" in found.rests_on


def test_an_unknown_optimizer_is_named_in_what_it_rests_on() -> None:
    """The linear rule, and what Adam would need."""
    seen = Seen(Scene(framework="torch", command=("python", "main.py", "--lr", "0.01")))
    (found,) = beside(seen, changed("batch_size", 64, 16))
    assert found.to_value == 0.0025
    assert "with Adam 0.005" in found.rests_on


def test_yolov5_needs_another_rate_only_for_large_batches() -> None:
    """Nothing up to 128; from 256 on the low end, as an edit of hyp.yaml with the new batch."""
    seen = Seen(Scene(batch_size=128, command=("python", "train.py")), (("lr0", 0.01),))
    assert beside(seen, changed("batch_size", 64, 128)) == ()
    (found,) = beside(seen, changed("batch_size", 128, 512))
    assert found.to_value == 0.005
    assert isinstance(found.command, Missing)
    assert isinstance(found.go_on, GoOn)
    assert "+lr0: 0.005" in found.go_on.edit
    assert isinstance(found.go_on.command, str)
    assert "--batch-size 512 --hyp" in found.go_on.command


def test_the_rate_comes_with_all_that_the_batch_comes_with() -> None:
    """A pair of workers and batch, either way round: one command starts all three."""
    command = ("python", "main.py", "--lr", "0.01", "--batch-size", "16", "--workers", "2")
    seen = Seen(Scene(framework="torch", command=command), (("optimizer", "SGD"),))
    workers, batch = Change("workers", 2, 5), Change("batch_size", 16, 32)
    by_workers = replace(changed("workers", 2, 5), together=(batch,))
    by_batch = replace(changed("batch_size", 16, 32), together=(workers,))
    for pair, together in ((by_workers, (workers, batch)), (by_batch, (batch, workers))):
        (found,) = beside(seen, pair)
        assert (found.setting, found.to_value, found.together) == ("lr0", 0.02, together)
        assert found.command == "cd /data/yolov5 && python main.py --lr 0.02 --batch-size 32 --workers 5"


def test_the_file_of_hyperparameters_comes_with_the_workers() -> None:
    """YOLOv5 from 256 images on: the command with --hyp holds the workers, too."""
    seen = Seen(Scene(batch_size=128, command=("python", "train.py")), (("lr0", 0.01),))
    pair = replace(changed("workers", 2, 5), together=(Change("batch_size", 128, 256),))
    (found,) = beside(seen, pair)
    assert isinstance(found.go_on, GoOn)
    assert isinstance(found.go_on.command, str)
    assert "--workers 5 --batch-size 256 --hyp" in found.go_on.command


def test_the_rate_of_more_processes_is_started_by_their_launcher() -> None:
    """The ranks are the launcher's, the GPUs and the batch are flags; without the GPUs nothing is made up."""
    seen = Seen(Scene(batch_size=128, command=("python", "train.py")), (("lr0", 0.01),))
    ranks, device, batch = (
        Change("world_size", 1, 2),
        Change("device", "0", "0,1"),
        Change("batch_size", 128, 256),
    )
    plain = replace(changed("launcher", "1 GPU", "2 GPUs"), command="made up")
    (found,) = beside(seen, replace(plain, together=(ranks, device, batch)))
    assert isinstance(found.go_on, GoOn)
    assert isinstance(found.go_on.command, str)
    assert (
        "python -m torch.distributed.run --nproc_per_node 2 train.py --device 0,1 --batch-size 256 --hyp"
        in found.go_on.command
    )
    (unknown,) = beside(seen, replace(plain, together=(ranks, batch)))
    assert isinstance(unknown.go_on, Missing)
    hidden = Missing("CUDA_VISIBLE_DEVICES hides them")
    (refused,) = beside(seen, replace(plain, command=hidden, together=(ranks, device, batch)))
    assert (refused.command, refused.go_on) == (hidden, hidden)


def test_an_unknown_rate_is_not_changed() -> None:
    """Without lr0 there is no number to suggest."""
    assert beside(Seen(Scene(framework="torch")), changed("batch_size", 64, 24)) == ()
    assert beside(Seen(Scene()), changed("batch_size", 64, 512)) == ()


def test_a_loss_of_nan_with_a_large_step_gets_a_lower_rate() -> None:
    """256 images are 4 times what lr0 is made for: half of it. With 64 images no number is made up."""
    large = Seen(Scene(losses=(float("nan"), 0.1, 0.1), batch_size=256), (("lr0", 0.01),))
    (found,) = beside(large)
    assert (found.setting, found.to_value, found.finding) == ("lr0", 0.005, "nan-loss")
    assert isinstance(found.go_on, GoOn)
    assert beside(replace(large, scene=replace(large.scene, batch_size=16))) == ()


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["yolov5", "ultralytics", "torch"]),
    st.booleans(),
    st.sampled_from([1, 2, 3]),
    st.lists(st.sampled_from([0.0, 0.5, None]), max_size=3),
    st.integers(1, 300),
    st.sampled_from([0.0, 0.04, 0.5]),
    st.sampled_from(["", "0", "0,1"]),
)
def test_no_command_holds_a_flag_that_does_not_exist(  # noqa: PLR0917 - what hypothesis draws
    framework: str, amp: bool, replicas: int, others: list[float | None], batch: int, wait: float, device: str
) -> None:
    """Whatever is read: effects in order, and none of the flags of the guide that no version has."""
    command = _YOLO if framework == "ultralytics" else ("python", "train.py")
    scene = GpuScene(
        framework=framework,
        command=command,
        amp=amp,
        replicas=replicas,
        others=tuple(others),
        batch_size=batch,
        wait=wait,
        device=device,
    )
    seen = Seen(scene, (("lr0", 0.01),))
    found = (*recipe(seen), *beside(seen, changed("batch_size", batch, 2 * batch)))
    assert all(_is_in_order(one) for one in found)
    words = " ".join(" ".join(_texts(one)) for one in found)
    assert not any(f"{flag} " in f"{words} " for flag in _FORBIDDEN)


def _is_in_order(one: Suggestion) -> bool:
    effects = (one.speedup, one.images_per_second, one.gpu_memory_bytes)
    return all(each.low <= each.predicted <= each.high for each in effects if isinstance(each, Effect))


def _texts(one: Suggestion) -> tuple[str, ...]:
    on = one.go_on
    return (str(one.command), one.text, *one.warnings, "" if isinstance(on, Missing) else str(on.command))
