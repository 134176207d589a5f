"""The readers of a training's own truth, and the cache, without a training."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from tests.real import environment
from tests.real.cache import built_once
from tests.real.truth import (
    LoaderWait,
    Progress,
    data_wait_ratio,
    last_progress,
    loader_waits,
    logged_workers,
    results,
)

if TYPE_CHECKING:
    from pathlib import Path

_YOLOV5 = (
    "Using 2 dataloader workers\n"
    "\r  0%|          | 0/40 [00:00<?, ?it/s]"
    "\r        0/2         0G     0.1146    0.04055    0.03813         63        320:   2%|▎    | 1/40 00:04"
    "\r        0/2         0G     0.1147    0.04055    0.03813         61        320:  55%|██▌  | 22/40 00:09"
)
_VALIDATION = (
    "\n                 Class     Images  Instances      P      R   mAP50   mAP50-95: 100%|███| 4/4 00:04\n"
)
_ULTRALYTICS = (
    "\r\x1b[K        1/3         0G      6.422      4.625      4.222         26        160: "
    "37% ━━━━──────── 15/40 2.6it/s 7.4s<9.4s"
)


def test_yolov5_progress_counts_epochs_from_zero(tmp_path: Path) -> None:
    """Epoch "0/2" of YOLOv5 is the first of three, and its bar's count is that of finished batches."""
    log = tmp_path / "log"
    log.write_text(_YOLOV5)
    assert Progress(epoch=0, epochs=3, batch=22, batches=40) == last_progress(log)


def test_ultralytics_progress_counts_epochs_from_one(tmp_path: Path) -> None:
    """Epoch "1/3" of ultralytics is the first of three."""
    log = tmp_path / "log"
    log.write_text(_ULTRALYTICS)
    assert Progress(epoch=0, epochs=3, batch=15, batches=40) == last_progress(log)


def test_validation_bar_is_no_progress_of_the_epoch(tmp_path: Path) -> None:
    """During validation the last line of the epoch's own bar still counts."""
    log = tmp_path / "log"
    log.write_text(_YOLOV5 + _VALIDATION)
    assert Progress(epoch=0, epochs=3, batch=22, batches=40) == last_progress(log)


def test_log_before_the_first_epoch_has_no_progress(tmp_path: Path) -> None:
    """A log that is not there yet, or holds only the start, gives no progress."""
    log = tmp_path / "log"
    assert last_progress(log) is None
    log.write_text("Using 2 dataloader workers\n")
    assert last_progress(log) is None
    assert logged_workers(log) == 2


def test_results_lose_their_padding(tmp_path: Path) -> None:
    """YOLOv5 pads names and numbers of results.csv with spaces."""
    (tmp_path / "results.csv").write_text("   epoch,   x/lr0\n       0,    0.01\n")
    assert results(tmp_path) == [{"epoch": "0", "x/lr0": "0.01"}]


def test_unfinished_wait_has_no_end(tmp_path: Path) -> None:
    """A record whose end is 0 is a `next()` that still lasts; half a record is not read."""
    record = tmp_path / "waits"
    record.write_bytes(struct.pack("<ddiii4x", 1.5, 0.0, 0, 8, 2) + b"half")
    assert [LoaderWait(1.5, None, 0, 8, 2)] == loader_waits(record)


def test_wait_ratio_counts_only_what_lies_in_the_window() -> None:
    """Waits that begin before the window or last beyond it count with their part inside."""
    waits = [LoaderWait(0.0, 3.0, 0, 8, 2), LoaderWait(4.0, 5.0, 0, 8, 2), LoaderWait(9.0, None, 0, 8, 2)]
    assert pytest.approx(data_wait_ratio(waits, 2.0, 12.0)) == (1.0 + 1.0 + 3.0) / 10.0


def test_half_built_folder_is_built_again(tmp_path: Path) -> None:
    """A build that broke off leaves nothing that a later one would take for complete."""

    def breaks(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no network")

    folder = tmp_path / "environment"
    with pytest.raises(RuntimeError, match="no network"):
        built_once(folder, breaks, sound=lambda _: True)
    built_once(folder, lambda folder: (folder / "whole").touch(), sound=lambda _: True)
    assert sorted(path.name for path in folder.iterdir()) == ["complete", "whole"]


def test_complete_folder_is_not_built_again(tmp_path: Path) -> None:
    """What is complete and sound is used as it is, and built anew when it is no longer sound."""
    folder = tmp_path / "environment"
    builds: list[Path] = []
    built_once(folder, builds.append, sound=lambda _: True)
    built_once(folder, builds.append, sound=lambda _: True)
    assert builds == [folder]
    built_once(folder, builds.append, sound=lambda _: False)
    assert builds == [folder, folder]


def test_failed_installation_says_why() -> None:
    """The error of a build has the exit status and the last lines of the command that failed."""
    with pytest.raises(environment.EnvironmentUnavailable, match=r"(?s)exit status 3 .*no matching release"):
        environment._run(["sh", "-c", "echo no matching release; exit 3"])
