"""gpumon attaches by itself to a real, starved YOLOv5, tells its truth, and its advice works there.

One training from its start to SIGKILL, its restart by the command that gpumon printed, and the end of that
one by the death of a worker: gpumon looks on all the time.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpumon.advice.knobs.command import rewrite_command
from gpumon.model.finding import Severity
from gpumon.model.measure import Missing
from gpumon.model.process import Role
from gpumon.model.report import AttachState
from gpumon.model.suggestion import Bound
from gpumon.model.training import Ended, Ending, Phase, Setting
from tests.lab.watch import Look, Watch, images_per_second, training_stretch, wait_ratio
from tests.real import recipes, truth
from tests.real.environment import RealEnvironment
from tests.real.stage import Stage
from tests.real.training import RunningTraining

pytestmark = pytest.mark.real

_ROOT = Path(__file__).parents[2]
_WATCH_SECONDS = 16.0
# YOLOv5 cuts to the cores of the machine.
_MORE_WORKERS = min(2, os.cpu_count() or 1)
_WAIT_ERROR = 0.10
_RATE_ERROR = 0.10


@dataclass(frozen=True, slots=True)
class Starved:
    """What was seen while the training ran. `progress` is its log's right after the last look of `steady`.

    `other_user` is what `gpumon snapshot --json` prints to the user nobody.
    """

    training: RunningTraining
    watch: Watch
    starting: list[Look]
    steady: list[Look]
    progress: truth.Progress | None
    worker_pids: list[int]
    other_user: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Restarted:
    """The training that the printed command started, in the same place."""

    process: subprocess.Popen[bytes]
    log: Path
    watch: Watch
    attached_pid: int


@pytest.fixture(scope="module")
def starved(stage: Stage) -> Iterator[Starved]:
    """A starved YOLOv5 watched from its start on, until the verdict and the rate have settled."""
    training = stage.fresh(recipes.STARVED)
    with Watch(training.pid) as watch:
        watch.until(lambda look: look.reading.phase is Phase.TRAIN, 180)
        starting = watch.looks[:-1]
        steady = training_stretch(watch.for_seconds(_WATCH_SECONDS))
        progress, workers = training.progress, training.worker_pids
        other_user = _snapshot_as_nobody(training.pid)
        yield Starved(training, watch, starting, steady, progress, workers, other_user)


def _has_command(look: Look) -> bool:
    suggestion = look.worker_suggestion
    return suggestion is not None and isinstance(suggestion.command, str)


def _snapshot_as_nobody(pid: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.as_nobody", "snapshot", "--json", str(pid)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def advised(starved: Starved) -> Look:
    """The first look with a command, or the last one after 20 s in which other programs had the cores."""
    with contextlib.suppress(AssertionError):
        starved.watch.until(_has_command, 20)
    return starved.watch.looks[-1]


@pytest.fixture(scope="module")
def killed(starved: Starved) -> Ended:
    """How gpumon says it ended after SIGKILL."""
    starved.training.end()
    return starved.watch.until_ended(120)


@pytest.fixture(scope="module")
def restarted(starved: Starved, killed: Ended, real_environment: RealEnvironment) -> Iterator[Restarted]:
    """The training started again by a shell with the command that advice is made of."""
    assert killed.how is Ending.KILLED
    command = rewrite_command(starved.steady[-1].reading.training, {"workers": _MORE_WORKERS})
    assert isinstance(command, str)
    log = starved.training.workdir / "again.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env=real_environment.environ(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        pid = starved.watch.until_attached_again(120)
        starved.watch.until(lambda look: look.reading.phase is Phase.TRAIN, 180)
        yield Restarted(process, log, starved.watch, pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def crashed(restarted: Restarted) -> Ended:
    """How gpumon says it ended after one of its workers was killed: its main process then raises."""
    os.kill(truth.worker_pids(restarted.attached_pid)[0], signal.SIGKILL)
    return restarted.watch.until_ended(120)


def test_starved_recipe_waits(starved: Starved) -> None:
    """The starved recipe spends most of its time in next(loader)."""
    steady = starved.steady
    assert starved.training.data_wait_ratio(steady[0].seconds, steady[-1].seconds) > 0.5


def test_starved_recipe_has_its_worker_and_twice_as_many_for_validation(starved: Starved) -> None:
    """One training worker was asked for; v7.0 gives the validation loader twice that, from the start on."""
    assert len(starved.worker_pids) == 1 + 2


def test_it_attaches_without_being_told_the_pid(starved: Starved) -> None:
    """The training's main process is found among all processes, as YOLOv5."""
    last = starved.watch.looks[-1].report.attachment
    assert last.state is AttachState.ATTACHED
    assert last.training is not None
    assert (starved.training.pid, "yolov5") == (last.training.id.pid, last.training.framework)


@pytest.mark.parametrize("name", ["batch_size", "workers", "imgsz", "epochs", "cache", "device", "optimizer"])
def test_setting_is_that_of_opt_yaml(starved: Starved, name: str) -> None:
    """A setting is what the training itself wrote down."""
    setting = getattr(starved.steady[-1].reading.training.settings, name)
    assert starved.training.options[name] == setting.value


def test_effective_workers_are_the_processes_seen(starved: Starved) -> None:
    """The effective number of workers is that of the log's "Using N dataloader workers"."""
    workers = starved.steady[-1].reading.training.settings.workers
    assert isinstance(workers, Setting)
    assert starved.training.logged_workers == workers.value
    assert "seen" in workers.source


def test_roles_follow_the_order_of_creation(starved: Starved) -> None:
    """YOLOv5 starts the workers of the training's loader first: recorded loader 0 has that many."""
    first = starved.training.waits[0]
    assert first.loader == 0
    training = starved.steady[-1].reading.training
    assert starved.worker_pids[: first.workers] == sorted(training.pids(Role.TRAIN_WORKER))
    assert starved.worker_pids[first.workers :] == sorted(training.pids(Role.VAL_WORKER))
    assert (starved.training.pid,) == training.pids(Role.MAIN)


def test_run_directory_is_the_real_one(starved: Starved) -> None:
    """The run directory is the one that holds this training's opt.yaml."""
    run_dir = starved.steady[-1].reading.training.run_dir
    assert isinstance(run_dir, str)
    assert starved.training.run_dir.resolve() == Path(run_dir).resolve()


def test_epoch_and_batch_are_those_of_the_log(starved: Starved) -> None:
    """Epoch and batch agree with the training's own log, but for a batch that ended meanwhile."""
    told, shown = starved.progress, starved.steady[-1].reading.progress
    assert told is not None
    assert (told.epoch, told.epochs, told.batches) == (shown.epoch, shown.epochs, shown.batches)
    assert isinstance(shown.batch, int)
    assert abs(told.batch - shown.batch) <= 1


def test_only_starting_is_found_before_the_first_batch(starved: Starved) -> None:
    """While it imports, scans and builds, nothing but `starting` is found: idling is normal then."""
    found = {finding.id for look in starved.starting for finding in look.judged.findings}
    assert found <= {"starting"}


def test_wait_is_the_recorded_one(starved: Starved) -> None:
    """The share of waiting lies within 0.10 of what the recorder in the training saw."""
    steady = starved.steady
    real = starved.training.data_wait_ratio(steady[0].seconds, steady[-1].seconds)
    seen = wait_ratio(steady)
    print(f"starved: wait {seen:.3f}, recorded {real:.3f}, error {seen - real:+.3f}")
    assert real > 0.6
    assert pytest.approx(real, abs=_WAIT_ERROR) == seen


def test_rate_is_the_recorded_one(starved: Starved) -> None:
    """Images per second lie within 10 % of the batches that the recorder saw delivered."""
    steady = starved.steady
    start, end = steady[0].seconds, steady[-1].seconds
    batches = truth.batches_delivered(starved.training.waits, start, end)
    real = batches * recipes.STARVED.batch_size / (end - start)
    seen = images_per_second(steady[-1])
    print(f"starved: {seen:.2f} images/s, recorded {real:.2f}, error {seen / real - 1:+.1%}")
    assert pytest.approx(real, rel=_RATE_ERROR) == seen


def test_starved_one_is_called_starved(starved: Starved) -> None:
    """The verdict on a training that waits most of its time is a starvation, with a warning."""
    settled = [look.judged.findings[0] for look in starved.steady if look.judged.settled]
    assert settled
    assert all(verdict.id.startswith("starved-") for verdict in settled)
    assert {Severity.WARNING} == {verdict.severity for verdict in settled}


def test_advice_is_to_use_more_workers(advised: Look) -> None:
    """More workers are advised by a command; where other programs take the cores that is said instead."""
    suggestion, verdict = advised.worker_suggestion, advised.verdict
    assert suggestion is not None
    assert verdict is not None
    assert isinstance(suggestion.from_value, int)
    assert isinstance(suggestion.to_value, int)
    if isinstance(suggestion.command, Missing):
        assert "other programs take" in verdict.text
        assert suggestion.bound is Bound.CORES
    else:
        assert suggestion.from_value < suggestion.to_value
        training, to_value = advised.reading.training, suggestion.to_value
        assert suggestion.command == rewrite_command(training, {"workers": to_value})


def test_another_user_is_told_what_is_missing(starved: Starved) -> None:
    """A user who may not look into the training sees its settings and roles, and why the rest is missing."""
    document = starved.other_user
    assert not document["errors"]
    (seen,) = document["trainings"]
    assert (seen["pid"], seen["framework"]) == (starved.training.pid, "yolov5")
    assert [process["role"] for process in seen["processes"]].count("val_worker") == 2
    assert (seen["settings"]["batch_size"], seen["settings"]["workers"]) == (4, 1)
    if os.geteuid() == 0:
        assert seen["run_dir"] is None
        assert seen["missing"]["run_dir"]
        assert "run gpumon as root" in seen["processes"][0]["missing"]["read_calls_per_second"]
        assert seen["loader"]["data_wait_ratio"]["certainty"] == "estimated"


def test_sigkill_is_told_as_killed(killed: Ended) -> None:
    """A log that ends without an error means that somebody killed it."""
    assert killed.how is Ending.KILLED
    assert killed.text


def test_train_py_accepts_the_command_and_uses_its_workers(restarted: Restarted) -> None:
    """The real train.py accepts a rewritten command and says that it uses that number of workers."""
    assert truth.logged_workers(restarted.log) == _MORE_WORKERS


def test_restart_in_the_same_place_is_attached_again(starved: Starved, restarted: Restarted) -> None:
    """The restarted training is attached without being chosen, and has the new setting."""
    assert restarted.attached_pid != starved.training.pid
    look = restarted.watch.looks[-1]
    assert "again" in look.report.attachment.text
    workers = look.reading.training.settings.workers
    assert isinstance(workers, Setting)
    assert workers.value == _MORE_WORKERS


def test_killed_worker_is_told_as_crash(crashed: Ended, restarted: Restarted) -> None:
    """When a worker dies its main process raises, and gpumon names the worker."""
    assert restarted.process.wait(timeout=120) == 1
    assert crashed.how is Ending.CRASHED
    assert "worker" in crashed.text
