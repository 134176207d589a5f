"""The learning rate beside the batch: built in where the loss is summed, by rule where it is a mean."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.learning_rate import (
    keeping_nominal,
    learning_rate_of,
    learning_rate_words,
    update_of,
)
from gpumon.model.measure import Missing
from gpumon.model.training import Setting, Settings, Training
from tests.unit.synthetic_training import Scene

_BATCHES = st.integers(1, 4096)


def training(
    framework: str = "yolov5",
    command: str = "python train.py",
    *,
    rate: float | None = None,
    optimizer: str | None = None,
) -> Training:
    """Return a training with that command, learning rate and optimizer."""
    unknown = Missing("made to be missing")
    settings = Settings(
        lr0=unknown if rate is None else Setting(rate, "hyp.yaml"),
        optimizer=unknown if optimizer is None else Setting(optimizer, "argv"),
    )
    plain = Scene(framework=framework).training()
    return replace(plain, command=tuple(shlex.split(command)), settings=settings)


@pytest.mark.parametrize(
    ("batch", "images"),
    [
        *((batch, 64) for batch in (1, 2, 4, 8, 16, 32, 64)),
        (20, 60),
        (24, 72),
        (40, 80),
        (48, 48),
        (256, 256),
    ],
)
def test_what_one_update_sums(batch: int, images: int) -> None:
    """64 images at the divisors of 64, 48 to 80 at odd batches, then the batch itself."""
    update = update_of(training(), batch)
    assert update is not None
    assert images == update.images


@pytest.mark.parametrize(("now", "then"), [(16, 32), (8, 64), (1, 2)])
@pytest.mark.parametrize(("framework", "name"), [("yolov5", "YOLOv5"), ("ultralytics", "ultralytics")])
def test_below_the_nominal_batch_nothing_changes(now: int, then: int, framework: str, name: str) -> None:
    """Between divisors of 64 the update stays the same, and the words say of how many batches it is."""
    (words,) = learning_rate_words(training(framework), now, then)
    assert words.startswith(f"nothing to change in the learning rate: {name} accumulates to 64 images")


def test_an_odd_batch_is_warned_of_with_its_neighbours() -> None:
    """48 makes updates of 48 images; 32 and 64 would keep 64."""
    assert learning_rate_words(training(), 16, 48) == (
        "an update then sums 48 images instead of 64",
        "48 does not divide 64: 32 or 64 would keep 64 images",
    )


def test_a_batch_that_nearly_keeps_the_update_is_not_warned_of() -> None:
    """24 makes updates of 72 images: it may be advised, so nothing tells to leave it."""
    assert learning_rate_words(training(), 16, 24) == (
        "an update then sums 72 images instead of 64",
        "24 does not divide 64; 72 images are within an eighth of it",
    )


def test_above_the_nominal_batch_the_linear_rule_is_built_in() -> None:
    """128 images are summed, so the step is twice as large without a change of lr0."""
    words = " ".join(learning_rate_words(training(rate=0.01), 64, 128))
    assert "an update then sums 128 images instead of 64" in words
    assert "leave lr0 as it is" in words


def test_from_256_on_the_rate_may_go_down() -> None:
    """Lr0 times sqrt(64 / 256) to 1, with this training's own numbers."""
    words = " ".join(learning_rate_words(training(rate=0.01), 64, 256))
    assert "4 times that of 64 images: lr0 0.005 to 0.01" in words


def test_what_ultralytics_chooses_by_itself_gets_no_factor() -> None:
    """With optimizer=auto, its default, lr0 is ignored: a factor on it would be no advice."""
    words = " ".join(learning_rate_words(training("ultralytics", optimizer="auto"), 64, 256))
    assert "optimizer=auto chooses lr0 by itself" in words
    assert "lr0 times" not in words


def test_adam_is_not_told_that_its_step_grows() -> None:
    """A sum changes no step of Adam: the square-root rule, and no more."""
    words = " ".join(learning_rate_words(training(rate=0.001, optimizer="AdamW"), 64, 128))
    assert "lr0 times 1.41 (the square-root rule)" in words
    assert "the step grows" not in words


def test_nbs_of_ultralytics_is_the_nominal_batch() -> None:
    """With nbs=128 batch 16 is accumulated 8 times; an nbs that is no number counts for nothing."""
    own = update_of(training("ultralytics", "python /v/bin/yolo detect train nbs=128"), 16)
    odd = update_of(training("ultralytics", "python /v/bin/yolo detect train nbs=x"), 16)
    assert own is not None
    assert odd is not None
    assert (own.images, odd.images) == (128, 64)


@pytest.mark.parametrize(
    ("framework", "command"),
    [
        ("torch", "python train.py"),
        ("yolov5", "python classify/train.py"),
        ("ultralytics", "python /v/bin/yolo classify train"),
    ],
)
def test_classifiers_and_other_trainers_do_not_accumulate_so(framework: str, command: str) -> None:
    """Their loss is a mean: the nominal batch does not hold for them."""
    assert update_of(training(framework, command), 16) is None


def test_the_guides_rule_holds_for_trainers_without_accumulation() -> None:
    """0.01 at 64 becomes 0.00375 at 24, by the linear rule; with its own flag read from argv."""
    started = training("torch", "python main.py --lr 0.01 --batch-size 64", optimizer="SGD")
    (words,) = learning_rate_words(started, 64, 24)
    assert "learning rate 0.01 to 0.00375 (linear rule, Goyal et al. 2017)" in words
    assert "square-root" not in words


def test_an_unknown_optimizer_gets_both_rules() -> None:
    """Without its optimizer and its rate the words hold factors for SGD and for Adam."""
    (words,) = learning_rate_words(training("torch"), 64, 16)
    assert "with SGD learning rate times 0.25" in words
    assert "with Adam learning rate times 0.5" in words


def test_adam_without_accumulation_gets_the_square_root() -> None:
    """A power of one half."""
    started = training("torch", "python main.py --learning-rate=0.001", optimizer="Adam")
    (words,) = learning_rate_words(started, 64, 256)
    assert "learning rate 0.001 to 0.002 (square-root rule" in words
    assert "linear" not in words


@pytest.mark.parametrize(
    ("command", "rate"),
    [
        ("python t.py --lr 0.1", 0.1),
        ("python t.py --learning_rate=5e-5", 5e-5),
        ("python t.py optimizer.lr=0.02", 0.02),
        ("python t.py --lr 0.1 --lr 0.2", 0.2),
        ("python t.py --base-lr 3", 3.0),
        ("python t.py --lr cosine", None),
        ("python t.py --lr", None),
        ("python t.py --lr -1", None),
        ("python t.py --lr nan", None),
        ("python t.py lr 0.1", None),
        ("python t.py -lr 0.1", 0.1),
        ("python t.py --lr .5", 0.5),
        ("python t.py --lr 1e999", None),
        ("python t.py --lr-decay 0.1", None),
    ],
)
def test_the_rate_in_argv(command: str, rate: float | None) -> None:
    """The last flag that names a rate counts; what is no positive number does not."""
    assert learning_rate_of(training("torch", command)) == rate


@given(_BATCHES, _BATCHES, st.sampled_from(["yolov5", "ultralytics", "torch"]))
def test_words_never_name_a_flag_that_does_not_exist(now: int, then: int, framework: str) -> None:
    """No word of any change looks like a flag; none is said where nothing changes."""
    words = " ".join(learning_rate_words(training(framework, rate=0.01), now, then))
    assert "--" not in words
    assert (words == "") == (now == then)


@given(_BATCHES)
def test_an_update_is_near_the_nominal_batch_or_is_the_batch(batch: int) -> None:
    """Up to 64 an update sums 43 to 84 images, beyond it the batch; lr0 never has to rise."""
    update = update_of(training(), batch)
    assert update is not None
    assert update.images == batch if batch > 64 else 43 <= update.images <= 84
    assert update.lowest_factor == (sqrt(64 / batch) if batch >= 256 else 1.0)


@given(_BATCHES)
def test_neighbours_keep_the_nominal_batch(batch: int) -> None:
    """Each of them divides 64, and they lie on both sides."""
    near = keeping_nominal(batch)
    assert all(64 % size == 0 and size != batch for size in near)
    assert near


def test_a_huge_nominal_batch_costs_no_time() -> None:
    """Hostile words such as nbs=68719476736 are looked up by the square root of them."""
    assert keeping_nominal(3, 1 << 36) == (2, 4)


@given(st.integers(1, 200), st.integers(1, 500))
def test_neighbours_are_the_nearest_divisors(batch: int, nominal: int) -> None:
    """Whatever the nominal batch is: the largest divisor below and the smallest above."""
    divisors = [size for size in range(1, nominal + 1) if nominal % size == 0]
    below = [size for size in divisors if size < batch][-1:]
    above = [size for size in divisors if size > batch][:1]
    assert keeping_nominal(batch, nominal) == (*below, *above)


def test_the_page_about_the_guide_tells_what_is_computed() -> None:
    """Every row of its table of batches and images holds."""
    page = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d, ]+) \| ([\d, ]+) \| stays", page, re.MULTILINE)
    assert len(rows) == 3
    for batches, images in rows:
        sizes = [int(size) for size in batches.split(",")]
        updates = [update_of(training(), size) for size in sizes]
        sums = [update.images for update in updates if update is not None]
        told = [int(image) for image in images.split(",")]
        assert sums == (told * len(sizes) if len(told) == 1 else told)
