"""A real, starved YOLOv5 goes on with more workers by the command that gpumon prints, without losing epochs.

One training: followed through its first epoch, stopped in a later one, and taken up from its checkpoint.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import yaml

from gpumon.advice.knobs.go_on import go_on
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Effect, GoOn
from gpumon.model.training import Phase, Setting
from tests.frameworks.test_command_yaml import patched
from tests.lab.others import other_cores
from tests.lab.watch import Look, Watch
from tests.real import truth
from tests.real.dataset import DataSet
from tests.real.environment import RealEnvironment
from tests.real.recipes import Recipe
from tests.real.stage import Stage
from tests.real.training import RunningTraining

pytestmark = pytest.mark.real

# An epoch of some ten seconds with one worker, which decodes 7.7-megapixel JPEGs for a tiny model. There are
# more epochs than it takes: it must not end by itself.
_SHORT_EPOCHS = Recipe(
    "yolov5",
    DataSet(width=3200, height=2400, distinct=6, train_images=80, val_images=8),
    imgsz=64,
    epochs=60,
    batch_size=4,
    workers=1,
    flags=("--noplots",),
)
# Where there is but one core, YOLOv5 cuts it to one, and its log says so.
_MORE_WORKERS = 2
_BATCHES = _SHORT_EPOCHS.dataset.train_images // _SHORT_EPOCHS.batch_size
# Of the first batches of an epoch some were ready before it began.
_FIRST_BATCHES = 3
# An epoch or a prediction during which other programs used more cores says nothing: the next one is taken.
_OTHER_CORES = 0.25
_MOST_EPOCHS = 8
# One alone may fall into seconds in which the virtual machine is slow.
_EPOCHS = 3
# Looks before a prediction in which they must have left the cores alone.
_LOOKS = 10
# A virtual machine is at times slower than at others, which nothing inside it shows. A prediction counts that
# was made at the speed which the recorded rate of the epochs before it shows too.
_SAME_SPEED_RATIO = 0.05
_PATIENCE_SECONDS = 120.0
_PROMISE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch of the training's loader without its first batches, in CLOCK_MONOTONIC seconds."""

    start: float
    end: float

    @property
    def rate(self) -> float:
        """Images per second."""
        return (_BATCHES - 1 - _FIRST_BATCHES) * _SHORT_EPOCHS.batch_size / (self.end - self.start)


@dataclass(frozen=True, slots=True)
class GoneOn:
    """The training before it was stopped, how gpumon said to go on, and the one that goes on, still running.

    `early` is what gpumon said before there was a checkpoint, `looks` are those at the first training.
    """

    first: RunningTraining
    looks: list[Look]
    early: GoOn | Missing
    way: GoOn
    options_before: str
    rows_before: list[dict[str, str]]
    pid: int
    log: Path
    record: Path
    watch: Watch

    def trained(self) -> Look:
        """Return a look at the resumed one after an epoch of its own."""
        return self.watch.until(_has_rows(self.first, len(self.rows_before) + 1), _PATIENCE_SECONDS)

    def undisturbed_rate(self) -> float:
        """Return the median rate of the first epochs of the resumed one that other programs left alone."""
        used: list[float] = []
        rates: list[float] = []
        for number in range(_MOST_EPOCHS):
            self.watch.until(_has_epochs(self.record, number + 1), _PATIENCE_SECONDS)
            epoch = _epochs(truth.loader_waits(self.record))[number]
            samples = [
                report.sample
                for report in self.watch.reports
                if epoch.start < report.sample.instant.monotonic_seconds <= epoch.end
            ]
            assert samples, "nobody looked during an epoch"
            used.append(other_cores(samples))
            if used[-1] <= _OTHER_CORES:
                rates.append(epoch.rate)
            if len(rates) == _EPOCHS:
                return median(rates)
        raise AssertionError(f"other programs used so many cores during its epochs: {used}")


def _promised(looks: list[Look], epochs: list[Epoch]) -> Effect | None:
    """Return the newest settled prediction, with a command, for this number of workers and nothing else."""
    speed = median(epoch.rate for epoch in epochs) if epochs else math.nan
    for end in range(len(looks), 0, -1):
        look, each = looks[end - 1], looks[end - 1].worker_suggestion
        if not look.judged.settled or each is None or each.to_value != _MORE_WORKERS or each.together:
            continue
        effect = each.images_per_second
        if not isinstance(each.command, str) or not isinstance(effect, Effect):
            continue
        if not math.isclose(effect.now, speed, rel_tol=_SAME_SPEED_RATIO):
            continue
        if other_cores(past.report.sample for past in looks[max(0, end - _LOOKS) : end]) <= _OTHER_CORES:
            return effect
    return None


def _way(look: Look) -> GoOn | Missing:
    return go_on(look.reading, {"workers": _MORE_WORKERS})


def _can_go_on(look: Look) -> bool:
    return isinstance(_way(look), GoOn) and look.reading.phase is Phase.TRAIN


@pytest.fixture(scope="module")
def gone_on(stage: Stage, real_environment: RealEnvironment) -> Iterator[GoneOn]:
    """The training stopped after an epoch, and taken up by a shell with the printed command.

    It waits for a prediction for a while, but does without one: that is for one test to judge.
    """
    first = stage.fresh(_SHORT_EPOCHS)
    with Watch(first.pid) as watch:
        early = _way(watch.until(lambda look: look.reading.phase is Phase.TRAIN, _PATIENCE_SECONDS))
        watch.until(_can_go_on, _PATIENCE_SECONDS)
        with contextlib.suppress(AssertionError):
            watch.until(lambda _: _promised(watch.looks, _epochs(first.waits)) is not None, _PROMISE_SECONDS)
        way = _way(watch.until(_can_go_on, _PATIENCE_SECONDS))
        assert isinstance(way, GoOn)
        first.end()
        options, rows, looks = (first.run_dir / "opt.yaml").read_text(), first.results, list(watch.looks)
        log, record = first.workdir / "resumed.log", first.workdir / "resumed_waits.bin"
        with _shell(way, log, record, real_environment):
            pid = watch.until_attached_again(_PATIENCE_SECONDS)
            yield GoneOn(first, looks, early, way, options, rows, pid, log, record, watch)


def _has_rows(training: RunningTraining, count: int) -> Callable[[Look], bool]:
    return lambda _: len(training.results) >= count


def _has_epochs(record: Path, count: int) -> Callable[[Look], bool]:
    return lambda _: len(_epochs(truth.loader_waits(record))) >= count


@contextlib.contextmanager
def _shell(way: GoOn, log: Path, record: Path, environment: RealEnvironment) -> Iterator[None]:
    """Run the printed command, and end what it started."""
    recorder = {"LOADER_WAITS_FILE": str(record), "TRAINING_PARENT_PID": str(os.getpid())}
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", str(way.command)],
            cwd="/",
            env=environment.environ(recorder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _epochs(waits: list[truth.LoaderWait]) -> list[Epoch]:
    """Return the whole epochs of the training's loader."""
    ends = [wait.end for wait in waits if wait.loader == 0 and wait.end is not None]
    starts = range(0, len(ends) - _BATCHES + 1, _BATCHES)
    return [Epoch(ends[start + _FIRST_BATCHES], ends[start + _BATCHES - 1]) for start in starts]


def test_before_an_epoch_is_over_there_is_nothing_to_go_on_from(gone_on: GoneOn) -> None:
    """It says so instead of a command that would fail."""
    assert isinstance(gone_on.early, Missing)
    assert "no epoch is completed yet" in gone_on.early.reason


def test_the_printed_edit_is_of_the_real_opt_yaml(gone_on: GoneOn) -> None:
    """Its old line stands there as it is printed; what it changes is the number of workers alone."""
    before: dict[str, Any] = yaml.safe_load(gone_on.options_before)
    after: dict[str, Any] = yaml.safe_load(patched(gone_on.options_before, gone_on.way.edit))

    assert Path(gone_on.way.path).resolve() == (gone_on.first.run_dir / "opt.yaml").resolve()
    assert before["workers"] == 1
    assert {**before, "workers": _MORE_WORKERS} == after
    assert gone_on.first.options["workers"] == _MORE_WORKERS


def test_the_resumed_one_is_attached_and_known_as_such(gone_on: GoneOn) -> None:
    """Without being told; its flags count for nothing, and to go on again is possible."""
    look = gone_on.trained()

    assert gone_on.pid != gone_on.first.pid
    assert "again" in look.report.attachment.text
    assert any("--resume" in note for note in look.reading.training.notes)
    assert isinstance(go_on(look.reading, {"workers": 1}), GoOn)


def test_it_runs_with_the_new_number_of_workers(gone_on: GoneOn) -> None:
    """By its own log, by the processes that gpumon sees, and with every other setting as before."""
    settings = gone_on.trained().reading.training.settings
    before: dict[str, Any] = yaml.safe_load(gone_on.options_before)

    assert truth.logged_workers(gone_on.log) == _MORE_WORKERS
    assert isinstance(settings.workers, Setting)
    assert settings.workers.value == _MORE_WORKERS
    for name in ("batch_size", "imgsz", "epochs", "data", "device"):
        assert gone_on.first.options[name] == before[name]


def test_no_completed_epoch_is_lost(gone_on: GoneOn) -> None:
    """The rows of results.csv go on in the same run directory; only the running epoch is done again."""
    gone_on.trained()
    rows = gone_on.first.results

    assert gone_on.way.lost.startswith("the running epoch is lost: ")
    assert rows[: len(gone_on.rows_before)] == gone_on.rows_before
    assert [row["epoch"] for row in rows] == [str(number) for number in range(len(rows))]
    assert "Resuming training from" in truth.log_text(gone_on.log)


def test_it_brings_what_was_predicted(gone_on: GoneOn) -> None:
    """The epochs that other programs leave alone have a recorded rate within the advice's interval."""
    before = _epochs(gone_on.first.waits)
    promised = _promised(gone_on.looks, before)
    verdicts = {look.verdict.text for look in gone_on.looks[-_LOOKS:] if look.verdict is not None}
    rates = [epoch.rate for epoch in before]
    assert promised is not None, f"no prediction at {rates} images/s, undisturbed; it said {verdicts}"
    achieved = gone_on.undisturbed_rate()

    print(
        f"workers 1 -> {_MORE_WORKERS}: {median(rates):.2f} images/s, {promised.predicted:.2f} predicted from"
        f" {promised.now:.2f} ({promised.low:.2f} to {promised.high:.2f}), achieved {achieved:.2f}"
    )
    assert promised.low <= achieved <= promised.high
