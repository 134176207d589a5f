"""Where a run stands, from its log and its run directory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.frameworks.log_lines_state import LogState, advance
from gpumon.frameworks.progress import batch_size, epoch_seconds, epochs_done, read_progress
from gpumon.model.clock import Instant
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.process import ProcessId
from gpumon.model.training import Phase, Setting, Settings, Training
from gpumon.sources.run_dir import FileSeen, RunDirReading

NOW = Instant(1000.0, 10.0)
NO_DIR = Missing("no run directory")
TRAINING = Training(
    ProcessId(100, 1),
    "yolov5",
    "exp",
    (),
    True,
    "/w",
    0,
    Settings(batch_size=Setting(16, "argv"), epochs=Setting(10, "argv")),
    (),
)
ULTRALYTICS = replace(TRAINING, framework="ultralytics")


def bar(batch: int, epoch: int, elapsed: int, of: int = 100) -> str:
    clock = f"{elapsed // 60:02d}:{elapsed % 60:02d}"
    return f"      {epoch}/9   6.24G   0.04   0.07   0.02     87     640:  38%|█| {batch}/{of} {clock}"


def steady_log(epoch: int = 3, until: int = 40, rate: int = 2, start: float = 980.0) -> LogState:
    """A log read once a second whose training does `rate` batches in one."""
    state = LogState()
    for second in range(until // rate + 1):
        state = advance(state, [bar(second * rate, epoch, second)], start + second)
    return state


def run_dir(done: int, *ends: float, started: float | None = 100.0, first_epoch: int = 0) -> RunDirReading:
    return RunDirReading(
        "/w/exp",
        columns=("epoch",),
        newest=(("epoch", float(done - 1 + first_epoch)),) if done else (),
        rows=done,
        row_times=tuple((done - len(ends) + 1 + number, end) for number, end in enumerate(ends)),
        started_unix_seconds=Missing("no opt.yaml yet") if started is None else started,
        results=FileSeen(ends[-1], 100) if ends else Missing("no results.csv yet"),
    )


def test_log_tells_place_and_rate() -> None:
    """Epoch, batch and images per second come from the bar; the rate carries its error."""
    progress = read_progress(TRAINING, steady_log(), NO_DIR, NOW, phase=Phase.TRAIN)
    assert (progress.epoch, progress.epochs, progress.batch, progress.batches) == (3, 10, 40, 100)
    images = progress.images_per_second
    assert isinstance(images, Measure)
    assert images.value == pytest.approx(32.0)
    assert images.certainty is Certainty.SAMPLED
    assert images.standard_error is not None
    assert images.standard_error > 0
    assert progress.source == "log"


def test_eta_is_the_rest_of_this_epoch_and_whole_epochs_after_it() -> None:
    """With 60 s between rows of results.csv and 50 s of batches, 30 s + 10 s + 6 x 60 s are left."""
    progress = read_progress(TRAINING, steady_log(), run_dir(3, 860.0, 920.0, 980.0), NOW, phase=Phase.TRAIN)
    assert progress.eta_seconds == pytest.approx(30 + 10 + 6 * 60)


def test_eta_before_any_epoch_ended_rests_on_the_rate() -> None:
    """Without an epoch's end seen, and no validation yet, epochs are as long as their batches."""
    progress = read_progress(TRAINING, steady_log(), NO_DIR, NOW, phase=Phase.TRAIN)
    assert progress.eta_seconds == pytest.approx(30 + 6 * 50)


def test_validation_seen_in_the_log_counts_in_the_eta() -> None:
    """The validation's own bar says how long it takes."""
    state = steady_log(epoch=2, until=100, start=900.0)
    validated = advance(state, ["   Class  Images  Instances   P   R  mAP50: 100%|█| 4/4 00:08"], 951.0)
    begun = advance(validated, [bar(0, 3, 0)], 952.0)
    progress = read_progress(TRAINING, begun, NO_DIR, Instant(952.0, 0.0), phase=Phase.TRAIN)
    assert progress.eta_seconds == pytest.approx(7 * (50 + 8), rel=0.03)


def test_no_images_are_trained_while_it_validates() -> None:
    """The rate of training is missing in validation, and what is left is still known."""
    progress = read_progress(
        TRAINING, steady_log(until=100), run_dir(3, 900.0, 960.0), NOW, phase=Phase.VALIDATE
    )
    assert progress.images_per_second == Missing("not training now: validate")
    assert progress.eta_seconds == pytest.approx(10 + 6 * 60)


def test_results_alone_tell_the_epoch_and_the_time_left() -> None:
    """Without a log the epoch under way is the one after the newest row; batches are not known."""
    progress = read_progress(TRAINING, None, run_dir(4, 860.0, 920.0, 980.0), NOW)
    assert progress.epoch == 4
    assert isinstance(progress.batch, Missing)
    assert progress.source == "results.csv"
    assert progress.eta_seconds == pytest.approx(60 - 20 + 5 * 60)
    assert progress.epoch_results == 4


def test_results_of_ultralytics_count_from_1() -> None:
    """The row of epoch 4 is the fourth, and the fifth is under way: index 4."""
    assert epochs_done(ULTRALYTICS, run_dir(4, 900.0, first_epoch=1)) == 4
    assert epochs_done(TRAINING, run_dir(4, 900.0)) == 4


def test_rows_of_an_earlier_run_in_the_same_directory_do_not_count() -> None:
    """With --exist-ok results.csv is older than opt.yaml until the first epoch ends."""
    assert epochs_done(TRAINING, run_dir(10, 50.0, started=100.0)) == 0


def test_rows_before_a_resume_count() -> None:
    """A resumed run goes on where the old rows end."""
    settings = replace(TRAINING.settings, resume=Setting("last.pt", "argv"))
    assert epochs_done(replace(TRAINING, settings=settings), run_dir(4, 50.0, started=100.0)) == 4


def test_contradiction_is_noted_and_the_log_is_shown() -> None:
    """Sources that disagree are not averaged."""
    progress = read_progress(TRAINING, steady_log(epoch=3), run_dir(7, 960.0), NOW, phase=Phase.TRAIN)
    assert progress.epoch == 3
    assert progress.source == "log; results.csv has 7 epochs"


def test_counted_rate_stands_in_for_a_log() -> None:
    """Where no log tells batches, images per second are an estimate with its interval."""
    counted = Measure(2.0, Certainty.ESTIMATED, "reads", low=1.5, high=2.25)
    images = read_progress(TRAINING, None, NO_DIR, NOW, phase=Phase.TRAIN, counted=counted).images_per_second
    assert images == Measure(32.0, Certainty.ESTIMATED, "reads", low=24.0, high=36.0)


def test_batch_that_the_log_tells_wins() -> None:
    """AutoBatch's choice stands only in the log."""
    auto = replace(TRAINING, settings=replace(TRAINING.settings, batch_size=Setting(-1, "argv")))
    assert isinstance(batch_size(auto, None), Missing)
    assert batch_size(auto, LogState(batch_size=24)) == 24


def test_epoch_time_is_the_median_between_rows() -> None:
    """One slow epoch does not decide."""
    assert epoch_seconds(TRAINING, run_dir(4, 100.0, 160.0, 500.0, 560.0)) == 60.0


def test_epoch_time_from_the_time_column_of_ultralytics() -> None:
    """Seconds since the start stand in each row."""
    table = replace(run_dir(2, 300.0, first_epoch=1), newest=(("epoch", 2.0), ("time", 90.0)))
    assert epoch_seconds(ULTRALYTICS, table) == 45.0


def test_epoch_time_since_the_start_where_only_one_row_was_seen() -> None:
    """Attached late, the mean since opt.yaml was written is what there is."""
    assert epoch_seconds(TRAINING, run_dir(4, 500.0, started=100.0)) == 100.0


def test_nothing_to_read_is_missing_with_reasons() -> None:
    """Neither log nor run directory: every number says why it is not there."""
    progress = read_progress(TRAINING, None, NO_DIR, NOW)
    for value in (progress.epoch, progress.batch, progress.images_per_second, progress.eta_seconds):
        assert isinstance(value, Missing)
        assert value.reason


def test_completed_run_has_nothing_left() -> None:
    """The final validation is no epoch."""
    state = advance(steady_log(epoch=9), ["10 epochs completed in 0.1 hours."], 1000.0)
    assert read_progress(TRAINING, state, NO_DIR, NOW, phase=Phase.END).eta_seconds == 0.0
