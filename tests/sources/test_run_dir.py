"""Run directories of YOLOv5 and ultralytics while they are written."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.model.text import is_clean
from gpumon.sources.run_dir import FileSeen, RunDirReading, RunDirSource

NOW = Instant(1000.0, 10.0)
COLUMNS = ("epoch", "train/box_loss", "metrics/mAP_0.5")
HEADER = "".join(f"{name:>20}," for name in COLUMNS).rstrip(",") + "\n"


def row(epoch: int, loss: float = 0.05, score: float = 0.4) -> str:
    return f"{epoch:>20},{loss:>20.5g},{score:>20.5g}\n"


def read(source: RunDirSource) -> RunDirReading:
    reading = source.read(NOW)
    assert isinstance(reading, RunDirReading)
    return reading


def test_padded_results_of_yolov5_are_read(tmp_path: Path) -> None:
    """Names and numbers lose the spaces that YOLOv5 pads them with."""
    (tmp_path / "results.csv").write_text(HEADER + row(0) + row(1, 0.04, 0.5))
    reading = read(RunDirSource(str(tmp_path)))
    assert reading.columns == COLUMNS
    assert reading.newest == (("epoch", 1.0), ("train/box_loss", 0.04), ("metrics/mAP_0.5", 0.5))
    assert reading.rows == 2


def test_unpadded_results_of_ultralytics_are_read(tmp_path: Path) -> None:
    """There are no spaces in them, and a column of seconds."""
    (tmp_path / "results.csv").write_text("epoch,time,train/box_loss\n1,3.2,1.5\n")
    reading = read(RunDirSource(str(tmp_path)))
    assert reading.newest == (("epoch", 1.0), ("time", 3.2), ("train/box_loss", 1.5))


def test_row_that_is_half_written_does_not_count(tmp_path: Path) -> None:
    """A row counts when its line has ended."""
    path = tmp_path / "results.csv"
    path.write_text(HEADER + row(0) + row(1)[:30])
    source = RunDirSource(str(tmp_path))
    assert read(source).rows == 1
    path.write_text(HEADER + row(0) + row(1))
    assert read(source).rows == 2


def test_times_of_rows_are_kept_as_they_arrive(tmp_path: Path) -> None:
    """Each new row is remembered with the file's own time."""
    path = tmp_path / "results.csv"
    source = RunDirSource(str(tmp_path))
    for epoch, seconds in enumerate((100.0, 130.0, 161.0)):
        path.write_text(HEADER + "".join(row(number) for number in range(epoch + 1)))
        os.utime(path, (seconds, seconds))
        reading = read(source)
    assert reading.row_times == ((1, 100.0), (2, 130.0), (3, 161.0))


def test_nan_is_kept(tmp_path: Path) -> None:
    """A loss that is no number is told as it is."""
    (tmp_path / "results.csv").write_text(HEADER + row(0, float("nan")))
    newest = dict(read(RunDirSource(str(tmp_path))).newest)
    assert math.isnan(newest["train/box_loss"])


def test_replaced_file_is_read_anew(tmp_path: Path) -> None:
    """Another file under the same name begins with no rows."""
    path = tmp_path / "results.csv"
    path.write_text(HEADER + row(0) + row(1))
    source = RunDirSource(str(tmp_path))
    read(source)
    fresh = tmp_path / "fresh"
    fresh.write_text(HEADER + row(0))
    fresh.rename(path)
    assert read(source).rows == 1


def test_huge_file_is_counted_in_bounded_steps_with_its_newest_row_known_at_once(tmp_path: Path) -> None:
    """The newest row comes from the tail; the count is missing until all was read."""
    path = tmp_path / "results.csv"
    path.write_text(HEADER + "".join(row(epoch) for epoch in range(3000)))
    source = RunDirSource(str(tmp_path), read_bytes=100_000)
    reading = read(source)
    assert isinstance(reading.rows, Missing)
    assert reading.newest[0] == ("epoch", 2999.0)
    for _ in range(3):
        reading = read(source)
    assert reading.rows == 3000
    assert reading.newest[0] == ("epoch", 2999.0)


def test_cells_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    """Text among the numbers is dropped, and a second header is no row."""
    (tmp_path / "results.csv").write_text(HEADER + "0,broken,0.5\n" + HEADER)
    reading = read(RunDirSource(str(tmp_path)))
    assert reading.newest == (("epoch", 0.0), ("metrics/mAP_0.5", 0.5))
    assert reading.rows == 1


def test_results_of_v5_0_are_read(tmp_path: Path) -> None:
    """v5.0 writes results.txt without a header; its epoch is "3/299"."""
    line = "     3/299     6.24G   0.04621    0.0711    0.0253    0.1426       187       640"
    line += "     0.5123    0.4021    0.4312    0.2201    0.0412    0.0512    0.0102\n"
    (tmp_path / "results.txt").write_text(line)
    reading = read(RunDirSource(str(tmp_path)))
    assert dict(reading.newest)["epoch"] == 3.0
    assert dict(reading.newest)["metrics/mAP_0.5"] == 0.4312
    assert reading.rows == 1


def test_checkpoint_that_shrinks_is_told(tmp_path: Path) -> None:
    """The size before the last change is kept: the end of a run halves last.pt."""
    weights = tmp_path / "weights"
    weights.mkdir()
    last = weights / "last.pt"
    last.write_bytes(b"x" * 1000)
    source = RunDirSource(str(tmp_path))
    assert read(source).last_size_before_bytes is None
    last.write_bytes(b"x" * 400)
    os.utime(last, (500.0, 500.0))
    reading = read(source)
    assert reading.last == FileSeen(500.0, 400)
    assert reading.last_size_before_bytes == 1000
    assert reading.last_most_bytes == 1000


def test_the_largest_checkpoint_is_of_the_row_it_was_first_seen_with(tmp_path: Path) -> None:
    """A later one that is larger by a few bytes is the same; one that is much larger was whole only then."""
    (tmp_path / "weights").mkdir()
    source, seen = RunDirSource(str(tmp_path)), []
    for row, size in enumerate((1000, 1004, 4000, 4010, 1000)):
        (tmp_path / "results.csv").write_text(
            HEADER + "".join(f"{done},0.1,0.5\n" for done in range(row + 1))
        )
        (tmp_path / "weights" / "last.pt").write_bytes(bytes(size))
        reading = read(source)
        seen.append((reading.last_most_bytes, reading.last_most_rows))
    assert seen == [(1000, 1), (1004, 1), (4000, 3), (4010, 3), (4010, 3)]


def test_start_and_first_batch_are_times_of_files(tmp_path: Path) -> None:
    """opt.yaml tells the start, train_batch0.jpg the first batch; what is not there has a reason."""
    (tmp_path / "opt.yaml").write_text("epochs: 3\n")
    os.utime(tmp_path / "opt.yaml", (50.0, 50.0))
    reading = read(RunDirSource(str(tmp_path)))
    assert reading.started_unix_seconds == 50.0
    assert reading.first_batch == Missing("no train_batch0.jpg yet")


def test_directory_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """The whole reading is missing, with its reason."""
    missing = RunDirSource(str(tmp_path / "none")).read(NOW)
    assert isinstance(missing, Missing)
    assert "does not exist" in missing.reason


def test_fifo_as_results_is_not_opened(tmp_path: Path) -> None:
    """A FIFO under the name of results.csv gives no rows and does not block."""
    os.mkfifo(tmp_path / "results.csv")
    assert read(RunDirSource(str(tmp_path))).columns == ()


@given(st.binary(max_size=2000))
def test_any_file_gives_clean_columns(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever stands in results.csv, reading it neither raises nor lets control characters pass."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "results.csv").write_bytes(data)
    reading = read(RunDirSource(str(folder)))
    for name in reading.columns:
        assert is_clean(name.replace("\N{REPLACEMENT CHARACTER}", "?"))
