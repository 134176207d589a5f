"""The newest losses of a training by its progress bar, its memory and results.csv."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gpumon.frameworks.log_lines_state import LogState, advance
from gpumon.frameworks.losses import not_finite_ratio, read_losses
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.model.reading import LossesReading
from gpumon.model.training import Settings, Training
from gpumon.sources.interpreter_reading import LoopReading
from gpumon.sources.run_dir import RunDirReading

NAN = math.nan
NO_LOOP = LoopReading()
NO_DIR = Missing("no run directory")
YOLOV5 = Training(ProcessId(1, 1), "yolov5", "exp", (), True, "/w", 0, Settings(), ())
ULTRALYTICS = replace(YOLOV5, framework="ultralytics")
HEADER = "      Epoch    GPU_mem   box_loss   obj_loss   cls_loss  Instances       Size"
# As YOLOv5 7.0.14 printed them with a learning rate that was far too high.
NAN_BAR = (
    "       0/99         0G        nan        nan        nan         65         64:"
    "  50%|█████     | 3/6 [00:01<00:01,  2.28it/s]"
)
FIRST_NAN_BAR = (
    "       0/99         0G        nan        nan      187.2         59         64:"
    "  33%|███▎      | 2/6 [00:01<00:02,  1.82it/s]"
)
BAR_TEXT = "        1/2         0G     0.1146        nan    0.03813         63        320: "


def log(*lines: str, framework: str = "yolov5") -> LogState:
    return advance(LogState(framework=framework), lines, 10.0)


def table(epoch: float, loss: float, val_loss: float = 0.1) -> RunDirReading:
    row = (("epoch", epoch), ("train/box_loss", loss), ("metrics/mAP_0.5", NAN), ("val/box_loss", val_loss))
    return RunDirReading("/run", newest=row)


def test_nan_in_the_bar_of_yolov5_is_read_with_its_names() -> None:
    """The three columns are nan, and have the names of the header above them."""
    (found,) = read_losses(YOLOV5, log(HEADER, NAN_BAR), NO_DIR, NO_LOOP)
    assert ("log", 0, ["box_loss", "obj_loss", "cls_loss"]) == (
        found.source,
        found.epoch,
        [n for n, _ in found.values],
    )
    assert not_finite_ratio([found]) == 1.0
    (first,) = read_losses(YOLOV5, log(HEADER, FIRST_NAN_BAR), NO_DIR, NO_LOOP)
    assert not_finite_ratio([first]) == pytest.approx(2 / 3)


def test_the_bar_in_the_trainings_memory_stands_in_for_the_log() -> None:
    """A training in a terminal has no log to read, but the same text in its memory."""
    (found,) = read_losses(YOLOV5, None, NO_DIR, LoopReading(bar_text=BAR_TEXT))
    assert (found.epoch, found.values[0]) == (1, ("box_loss", 0.1146))
    assert math.isnan(dict(found.values)["obj_loss"])
    assert not_finite_ratio([found]) == pytest.approx(1 / 3)


def test_losses_without_names_are_numbered() -> None:
    """Another framework's losses, whose header was not seen, have numbers, and its epochs count from 1."""
    (found,) = read_losses(ULTRALYTICS, None, NO_DIR, LoopReading(bar_text=BAR_TEXT))
    assert (found.epoch, [name for name, _ in found.values]) == (0, ["loss 1", "loss 2", "loss 3"])


def test_accuracies_of_a_classifier_are_no_losses() -> None:
    """Columns of accuracy in a classifier's bar are left out."""
    lines = (
        "     Epoch   GPU_mem  train_loss    val_loss    top1_acc    top5_acc",
        "       1/5        0G        1.2         1.3         0.5         nan: 100%|███| 4/4 00:04",
    )
    (found,) = read_losses(YOLOV5, log(*lines), NO_DIR, NO_LOOP)
    assert found.values == (("train_loss", 1.2), ("val_loss", 1.3))


def test_results_have_the_losses_of_both_loops_and_no_scores() -> None:
    """Of a row the losses are taken, the validation's apart; a score of nan says nothing."""
    found = read_losses(YOLOV5, None, table(4, 0.2, math.inf), NO_LOOP)
    assert found == (
        LossesReading("results.csv", 4, (("train/box_loss", 0.2),)),
        LossesReading("results.csv", 4, (("val/box_loss", math.inf),), is_validation=True),
    )
    assert not_finite_ratio(found) == 0.5


def test_a_later_epoch_with_finite_losses_ends_the_trouble() -> None:
    """One overflow makes an epoch's mean nan: the bar of the next epoch is newer and tells it is over."""
    later = NAN_BAR.replace("nan", "0.1").replace("0/99", "2/99", 1)
    found = read_losses(YOLOV5, log(HEADER, later), table(1, NAN), NO_LOOP)
    assert [losses.source for losses in found] == ["log", "results.csv"]
    assert not_finite_ratio(found) == 0.0


def test_the_validations_losses_stay_until_the_next_row() -> None:
    """The bar knows nothing of validation: its losses of the last epoch are the newest there are."""
    later = NAN_BAR.replace("nan", "0.1").replace("0/99", "2/99", 1)
    assert not_finite_ratio(read_losses(YOLOV5, log(HEADER, later), table(1, 0.1, NAN), NO_LOOP)) == 0.25


@pytest.mark.parametrize("text", ["", "  0%|", "Epoch of somebody", "0/2 0G nan" + " nan" * 40])
def test_a_bar_of_somebody_else_tells_nothing(text: str) -> None:
    """A description that is no training bar's has no losses."""
    found = read_losses(YOLOV5, None, NO_DIR, LoopReading(bar_text=text))
    assert isinstance(not_finite_ratio(found), Missing)


@pytest.mark.parametrize("epoch", [NAN, math.inf, -1.0, 1e300])
def test_an_epoch_that_is_none_is_unknown(epoch: float) -> None:
    """What stands in the column of epochs is not trusted."""
    assert {losses.epoch for losses in read_losses(YOLOV5, None, table(epoch, 0.1), NO_LOOP)} == {None}
