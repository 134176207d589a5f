"""Lines of logs as the versions of YOLOv5 and ultralytics print them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.log_lines import Bar, LineKind, LogLine, TrainLine, is_whole_bar, parse_line

COLUMNS = "      6.24G    0.04621     0.0711     0.0253        187        640: "
V7 = f"      12/99{COLUMNS} 38%|███▊      | 15/40 00:07"


def parsed(text: str) -> LogLine:
    line = parse_line(text)
    assert line is not None
    return line


def test_training_bar_of_v7_0() -> None:
    """Epochs, memory, losses, instances, size and batches stand in one line; v7.0 prints no rate."""
    assert parsed(V7) == LogLine(
        LineKind.TRAIN,
        bar=Bar(15, 40, 7.0, None),
        train=TrainLine(12, 99, 6.24, (0.04621, 0.0711, 0.0253), 187, 640),
    )


@pytest.mark.parametrize(
    ("tail", "bar"),
    [
        ("  2%|▎         | 1/40 [00:04<02:59,  4.60s/it]", Bar(1, 40, 4.0, 1 / 4.60)),
        (" 38%|███▊      | 15/40 [00:07<00:11,  2.60it/s]", Bar(15, 40, 7.0, 2.60)),
        ("  0%|          | 0/40 [00:00<?, ?it/s]", Bar(0, 40, 0.0, None)),
        (" 99%|#########9| 2932/2933 [1:02:03<00:01,  1.27s/it]", Bar(2932, 2933, 3723.0, 1 / 1.27)),
        (" 37% ━━━━──────── 15/40 2.6it/s 7.4s<9.4s", Bar(15, 40, 7.4, 2.6)),
        (" 8% ╸─────────── 3/40 1.9s/it 58.0s<2:03", Bar(3, 40, 58.0, 1 / 1.9)),
        (" 100% ━━━━━━━━━━━━ 40/40 2.6it/s 1:02", Bar(40, 40, 62.0, 2.6)),
        (" 0% ──────────── 0/40  0.0s", Bar(0, 40, 0.0, None)),
    ],
)
def test_bars_of_all_versions(tail: str, bar: Bar) -> None:
    """Elapsed time and rate are read from tqdm's bars and from those of ultralytics and YOLOv5 master."""
    assert parsed(f"       0/99{COLUMNS}{tail}").bar == bar


def test_training_bar_of_v5_0_has_a_fourth_loss() -> None:
    """v5.0 prints the total among the losses."""
    text = "     0/299     6.24G   0.04621    0.0711    0.0253    0.1426       187       640: "
    text += "  1%|▏ | 4/300 [00:09<11:00,  2.23s/it]"
    train = parsed(text).train
    assert train is not None
    assert train.losses == (0.04621, 0.0711, 0.0253, 0.1426)
    assert (train.instances, train.imgsz) == (187, 640)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("YOLOv5s summary: 214 layers, 7235389 parameters, 7235389 gradients, 16.6 GFLOPs", 7_235_389),
        ("Model Summary: 283 layers, 7276605 parameters, 7276605 gradients, 17.1 GFLOPS", 7_276_605),
        ("Model summary: 291 layers, 20871318 parameters, 12 gradients", 20_871_318),
        ("YOLO11n summary: 181 layers, 2,624,080 parameters, 2,624,064 gradients, 6.6 GFLOPs", 2_624_080),
    ],
)
def test_the_summary_of_a_model_tells_its_parameters(text: str, parameters: int) -> None:
    """As YOLOv5 from v5.0 on and ultralytics print it before training."""
    assert parsed(text) == LogLine(LineKind.MODEL, number=parameters)


@pytest.mark.parametrize(
    "text",
    [
        "YOLOv5s summary: 157 layers, 7225885 parameters, 0 gradients, 16.4 GFLOPs",
        "summary: layers, 7225885 parameters, 5 gradients",
    ],
)
def test_a_model_that_is_not_trained_is_none(text: str) -> None:
    """AMP's check and the last validation fuse a model: it has no gradients."""
    assert parse_line(text) is None


def test_losses_that_are_no_numbers_are_kept() -> None:
    """Losses of nan and inf are what a diverged training prints."""
    train = parsed(V7.replace("0.04621", "    nan").replace(" 0.0711", "    inf")).train
    assert train is not None
    assert math.isnan(train.losses[0])
    assert math.isinf(train.losses[1])


def test_classifier_shows_losses_only() -> None:
    """A classifier's bar has neither instances nor a size."""
    line = parsed(
        "       1/10      1.23G        2.31                                    :  33%|███▎      | 3/9 00:02"
    )
    assert line.train == TrainLine(1, 10, 1.23, (2.31,), None, None)


@pytest.mark.parametrize(
    "text",
    [
        "        Class     Images  Instances     P     R   mAP50   mAP50-95:  50%|█████     | 2/4 00:02",
        "  Class  Images  Labels   P   R  mAP@.5  mAP@.5:.95:  50%|█████ | 2/4 [00:02<00:02, 1.00s/it]",
        "    Class  Images  Instances  Box(P  R  mAP50  mAP50-95): 50% ━━━━━━────── 2/4 1.0it/s 2.0s<2.0s",
        "               classes   top1_acc   top5_acc: 50% ━━━━━━────── 2/4 1.0it/s 2.0s<2.0s",
        "       1/10      1.23G        2.31                          validating:  50%|█████| 2/4 00:02",
    ],
)
def test_validation_bars(text: str) -> None:
    """Validation is told by its own bar in every version."""
    line = parsed(text)
    assert line.kind is LineKind.VALIDATE
    assert line.bar is not None
    assert (line.bar.done, line.bar.total, line.bar.elapsed_seconds) == (2, 4, 2.0)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Using 8 dataloader workers", LogLine(LineKind.WORKERS, number=8)),
        ("Starting training for 300 epochs...", LogLine(LineKind.STARTING, number=300)),
        ("Starting training for 2.5 hours...", LogLine(LineKind.STARTING)),
        (
            "Starting yolov5s-cls.pt training on imagenette160 dataset with 10 classes for 3 epochs...",
            LogLine(LineKind.STARTING, number=3),
        ),
        (
            "AutoBatch: Using batch-size 146 for CUDA:0 6.24G/7.79G (80%) ✅",
            LogLine(LineKind.BATCH_SIZE, number=146),
        ),
        (
            "AutoBatch: CUDA not detected, using default CPU batch-size 16",
            LogLine(LineKind.BATCH_SIZE, number=16),
        ),
        (
            "WARNING ⚠️ CUDA out of memory with batch=16. Reducing to batch=8 and retrying (1/3).",
            LogLine(LineKind.BATCH_SIZE, number=8),
        ),
        ("AMP: checks passed ✅", LogLine(LineKind.AMP, passed=True)),
        (
            "AMP: checks failed ❌, disabling Automatic Mixed Precision.",
            LogLine(LineKind.AMP, passed=False),
        ),
        ("3 epochs completed in 0.008 hours.", LogLine(LineKind.COMPLETED, number=3)),
        ("Training complete (0.012 hours)", LogLine(LineKind.COMPLETED)),
        (
            "Stopping training early as no improvement observed in last 100 epochs. Best results observed",
            LogLine(LineKind.EARLY_STOP),
        ),
        ("EarlyStopping patience 100 exceeded, stopping training.", LogLine(LineKind.EARLY_STOP)),
        (
            "EarlyStopping: Training stopped early as no improvement observed in last 50 epochs.",
            LogLine(LineKind.EARLY_STOP),
        ),
        ("train: weights=, cfg=yolov5n.yaml, data=data.yaml", LogLine(LineKind.RUN_START)),
        ("engine/trainer: agnostic_nms=False, amp=True", LogLine(LineKind.RUN_START)),
        (
            "      Epoch    GPU_mem   box_loss   obj_loss   cls_loss  Instances       Size",
            LogLine(LineKind.HEADER, names=("box_loss", "obj_loss", "cls_loss", "Instances", "Size")),
        ),
        (
            "     Epoch   GPU_mem  train_loss    val_loss    top1_acc    top5_acc",
            LogLine(
                LineKind.HEADER, one_based=True, names=("train_loss", "val_loss", "top1_acc", "top5_acc")
            ),
        ),
        (
            "train: Scanning /d/labels... 48 images, 0 backgrounds, 0 corrupt:  38%|███▊      | 48/128 00:01",
            LogLine(LineKind.SCAN, bar=Bar(48, 128, 1.0, None)),
        ),
        (
            "val: Caching images (0.1GB ram):  43%|████▎     | 3/7 00:00",
            LogLine(LineKind.CACHE, bar=Bar(3, 7, 0.0, None)),
        ),
    ],
)
def test_lines_of_the_setup_and_the_end(text: str, line: LogLine) -> None:
    """What is printed once tells settings and stages."""
    assert parse_line(text) == line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "                   all         64         90    0.00594      0.778    0.00735    0.00186",
        "  0%|          | 0/25 [00:00<?, ?it/s]",
        "Downloading yolov5s.pt:  45%|████▌     | 6.3M/14.1M [00:01<00:01, 6.2MB/s]",
        "He said: 3/4 of 100% is enough",
    ],
)
def test_other_lines_mean_nothing(text: str) -> None:
    """Result rows, bare bars, downloads and prose are no progress of the training."""
    assert parse_line(text) is None


def test_bar_that_was_cut_while_it_was_written_is_not_whole() -> None:
    """Without its elapsed time a bar's last number may be half of one."""
    assert is_whole_bar(V7)
    assert not is_whole_bar(V7[: V7.index("/40") + 2])


NUMBERS = st.integers(min_value=0, max_value=99_999)
LOSSES = st.floats(min_value=0, max_value=1e6) | st.sampled_from([math.nan, math.inf])


@given(st.integers(0, 9999), st.integers(0, 9999), st.lists(LOSSES, min_size=3, max_size=5), NUMBERS, NUMBERS)
def test_formatted_lines_parse_back(
    epoch: int, last: int, losses: list[float], done: int, total: int
) -> None:
    """Whatever numbers a trainer formats as v7.0 does are read as they were printed."""
    columns = [f"{epoch}/{last}", "1.5G", *(f"{loss:.4g}" for loss in losses), "63", "640"]
    text = "".join(f"{column:>12}" for column in columns) + f":  7%|▋         | {done}/{total} 00:04"
    line = parsed(text)
    assert line.bar == Bar(done, total, 4.0, None)
    assert line.train is not None
    assert (line.train.epoch_label, line.train.last_label) == (epoch, last)
    printed = [float(f"{loss:.4g}") for loss in losses]
    assert repr(list(line.train.losses)) == repr(printed)


@given(st.text(max_size=300) | st.text(alphabet="0123456789/%| :Ge.━#[]<,it/s-", max_size=300))
def test_garbage_never_raises(text: str) -> None:
    """Any text is either understood or means nothing."""
    parse_line(text)
    is_whole_bar(text)
